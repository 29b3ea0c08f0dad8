"""Where and what was measured, in a line: figures mean nothing without it."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .tools import Tool

_ROOT = Path(__file__).parent.parent


def machine_line() -> str:
    """The processor, cores, memory, system and Python; nothing that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB",
        f"{platform.system()} {platform.release().split('-')[0]}",
        f"Python {platform.python_version()}",
    ]
    return "; ".join(parts)


def run_line(tools: Sequence[Tool], loads: Sequence[float]) -> str:
    """When, which commit and versions, and how busy the machine was before the rounds (load of one minute)."""
    day = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    versions = ", ".join(f"{tool.name} {tool.version}" for tool in tools)
    load = f"load before the rounds {min(loads):.1f} to {max(loads):.1f}" if loads else ""
    return "; ".join(part for part in (day, commit(), versions, load) if part)


def commit() -> str:
    """The commit that is measured, and whether files of the program differ from it; empty outside of git."""
    found = _git("rev-parse", "--short", "HEAD")
    if not found:
        return ""
    changed = _git("status", "--porcelain", "--", "mlstack")
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
