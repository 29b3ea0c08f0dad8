"""`python -m bench.lists KUBECONFIG CONTEXT NAMESPACE`: the LISTs that `tune` cannot do without, and nothing else."""

from __future__ import annotations

import sys

from mlstack.actions.capacity import KINDS, NOT_ENDED, PAGE
from mlstack.actions.garbage import uncollected
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.connect import connect
from mlstack.cluster.kinds import well_known


def receive(client: Client, namespace: str) -> int:
    """Lists all of it, as many at once as `tune` does, and keeps nothing; how many objects came."""
    return sum(
        int(str(number)) for number in client.map(lambda name: _count(client, namespace, name), ["pods", *KINDS])
    )


def _count(client: Client, namespace: str, name: str) -> int:
    if name == "pods":
        pages = objects.list_pages(client, well_known("v1", "Pod"), None, fields=NOT_ENDED, page=PAGE)
        return sum(len(page) for page in pages)
    kind = KINDS[name]
    place = None if kind.everywhere else namespace
    return len(objects.list_objects(client, well_known(kind.version, kind.kind), place).items)


if __name__ == "__main__":
    with connect(sys.argv[2], sys.argv[1]) as connected, uncollected():
        print(receive(connected, sys.argv[3]))
