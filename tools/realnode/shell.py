"""Running a command to its end, and what is said when it fails."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlstack.errors import MlstackError


def say(text: str) -> None:
    """Tell the person who waits."""
    print(f"  {text}", flush=True)


def run(
    words: Sequence[object],
    title: str,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> str:
    """What the command printed. Raises MlstackError with its last words, beginning with `title`."""
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=env, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "not a word").splitlines()[-8:]
        raise MlstackError(f"{title} failed: {' / '.join(said)}", f"The command: {' '.join(map(str, words))[:400]}")
    return done.stdout


def digest(*parts: str | bytes) -> str:
    """A name for exactly these contents."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()[:16]


class Stamp:
    """A file that says what something was made of, so that a change of that makes it again."""

    def __init__(self, path: Path, *parts: str | bytes) -> None:
        self.path = path
        self.wanted = digest(*parts)

    def holds(self) -> bool:
        """Whether it was made of the same."""
        return self.path.is_file() and self.path.read_text("ascii") == self.wanted

    def write(self) -> None:
        """Say that it is made now."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.wanted, "ascii")
