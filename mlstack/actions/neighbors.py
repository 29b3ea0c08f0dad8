"""Read which other environments a cluster has, where something that they may rely on is about to be removed."""

from __future__ import annotations

from collections.abc import Mapping

from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.failures import ForbiddenError
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import MlstackError
from mlstack.plan.inventory import ID_LABEL
from mlstack.plan.kinds import INCLUDE_SHARED
from mlstack.plan.sharing import Neighbor, may_be_relied_on, neighbors, relied_on

FEW = 5  # objects that an error names


def users_of(session: Session, going: Mapping[Key, Manifest], members: Mapping[Key, Manifest]) -> dict[Key, str]:
    """Which of the objects others rely on, and who: one LIST of metadata, and none where nothing of that sort goes.

    A user who may list the inventories of some namespaces only sees those of the app's own.
    """
    if not any(may_be_relied_on(key, live) for key, live in going.items()):
        return {}
    return relied_on(going, members, _neighbors(session))


def _neighbors(session: Session) -> list[Neighbor]:
    client, config_map = session.connection.client, well_known("v1", "ConfigMap")
    try:
        found = objects.list_objects(client, config_map, labels=ID_LABEL, metadata_only=True).items
    except ForbiddenError:
        namespace = session.owner.namespace
        found = objects.list_objects(client, config_map, namespace, labels=ID_LABEL, metadata_only=True).items
    return neighbors(found, session.owner)


def refuse_relied_on(session: Session, going: Mapping[Key, Manifest], members: Mapping[Key, Manifest]) -> None:
    """Raises MlstackError if others rely on something that is about to be deleted. Nothing was removed yet."""
    found = users_of(session, going, members)
    if not found:
        return
    keys = sorted(found)
    named = ", ".join(map(str, keys[:FEW])) + (f" and {len(keys) - FEW} more" if len(keys) > FEW else "")
    users = " and ".join(sorted(set(found.values())))
    raise MlstackError(
        f"Nothing was removed: {named} would go, which {users} relies on.",
        f"Delete that first, or name the components to delete (mlstack delete {session.scope.environment} -c NAME). "
        f"--include {INCLUDE_SHARED} deletes it all the same.",
    )
