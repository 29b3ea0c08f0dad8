"""Controllers that only tests need, built once from Go modules pinned here, and kept beside the sandbox's binaries."""

from __future__ import annotations

import sys
from pathlib import Path

from mlstack.cachefolder import cache_folder
from mlstack.sandbox import golang, home
from mlstack.sandbox.build import Builder
from mlstack.sandbox.pins import Component, machine, system

MODULES = Path(__file__).parent / "modules"
# The user's own: tests run with another one, and this module is read before they do.
CACHE = cache_folder()

KUEUE = Component("kueue", "kueue", "sigs.k8s.io/kueue/cmd/kueue", 300)


def built(component: Component, version: str) -> Path:
    """The program, built if it is not there yet. `version` is what its go.mod says."""
    folder = CACHE / "binaries" / f"{component.name}-{version}-{system()}-{machine()}"
    program = folder / component.name
    if program.exists():
        return program
    with home.locked(CACHE / f"{component.name}.lock", f"Another run is building {component.name}."):
        if not program.exists():
            _build(component, program)
    return program


def _build(component: Component, program: Path) -> None:
    work = CACHE / f"{component.name}-work"
    work.mkdir(parents=True, exist_ok=True)
    builder = Builder(golang.find(_say), work, _say, MODULES)
    made = builder.binary(component, f"{component.name} for tests, once")
    program.parent.mkdir(parents=True, exist_ok=True)
    made.rename(program)
    home.remove_tree(work)


def _say(text: str) -> None:
    sys.__stderr__.write(f"  {text}\n") if sys.__stderr__ else None
