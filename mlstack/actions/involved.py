"""List the objects between a Deployment and its pods, which Warning events are often about."""

from __future__ import annotations

from collections.abc import Iterable

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Manifest

REPLICA_SETS = well_known("apps/v1", "ReplicaSet")


def replica_sets(client: Client, namespace: str, events: Iterable[Manifest]) -> list[Manifest]:
    """The metadata of a namespace's ReplicaSets if an event is about one: their owner references name the Deployment.

    Raises ClusterError's subclasses.
    """
    if not any((event.get("involvedObject") or {}).get("kind") == REPLICA_SETS.kind for event in events):
        return []
    return objects.list_objects(client, REPLICA_SETS, namespace, metadata_only=True).items
