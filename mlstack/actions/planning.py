"""The plan of an apply: read, decide, ask the server by a dry-run where something may differ."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlstack.actions.asking import ask
from mlstack.actions.denied import Denied
from mlstack.actions.losses import with_losses
from mlstack.actions.neighbors import users_of
from mlstack.actions.reading import Reading, read
from mlstack.actions.session import Scope, Session
from mlstack.app.conflicts import conflict_rules
from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import MlstackError
from mlstack.plan.decide import drafts, prunes, spared, with_their_run
from mlstack.plan.generated import filled
from mlstack.plan.inventory import Inventory
from mlstack.plan.kinds import INCLUDE_SHARED, check_includes
from mlstack.plan.model import Action, Allow, Change, Plan
from mlstack.plan.notices import notices, unseen_notices
from mlstack.plan.rerun import rerun, sending, under_former_hash
from mlstack.plan.sharing import kept_for
from mlstack.plan.stages import NAMESPACES
from mlstack.plan.wanted import Wanted, wanted_objects

__all__ = ["NOTHING_MORE", "Allow", "Plan", "Planning", "Scope", "plan_session"]

NOTHING_MORE = Allow()


@dataclass(frozen=True)
class Planning:
    """A plan and what it was made from."""

    plan: Plan
    wanted: tuple[Wanted, ...]
    reading: Reading


def plan_session(session: Session, allow: Allow) -> Planning:
    """The plan of an open session."""
    check_includes(allow.include)
    allow = replace(allow, rules=conflict_rules(session.scope.project))
    wanted = wanted_objects(session.manifests, session.owner)
    reading = read(session, wanted, allow)
    _refuse_empty(session, wanted, reading)
    seen = [one for one in wanted if not (session.denied and session.denied.leaves(one.manifest))]
    complete = [_with_generated(one, reading) for one in seen]
    changes = with_their_run(ask(session, drafts(complete, reading.snapshot, session.owner, allow), allow))
    removals = spared(prunes(complete, reading.snapshot, allow, session.scope.components), changes, reading.snapshot)
    removals = _left_to_others(session, removals, reading, allow)
    changes, removals = with_losses(session, changes, allow), with_losses(session, removals, allow)
    namespaces = [_namespace(name, session) for name in reading.missing_namespaces]
    told = [f"{one.component}: {note}" for one in session.rendered for note in one.notes]
    plan = Plan(
        session.scope.environment,
        session.owner.namespace,
        (*namespaces, *changes, *removals),
        (*session.resolved, *told, *notices([*changes, *removals]), *_unseen(session, reading)),
        _question(session, reading.snapshot.inventory),
    )
    planning = Planning(plan, tuple(complete), reading)
    return _again(session, planning, allow) if session.again else planning


def _unseen(session: Session, reading: Reading) -> list[str]:
    denied = session.denied or Denied()
    return [*unseen_notices(reading.unseen - denied.kinds), *denied.notices]


def _left_to_others(session: Session, removals: list[Change], reading: Reading, allow: Allow) -> list[Change]:
    """The prunes without what other environments of the cluster rely on."""
    going = {change.key: change.live for change in removals if change.writes and change.live}
    if not going or INCLUDE_SHARED in allow.include:
        return removals
    return kept_for(removals, users_of(session, going, reading.snapshot.ours))


def _question(session: Session, inventory: Inventory) -> str:
    name = session.scope.environment
    if session.connection.environment.protected:
        return f"{name} is protected"
    if session.former or session.again or not inventory.former:
        return ""
    return f"{name} was rolled back to revision {inventory.former}, and the files are ahead of it"


def _again(session: Session, planning: Planning, allow: Allow) -> Planning:
    """The plan of `run`: every run of the component starts anew."""
    runs = {one.key for one in planning.wanted if one.run}
    once = bool(session.scope.sets)
    plan = rerun(planning.plan, runs, allow, once=once)
    if not once:
        return replace(planning, plan=plan)
    wanted = under_former_hash(planning.wanted, planning.reading.snapshot.inventory)
    return Planning(sending(plan, wanted), tuple(wanted), planning.reading)


def _refuse_empty(session: Session, wanted: Sequence[Wanted], reading: Reading) -> None:
    """An empty render is a mistake far more often than a wish to remove everything."""
    if not wanted and reading.snapshot.ours:
        name, number = session.scope.environment, len(reading.snapshot.ours)
        there = "an object of this app is" if number == 1 else f"{number} objects of this app are"
        raise MlstackError(
            f"Nothing renders for {name}, but {there} there.",
            f"To remove them: mlstack delete {name}",
        )


def _with_generated(one: Wanted, reading: Reading) -> Wanted:
    manifest = filled(one.manifest, reading.snapshot.ours.get(one.key), make_secret)
    return one if manifest is one.manifest else one.sending(manifest)


def make_secret(kind: str, length: int) -> str:
    """A fresh secret: `length` hex digits or a password of `length` letters and digits."""
    alphabet = "0123456789abcdef" if kind == "hex" else string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _namespace(name: str, session: Session) -> Change:
    labels = {"app.kubernetes.io/managed-by": "mlstack", "app.kubernetes.io/part-of": session.owner.app}
    manifest: Manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    return Change(Key("", "Namespace", "", name), Action.CREATE, "", NAMESPACES, manifest)
