"""What a person has who tries mlstack: a shell, and sandboxes, kubeconfig and home of one's own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


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
