"""Making a node's programs: Go modules pinned by checksum, and Debian packages unpacked beside them."""

from __future__ import annotations

import time
from pathlib import Path

from mlstack import sandbox
from mlstack.errors import MlstackError
from mlstack.sandbox import build as sandbox_build
from mlstack.sandbox import golang

from . import debian, pins, places
from .shell import Stamp, run, say


def everything(*, slow: bool) -> Path:
    """All programs, those that are missing or of another version built; the folder of the control plane's. Without
    `slow` not those that only the long tests need."""
    found = sandbox.find(may_build=True, progress=say)
    debian.unpack(pins.DEBIAN_PACKAGES)
    missing = [one for one in pins.PROGRAMS if (slow or not one.slow) and not _stamp(one).holds()]
    if missing:
        minutes = round(sum(program.seconds for program in missing) / 60) or 1
        say(f"Building {', '.join(program.name for program in missing)}: about {minutes} minutes on two cores, once.")
        go = golang.find(say)
        for program in missing:
            _build(go, program)
    return found.folder


def _stamp(program: pins.Program) -> Stamp:
    module = places.MODULES / program.module
    contents = [file.read_bytes() for file in sorted(module.iterdir())]
    return Stamp(places.binaries() / f".{program.name}", program.package, *program.facts, *contents)


def _build(go: Path, program: pins.Program) -> None:
    started = time.monotonic()
    target = places.binaries() / program.name
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{program.name}.unfinished")
    flags = " ".join(["-s -w", *(f"-X {fact}" for fact in program.facts)])
    words = [go, "build", "-trimpath", "-ldflags", flags, "-o", unfinished, program.package]
    env = {**sandbox_build.environment(), "CGO_ENABLED": "1" if program.libc else "0"}
    run(words, f"Building {program.name}", cwd=places.MODULES / program.module, env=env)
    unfinished.rename(target)
    _stamp(program).write()
    say(f"{program.name} built in {time.monotonic() - started:.0f} s")


def control_plane() -> Path:
    """The folder with the API server and its like. Raises MlstackError if they or the node's programs are missing."""
    missing = [one.name for one in pins.PROGRAMS if not one.slow and not (places.binaries() / one.name).is_file()]
    if missing:
        raise MlstackError(f"The node's {missing[0]} is not built.", "Run python -m tools.realnode build first.")
    return sandbox.find(may_build=False, progress=say).folder
