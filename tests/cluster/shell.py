"""What a person has who tries mlstack: a shell, and sandboxes, kubeconfig and home of one's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def environment(folder: Path, binaries: Path, **more: str) -> dict[str, str]:
    """Variables with which all that is kept lies below a folder, and the sandbox's programs are found."""
    return {
        **os.environ,
        "HOME": str(folder),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "MLSTACK_SANDBOX_DIR": str(folder / "sandboxes"),
        "MLSTACK_SANDBOX_BINARIES": str(binaries),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(binaries), os.environ["PATH"]]),
        **more,
    }


def wait_established(kubectl: Callable[..., str], context: str, *names: str) -> None:
    """Polls until the definitions are served. `kubectl wait` fails at once on one that has no conditions yet, and gives
    a busy control plane no more than its time-out."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        found = json.loads(kubectl("get", "crd", *names, "-o", "json", context=context))
        if all(map(_is_established, found.get("items", [found]))):
            return
        time.sleep(0.2)
    raise AssertionError(f"{names}: not established")


def _is_established(definition: dict[str, Any]) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


@dataclass
class Shell:
    """A shell that types lines, in the folder that `here` says."""

    folder: Path
    env: dict[str, str]

    @property
    def here(self) -> Path:
        """Where lines are typed that name no place."""
        return self.folder

    def do(self, line: str, where: Path | None = None) -> str:
        """Runs a line that has to work."""
        return self.type(line, where, check=True)

    def type(self, line: str, where: Path | None = None, *, check: bool = False) -> str:
        """Runs a line as a shell would; what it printed, as a terminal shows it, however it ended."""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=where or self.here,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0 or not check, f"$ {line}\n{done.stdout}"
        return done.stdout
