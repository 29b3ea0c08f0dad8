"""Where and what was measured, in a line: figures mean nothing without it."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from pathlib import Path

_ROOT = Path(__file__).parent.parent
MEASURED = ("mlstack", "requirements.lock")


def machine_line() -> str:
    """The processor, cores, memory, system and Python; nothing that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB",
        f"{platform.system()} {platform.release().split('-')[0]}",
        f"Python {platform.python_version()}",
    ]
    return "; ".join(parts)


def now() -> str:
    """The time, as it names a run."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def commit() -> str:
    """The commit that is measured, which is the last that changed mlstack itself; empty outside of git."""
    found = _git("log", "-1", "--format=%h", "--", *MEASURED)
    if not found:
        return ""
    changed = _git("status", "--porcelain", "--", *MEASURED)
    return f"commit {found}" + (" with uncommitted changes" if changed else "")


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=_ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
