"""A cluster as far as it can be seen, for the pods that an app is about to ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlstack.plan.fit.devices import promised
from mlstack.plan.fit.nodes import Room
from mlstack.plan.fit.priorities import Priorities
from mlstack.plan.fit.queues import Queues
from mlstack.plan.fit.volumes import Storage

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class View:
    """Nodes with what is free, and what the namespace allows.

    `blind`: what may not be read, in words; with `partly` set too the free amounts are an upper bound. `nodes` is None
    where not even nodes may be listed. `runtimes`: RuntimeClasses by name, None where they were not read. `hidden`: by
    resource, why it cannot be told how much of it there is. `known` keeps what was worked out already; `base` is the
    same cluster with the first of the nodes only, from which the rest follows.
    """

    nodes: Sequence[Room] | None
    quotas: Sequence[Manifest] = ()
    ranges: Sequence[Manifest] = ()
    storage: Storage = field(default_factory=Storage)
    queues: Queues = field(default_factory=Queues)
    partly: bool = False
    blind: tuple[str, ...] = ()
    runtimes: Mapping[str, Manifest] | None = None
    hidden: Mapping[str, str] = field(default_factory=dict)
    priorities: Priorities = field(default_factory=Priorities)
    base: View | None = field(default=None, repr=False, compare=False)
    known: dict[Any, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def emptied(self, devices: Iterable[str] = ()) -> View:
        """The same cluster with no pod on it and no quota used: what could ever be free of these devices too."""
        wanted = list(devices)
        nodes = None if self.nodes is None else [room.empty(promised(room, wanted)) for room in self.nodes]
        quotas = [_unused(quota) for quota in self.quotas]
        return replace(self, nodes=nodes, quotas=quotas, queues=self.queues.emptied(), base=None)


def _unused(quota: Manifest) -> Manifest:
    return {**quota, "status": {**(quota.get("status") or {}), "used": {}}}
