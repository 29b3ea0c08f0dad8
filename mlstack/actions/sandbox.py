"""sandbox up, down, list, status: one sandbox or all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mlstack import sandbox
from mlstack.errors import MlstackError
from mlstack.sandbox import Sandbox

Progress = Callable[[str], None]

up = sandbox.up
listing = sandbox.listing


@dataclass(frozen=True)
class Status:
    """A sandbox and its nodes: name, ready, simulated, cpu, memory, gpus, type. No nodes if it does not answer."""

    sandbox: Sandbox
    nodes: tuple[dict[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `-o json`."""
        return {**self.sandbox.as_dict(), "nodes": list(self.nodes)}


def status(name: str | None) -> Status:
    """The sandbox `name`, or the only one. Raises MlstackError if there is none of that name."""
    found = sandbox.status(name)
    return Status(found, tuple(sandbox.simulated_nodes(found)))


def down(name: str | None, *, every: bool, progress: Progress) -> Iterator[str]:
    """End the sandbox `name`, the only one, or every one; the names of those that are gone, one by one."""
    if every and name is not None:
        raise MlstackError(f"Say either {name} or --all, not both.")
    chosen = sandbox.only("take down") if name is None and not every else name
    names = [found.name for found in sandbox.listing()] if chosen is None else [chosen]
    for each in names:
        sandbox.down(each, progress=progress)
        yield each
