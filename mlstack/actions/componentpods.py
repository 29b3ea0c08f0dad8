"""The pods and runs of a component as the cluster has them, found by their labels: no file of the app is asked."""

from __future__ import annotations

from collections.abc import Sequence

from mlstack.actions.listing import Place, all_or_raise, order
from mlstack.actions.reading import first_parent, inventory_of
from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Manifest
from mlstack.plan.inventory import Inventory
from mlstack.plan.kinds import RUN_KINDS
from mlstack.plan.roles import role_of

POD = well_known("v1", "Pod")


def remembered(session: Session) -> Inventory:
    """What was applied, and where."""
    return inventory_of(first_parent(session), session.owner)


def namespaces_of(session: Session, inventory: Inventory) -> list[str]:
    """Where pods of ours may be."""
    return sorted(inventory.namespaces | {session.owner.namespace})


def labels_of(session: Session, component: str) -> str:
    """The selector of all that is a component's."""
    wanted = {"component": component, "part-of": session.owner.app, "managed-by": "mlstack"}
    return ",".join(f"app.kubernetes.io/{name}={value}" for name, value in wanted.items())


def component_pods(session: Session, component: str, namespaces: Sequence[str]) -> list[Manifest]:
    """The pods of a component, by role and index."""
    client, labels = session.connection.client, labels_of(session, component)
    found = client.map(lambda name: objects.list_objects(client, POD, name, labels=labels).items, namespaces)
    return sorted((pod for pods in all_or_raise(found) for pod in pods), key=_order)


def _order(pod: Manifest) -> tuple[str, int, str]:
    return role_of(pod).order(pod["metadata"]["name"])


def run_places(session: Session, inventory: Inventory) -> list[Place]:
    """Where runs of ours may be, by kind and namespace."""
    kinds = inventory.kinds & RUN_KINDS
    found = [session.resource_of(group, kind) for group, kind in kinds]
    if not all(found):
        session.connection.discovery.refresh()  # an apply that is under way brings the definition
        found = [session.resource_of(group, kind) for group, kind in kinds]
    return sorted({(kind, name) for kind in found if kind for name in namespaces_of(session, inventory)}, key=order)
