"""The notebook hub's port on this machine, as a person has it: `mlstack notebook` on a terminal."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import threading

from tests.real.place import Place, until


class Forwarded:
    """`mlstack notebook ENVIRONMENT --show-password` on a terminal, and what it says there."""

    def __init__(self, place: Place, environment: str = "minikube") -> None:
        master, terminal = pty.openpty()
        words = ("notebook", environment, "--show-password", "--port", "0")
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

    def find(self, pattern: str) -> str:
        """What the pattern's group matches in what it said, waited for."""
        until(lambda: bool(re.search(pattern, self.said)) or self.process.poll() is not None, pattern, 120)
        found = re.search(pattern, self.said)
        assert found, self.said
        return found[1]

    @property
    def address(self) -> str:
        """Where the hub is, as a browser wants it."""
        return self.find(r"(http://127\.0\.0\.1:\d+)")

    @property
    def password(self) -> str:
        """The hub's generated one."""
        return self.find(r"password: (\S+)")

    def end(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)
