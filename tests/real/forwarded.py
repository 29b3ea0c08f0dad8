"""Commands that forward until Ctrl-C, as a person has them: on a terminal."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import threading
from types import TracebackType

from tests.real.place import Place, until


class Typed:
    """`mlstack WORDS` on a terminal, and what it says there. Ctrl-C ends it with the block, and that is a good end."""

    def __init__(self, place: Place, *words: str) -> None:
        master, terminal = pty.openpty()
        self.process = place.start(*words, stdin=terminal, stdout=terminal, stderr=subprocess.STDOUT)
        os.close(terminal)
        self.said = ""
        self.reader = threading.Thread(target=self.read, args=(master,), daemon=True)
        self.reader.start()

    def read(self, master: int) -> None:
        """Keep what comes on the terminal."""
        try:
            while data := os.read(master, 4096):
                self.said += data.decode()
        except OSError:  # the other end is closed
            os.close(master)

    def find(self, pattern: str, seconds: float = 120) -> str:
        """What the pattern's group matches in what it said, waited for."""
        until(lambda: bool(re.search(pattern, self.said)) or self.process.poll() is not None, pattern, seconds)
        found = re.search(pattern, self.said)
        assert found, self.said
        return found[1]

    @property
    def address(self) -> str:
        """Where it is reached, as a browser wants it, without a path."""
        return self.find(r"(http://127\.0\.0\.1:\d+)")

    def end(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def __enter__(self) -> Typed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        code = self.end()
        assert error or code == 0, self.said


class Forwarded(Typed):
    """The notebook hub's port: `mlstack notebook ENVIRONMENT --show-password`, for a `user` if one is named."""

    def __init__(self, place: Place, environment: str = "minikube", user: str = "") -> None:
        meant = ("--user", user) if user else ()
        super().__init__(place, "notebook", environment, "--show-password", "--port", "0", *meant)

    @property
    def password(self) -> str:
        """The hub's generated one."""
        return self.find(r"password: (\S+)")
