"""Claims that pods on several nodes mount, although their volumes can be attached to one node only.

The scheduler places such pods all the same; the kubelet of the second node then waits for the volume for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.places import places
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import claims_of

ONE_NODE = "ReadWriteOnce"


def torn(view: View, asked: Sequence[Ask]) -> Iterator[tuple[str, int]]:
    """Claims for one node (ReadWriteOnce) whose pods may come to several nodes, with the number of their pods."""
    pods = Counter[str]()
    for ask in asked:
        pods.update(dict.fromkeys(claims_of(ask.pod), ask.count))
    for name, number in pods.items():
        modes = ((view.storage.claim(name) or {}).get("spec") or {}).get("accessModes") or ()
        users = [ask for ask in asked if name in claims_of(ask.pod)]
        if list(modes) == [ONE_NODE] and number > 1 and _several_nodes(view, users):
            yield name, number


def _several_nodes(view: View, asked: Sequence[Ask]) -> bool:
    """Whether more than one node takes some of the pods."""
    nodes = {one.room.name for ask in asked for one in places(view, ask).open_ if one.count}
    return len(nodes) > 1


def warning(claim: str, pods: int) -> tuple[str, str]:
    """What to say of such a claim, and what to do."""
    problem = (
        f"PersistentVolumeClaim/{claim} is ReadWriteOnce and {pods} pods mount it: those on another node than the "
        "first do not start."
    )
    return problem, "Use a ReadWriteMany claim, or keep the pods on one node by an affinity rule."
