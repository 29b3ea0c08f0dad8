"""What a delete leaves in the cluster on purpose: data, with the command that removes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.failures import ForbiddenError
from mlstack.cluster.kinds import Resource, well_known
from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.plan.kinds import kind_of
from mlstack.plan.losing import FEW, claims_of, deletes_claims
from mlstack.plan.ownership import SET_BY_HAND

CLAIM, SECRET = well_known("v1", "PersistentVolumeClaim"), well_known("v1", "Secret")


def left_behind(
    session: Session, going: Iterable[Manifest], kept: Sequence[Key], members: Collection[Key]
) -> tuple[str, ...]:
    """A sentence for each group of objects that hold data and stay. `members`: all of ours, of which those go."""
    told = [*_kept(session, kept), *_claims(session, list(going), members)]
    return (*told, *([] if session.scope.components else _secrets(session, members)))


def _kept(session: Session, kept: Sequence[Key]) -> Iterable[str]:
    """What is ours, and kept because --include does not name it."""
    words = sorted({kind_of(key.group, key.kind).include for key in kept})
    for word in words:
        names = [str(key) for key in kept if kind_of(key.group, key.kind).include == word]
        narrowed = "".join(f" -c {name}" for name in session.scope.components)
        command = f"mlstack delete {session.scope.environment}{narrowed} --include {word}"
        yield f"Kept: {_few(names)}. To delete: {command}"


def _claims(session: Session, going: Sequence[Manifest], members: Collection[Key]) -> Iterable[str]:
    """The claims that our StatefulSets made."""
    makers = [one for one in going if one["kind"] == "StatefulSet" and not deletes_claims(one)]
    for namespace in sorted({one["metadata"]["namespace"] for one in makers}):
        claims = _listed(session, CLAIM, namespace)
        here = [one for one in makers if one["metadata"]["namespace"] == namespace]
        found = [key_of(claim) for one in here for claim in claims_of(one, claims)]
        yield from _by_kubectl("pvc", namespace, set(found) - set(members), "")


def _secrets(session: Session, members: Collection[Key]) -> Iterable[str]:
    """The Secrets of the environment's namespace that `secret set` made or wrote to."""
    namespace = session.owner.namespace
    found = [
        key_of(one)
        for one in _listed(session, SECRET, namespace)
        if any(str(entry.get("manager")) == SET_BY_HAND for entry in one["metadata"].get("managedFields") or [])
    ]
    yield from _by_kubectl("secret", namespace, set(found) - set(members), " (set by `secret set`)")


def _by_kubectl(kind: str, namespace: str, found: Collection[Key], how: str) -> Iterable[str]:
    if found:
        keys = sorted(found)
        names = " ".join(key.name for key in keys)
        yield f"Kept: {_few([str(key) for key in keys])}{how}. To delete: kubectl delete {kind} -n {namespace} {names}"


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more


def _listed(session: Session, resource: Resource, namespace: str) -> list[Manifest]:
    try:
        return objects.list_objects(session.connection.client, resource, namespace, metadata_only=True).items
    except ForbiddenError:
        return []
