"""Processes by number and start time, so that nobody else's process is ever taken for one of ours.

A sandbox's processes are found by what they are (the program) and by its folder on their command line: that finds
those too whose number was never written down because `up` was killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mlstack.errors import MlstackError

from . import pins

PROC = Path("/proc")
SUPERVISOR = "mlstack.sandbox.supervisor"


@dataclass(frozen=True)
class Process:
    """A process, distinguishable from a later one with the same number."""

    pid: int
    started: str
    command: tuple[str, ...]

    @property
    def program(self) -> str:
        """The program's file name, or the module that a Python runs."""
        return SUPERVISOR if SUPERVISOR in self.command else Path(self.command[0]).name

    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        now = lookup(self.pid)
        return now is not None and now.started == self.started


def lookup(pid: int) -> Process | None:
    """The running process `pid`; None if there is none, or only what is left of one."""
    return _from_proc(pid) if PROC.joinpath("self/stat").exists() else _from_ps(pid)


def _from_proc(pid: int) -> Process | None:
    try:
        # The name in parentheses may hold blanks and parentheses itself; the fields after it are counted from its end.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        words = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return None if fields[0] in "ZX" or not words[0] else Process(pid, fields[19], tuple(words))


def _from_ps(pid: int) -> Process | None:
    asked = ["ps", "-ww", "-o", "stat=,lstart=,command=", "-p", str(pid)]
    out = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    return None if len(out) < 7 or out[0].startswith("Z") else Process(pid, " ".join(out[1:6]), tuple(out[6:]))


def _pids() -> list[int]:
    if PROC.joinpath("self/stat").exists():
        return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    out = subprocess.run(["ps", "-axo", "pid="], capture_output=True, text=True, check=False).stdout
    return [int(word) for word in out.split()]


def owned(folder: Path) -> list[Process]:
    """The running processes of the sandbox in `folder`: control plane, supervisor, operator."""
    programs = {*pins.RUNNING, pins.OPERATOR, SUPERVISOR, "kwokctl"}
    found = (lookup(pid) for pid in _pids() if pid != os.getpid())
    return [p for p in found if p is not None and p.program in programs and _mentions(p, folder)]


def _mentions(process: Process, folder: Path) -> bool:
    return any(f"{folder}/" in f"{word}/" for word in process.command)


GONE_S = 10.0


def end(processes: Iterable[Process]) -> None:
    """Ask the processes to stop, kill those that do not in time, and return when all are gone."""
    left = [process for process in processes if _send(process, signal.SIGTERM)]
    if not wait_until(lambda: not any(p.alive() for p in left), GONE_S):
        kill(left)


def kill(processes: Iterable[Process]) -> None:
    """End the processes without asking, and return when all are gone."""
    left = [process for process in processes if _send(process, signal.SIGKILL)]
    wait_until(lambda: not any(p.alive() for p in left), GONE_S)


def end_all(folder: Path) -> None:
    """End everything of the sandbox in `folder`: first the supervisor, which ends the operator, then the control plane,
    whose data nobody needs any more."""
    end(process for process in owned(folder) if process.program == SUPERVISOR)
    # Again, because a killed kwokctl may have started one more meanwhile.
    for _ in range(3):
        if not (left := owned(folder)):
            return
        kill(left)
    stuck = ", ".join(f"{process.program} ({process.pid})" for process in left)
    raise MlstackError(f"These processes of a sandbox can't be ended: {stuck}.", "Try again; nothing was removed.")


def _send(process: Process, number: signal.Signals) -> bool:
    """Send a signal to this very process; False if it is gone."""
    if not process.alive():
        return False
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def wait_until(true: Callable[[], bool], timeout_s: float, interval_s: float = 0.05) -> bool:
    """Ask again and again until `true` says so or `timeout_s` seconds are over; which of the two it was."""
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval_s)
    return True


def spawn(command: list[str], log: Path, cwd: Path, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a process of its own session that outlives us; what it says goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=cwd,
            env=env,
            start_new_session=True,
            close_fds=True,
        )
