"""Before anything is sent: what is in the way of what an apply is about to make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlstack.actions.checks import Asked, look, untold
from mlstack.actions.events import Notice, OnEvent
from mlstack.actions.fitting import look_at_room
from mlstack.actions.planning import Planning
from mlstack.actions.rights import plurals
from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Manifest, without_nulls
from mlstack.errors import MlstackError
from mlstack.plan.findings import Finding, Look, findings
from mlstack.plan.fit.asks import Ask, asks
from mlstack.plan.fit.sharing import narrow, shared
from mlstack.plan.fit.volumes import Claims, claims_of
from mlstack.plan.fit.words import device_of
from mlstack.plan.model import Action, Change, Plan
from mlstack.plan.outside import spawned_claims
from mlstack.plan.rights import Right, own_rights, rights, rights_of

NEW = (Action.CREATE, Action.NEW_RUN, Action.RECREATE, Action.ADOPT)
STARTING = (*NEW, Action.CHANGE)
REMOVING = (Action.PRUNE, Action.RECREATE)
INSIST = "To insist: --no-preflight"


class PreflightError(MlstackError):
    """Something that the apply needs is certainly not there. Nothing was written."""

    def __init__(self, found: Sequence[Finding], environment: str) -> None:
        if len(found) == 1:
            advice = found[0].advice
            super().__init__(found[0].problem, advice + (" " if advice.endswith(".") else "\n  ") + INSIST)
        else:
            told = "".join(f"\n  {one.problem}\n    {one.advice}" for one in found)
            super().__init__(f"{len(found)} things are in the way in {environment}; nothing was written.{told}", INSIST)
        self.findings = tuple(found)


def preflight(session: Session, planning: Planning, on_event: OnEvent) -> None:
    """Tells what may be in the way of what is about to be made. Raises PreflightError for what certainly is.

    Reads only what new objects, and new references of changed ones, refer to outside of the app; the user's rights
    where a kind comes for the first time or something goes; nodes and pods where pods ask for accelerators, or share a
    claim that one node only can have.
    """
    plan = planning.plan
    looks = look(session, _asked(session, planning))
    asked = starting(session, plan)
    spawned = spawned_by(session, by_component(plan.of(*STARTING)))
    if any(map(device_of, asked)) or _may_tear(session, asked, spawned, coming_claims(plan)):
        looks += untold(look_at_room(session, asked, coming_claims(plan), spawned, devices_only=True), looks)
    tell(session, looks, on_event)


def tell(session: Session, looks: Iterable[Look], on_event: OnEvent) -> None:
    """Warnings as notices; errors raised, all at once."""
    found = findings(looks)
    errors = [one for one in found if one.certain]
    if errors:
        raise PreflightError(errors, session.scope.environment)
    for one in found:
        on_event(Notice(str(one)))


def explained(session: Session, error: MlstackError) -> MlstackError:
    """Why no plan could be made, where that is a right or a kind that is missing: all that is missing, together."""
    looks = look(session, Asked(session.manifests, session.manifests, rights=whole_rights(session, session.manifests)))
    errors = [one for one in findings(looks) if one.certain]
    return PreflightError(errors, session.scope.environment) if errors else error


def whole_rights(session: Session, components: dict[str, list[Manifest]]) -> set[Right]:
    """All that these objects take in their life."""
    manifests = [manifest for own in components.values() for manifest in own]
    return rights(manifests, plurals(session, manifests)) | own_rights(session.owner.namespace)


def _asked(session: Session, planning: Planning) -> Asked:
    plan, reading = planning.plan, planning.reading
    changed = plan.of(Action.CHANGE)
    everything = plan.of(*(action for action in Action if action not in (Action.PRUNE, Action.KEEP)))
    return Asked(
        by_component(plan.of(*NEW)),
        by_component(everything),
        by_component(changed),
        _live(changed),
        _rights(session, planning),
        reading.missing_namespaces,
    )


def _rights(session: Session, planning: Planning) -> set[Right]:
    """None where an apply has handled all these kinds before, and nothing goes."""
    plan, known = planning.plan, planning.reading.snapshot.inventory.kinds
    fresh = any((one.key.group, one.key.kind) not in known for one in plan.of(*NEW))
    if not fresh and not plan.of(*REMOVING):
        return set()
    manifests = [one.manifest or one.live or {} for one in plan.writes]
    wanted = rights_of(plan.writes, plurals(session, manifests))
    return wanted | (own_rights(session.owner.namespace) if not known else set())


def by_component(changes: Iterable[Change]) -> dict[str, list[Manifest]]:
    """What is to be sent, by component, as a reader takes it: null is absent."""
    found: dict[str, list[Manifest]] = {}
    for change in changes:
        if change.manifest is not None and change.component:
            found.setdefault(change.component, []).append(without_nulls(change.manifest))
    return found


def _live(changes: Iterable[Change]) -> dict[str, list[Manifest]]:
    found: dict[str, list[Manifest]] = {}
    for change in changes:
        if change.live is not None:
            found.setdefault(change.component, []).append(change.live)
    return found


def starting(session: Session, plan: Plan) -> list[Ask]:
    """The pods of what the plan creates or replaces."""
    manifests = by_component(plan.of(*STARTING))
    namespace = session.connection.namespace
    return [ask for component, found in manifests.items() for ask in asks(component, found, namespace)]


def spawned_by(session: Session, components: Mapping[str, Sequence[Manifest]]) -> list[str]:
    """The claims that every notebook of the hubs among some components will mount."""
    return [claim for name, own in components.items() for claim in spawned_claims(own, session.settings(name))]


def _may_tear(session: Session, asked: Sequence[Ask], spawned: Sequence[str], coming: Claims) -> bool:
    """Whether what starts mounts a claim that several pods of the app share, and that is not for several nodes.

    The claims are asked for only then, each by its name.
    """
    starts = {name for ask in asked if ask.count for name in claims_of(ask.pod)}
    if not starts and not spawned:
        return False
    namespace = session.connection.namespace
    everything = [ask for name, own in session.manifests.items() for ask in asks(name, own, namespace)]
    several = shared([*asked, *_others(everything, asked)]).keys() & starts
    names = sorted({*spawned, *several})
    client, kind = session.connection.client, well_known("v1", "PersistentVolumeClaim")
    there = client.map(lambda name: coming.get(name) or objects.find(client, kind, namespace, name), names)
    return any(isinstance(claim, Mapping) and bool(narrow(claim)) for claim in there)


def _others(everything: Sequence[Ask], asked: Sequence[Ask]) -> list[Ask]:
    owners = {ask.owner for ask in asked}
    return [ask for ask in everything if ask.owner not in owners]


def coming_claims(plan: Plan) -> Claims:
    """The volume claims that the plan makes, by name."""
    made = (change for change in plan.of(Action.CREATE) if change.key.kind == "PersistentVolumeClaim")
    return {change.key.name: change.manifest or {"metadata": {}} for change in made}
