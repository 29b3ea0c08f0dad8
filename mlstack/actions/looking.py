"""Looking up what an app refers to and does not bring: few requests, all at once, each object asked for once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ForbiddenError
from mlstack.cluster.kinds import WELL_KNOWN, Resource, well_known
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.findings import KINDS, OPERATORS, Finding, Look
from mlstack.plan.missing import (
    Where,
    absent,
    called,
    default_class,
    keys_of,
    lacking,
    topic_of,
    unqueued,
    unserved,
    unworked,
)
from mlstack.plan.operators import Operator, operator_of
from mlstack.plan.outside import CLUSTER_KINDS, Components, Need

VOLUME = well_known("v1", "PersistentVolume")
DEPLOYMENT = well_known("apps/v1", "Deployment")
# Of these the names of all are worth telling, and a LIST of them is small; the others are asked for by name.
LISTED = CLUSTER_KINDS | {"LocalQueue", "TrainingRuntime"}

_Answer = object  # a list of manifests, a manifest, None, or the ForbiddenError that says why not


@dataclass(frozen=True)
class _Question:
    """One request: all of a kind in a place, or one object by name; by its metadata alone where keys do not matter."""

    resource: Resource
    namespace: str
    name: str = ""
    metadata_only: bool = True


def where(session: Session) -> Where:
    """The environment that a session is about, for advice."""
    return Where(session.scope.environment, session.connection.namespace)


def look_up(session: Session, needs: Sequence[Need]) -> list[Look]:
    """One `Look` for each need, in their order. What the user may not read is told as such."""
    resources = {need: _resource(session, need) for need in needs}
    parts = {(resources[need], need.namespace, need.name) for need in needs if need.part}
    asked = {need: _question(need, resource, parts) for need, resource in resources.items() if resource}
    answers = _answers(session.connection.client, list(dict.fromkeys(asked.values())))
    by_hand = cache(lambda: _by_hand(session.connection.client))
    return [
        _judged(session, need, answers[asked[need]], by_hand) if need in asked else _no_kind(session, need)
        for need in needs
    ]


def _resource(session: Session, need: Need) -> Resource | None:
    if need.version.count("/") or (need.version, need.kind) in WELL_KNOWN:
        return session.connection.discovery.find(need.version, need.kind)
    return session.resource_of(need.version, need.kind)


def _question(need: Need, resource: Resource, parts: set[tuple[Resource | None, str, str]]) -> _Question:
    if need.kind in LISTED:
        return _Question(resource, need.namespace)
    return _Question(resource, need.namespace, need.name, (resource, need.namespace, need.name) not in parts)


def _answers(client: Client, asked: Sequence[_Question]) -> Mapping[_Question, _Answer]:
    found = dict(zip(asked, client.map(lambda one: _ask(client, one), asked), strict=True))
    for answer in found.values():
        if isinstance(answer, MlstackError) and not isinstance(answer, ForbiddenError):
            raise answer
    return found


def _ask(client: Client, one: _Question) -> _Answer:
    if one.name:
        return objects.find(client, one.resource, one.namespace, one.name, metadata_only=one.metadata_only)
    return objects.list_objects(client, one.resource, one.namespace or None, metadata_only=True).items


def _judged(session: Session, need: Need, answer: _Answer, by_hand: Callable[[], Collection[str]]) -> Look:
    """`by_hand`: the classes of which there are volumes all the same, asked for where one is missing."""
    topic, what = topic_of(need), called(need)
    if isinstance(answer, MlstackError):
        return Look(topic, what, unseen=f"{what} (no right to read it)")
    settings, place = session.settings(need.component), where(session)
    missing = ((need.kind, need.namespace, need.name),)
    if isinstance(answer, list):
        names = {item["metadata"]["name"] for item in answer}
        made = need.kind == "StorageClass" and need.name not in names and need.name in by_hand()
        if (need.name or default_class(answer)) in names or made:
            return Look(topic, what)
        return Look(topic, what, absent(need, names, settings, place), missing=missing)
    if not isinstance(answer, dict):
        return Look(topic, what, absent(need, (), settings, place), missing=missing)
    if need.part and need.part not in (keys := keys_of(answer)):
        return Look(topic, what, lacking(need, keys, settings, place))
    return Look(topic, what)


def _by_hand(client: Client) -> Collection[str]:
    """The classes of volumes that were made by hand and are free: for these there need be no object of that name."""
    try:
        found = objects.list_objects(client, VOLUME).items
    except ForbiddenError:
        return ()
    return {volume["spec"].get("storageClassName") or "" for volume in found if _free(volume)}


def _free(volume: Manifest) -> bool:
    taken = (volume.get("status") or {}).get("phase") in ("Bound", "Released", "Failed")
    return not taken and "deletionTimestamp" not in volume["metadata"]


def _no_kind(session: Session, need: Need) -> Look:
    """Not even the kind is there."""
    settings = session.settings(need.component)
    if need.kind == "LocalQueue":
        return Look(topic_of(need), called(need), unqueued(need, settings))
    return Look(topic_of(need), called(need), unserved(need, (), settings, where(session)))


def look_at_kinds(session: Session, kinds: Sequence[Need], everything: Components) -> list[Look]:
    """Whether the cluster serves the custom kinds, and whether their operators are at work."""
    served = {need: session.connection.discovery.find(need.version, need.kind) for need in kinds}
    looks = [Look(KINDS, need.kind, _unserved(session, need)) for need, found in served.items() if found is None]
    looks += [Look(KINDS, need.kind) for need, found in served.items() if found is not None]
    return [*looks, *_operators(session, [need for need, found in served.items() if found], everything)]


def _unserved(session: Session, need: Need) -> Finding:
    discovery = session.connection.discovery
    others = discovery.other_versions(need.version, need.kind)
    near = "" if others else discovery.meant(need.version, need.kind)
    return unserved(need, others, session.settings(need.component), where(session), near)


def _group(version: str) -> str:
    return version.rpartition("/")[0]


def _operators(session: Session, kinds: Iterable[Need], everything: Components) -> list[Look]:
    own = [manifest for manifests in everything.values() for manifest in manifests]
    concerned: dict[Operator, list[Need]] = {}
    for need in kinds:
        operator = operator_of(_group(need.version))
        if operator is not None and not operator.within(own):
            concerned.setdefault(operator, []).append(need)
    found = session.connection.client.map(_finder(session.connection.client), list(concerned))
    return [
        _at_work(operator, needs, answer) for (operator, needs), answer in zip(concerned.items(), found, strict=True)
    ]


def _finder(client: Client) -> Callable[[Operator], list[Manifest]]:
    return lambda operator: objects.list_objects(client, DEPLOYMENT, None, labels=operator.selector).items


def _at_work(operator: Operator, needs: Sequence[Need], answer: list[Manifest] | MlstackError) -> Look:
    name = operator.title.removeprefix("the ")
    if isinstance(answer, ForbiddenError):
        return Look(OPERATORS, name, unseen=f"{name} (no right to list Deployments of all namespaces)")
    if isinstance(answer, MlstackError):
        raise answer
    finding = unworked(operator, needs[0].component, sorted({need.kind for need in needs}), answer)
    return Look(OPERATORS, name, finding)
