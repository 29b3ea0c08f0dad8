"""This process, and others of this machine, as a Lease names them."""

from __future__ import annotations

import getpass
import os
import platform
from pathlib import Path

from mlstack.plan.lease import Process
from mlstack.version import __version__

PROC = Path("/proc")


def who() -> str:
    """The user of this process in words: "ann@laptop (pid 1234, mlstack 0.1.0)"."""
    return f"{user()}@{platform.node()} (pid {os.getpid()}, mlstack {__version__})"


def user() -> str:
    """Who runs this: the login name, or the number of a user without one, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def this_process() -> Process:
    """This process. On a machine without /proc its machine is "": nobody can tell then whether it is gone."""
    return Process(machine(), os.getpid(), started(os.getpid()))


def machine() -> str:
    """This boot of this machine and its process ids: containers count theirs for themselves."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def alive(process: Process) -> bool:
    """Whether a process of this machine still runs: not a later one with its id, nor a zombie."""
    return bool(process.started) and started(process.pid) == process.started


def started(pid: int) -> str:
    """When a process started, in ticks since the boot; "" if it does not run. Source: proc(5), fields 3 and 22."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
