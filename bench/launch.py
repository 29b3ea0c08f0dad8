"""Run one command and write down what it took. Started as a script of its own for each measurement.

Linux counts the memory of whoever starts a program as the program's own peak; a bare Python with four modules of the
standard library keeps that floor at about 10 MB. Hence no import of anything else here.
"""

from __future__ import annotations

import json
import os
import sys
import time


def measured(command: list[str]) -> dict[str, float]:
    """Seconds, CPU seconds and peak memory (MB) of a command and its children, and its exit code."""
    begin = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - begin
    unit = 1024 if sys.platform == "linux" else 1024 * 1024  # macOS counts bytes
    return {
        "seconds": seconds,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / unit,
        "code": os.waitstatus_to_exitcode(status),
    }


if __name__ == "__main__":
    result = json.dumps(measured(sys.argv[2:]))
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(result)
