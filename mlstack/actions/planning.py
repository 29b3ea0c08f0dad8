"""The plan of an apply: read, decide, ask the server by a dry-run where something may differ."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlstack.actions.reading import Reading, read, resource_for
from mlstack.actions.session import Scope, Session, open_session
from mlstack.cluster import objects
from mlstack.cluster.failures import ConflictError, DeniedError, InvalidError, TooLargeError, WebhookError
from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import MlstackError
from mlstack.plan.decide import Answer, Draft, drafts, masked, prunes, settle
from mlstack.plan.fields import value_at
from mlstack.plan.generated import filled
from mlstack.plan.model import Action, Allow, Change, FieldChange, Plan
from mlstack.plan.stages import NAMESPACES
from mlstack.plan.wanted import Wanted, wanted_objects

__all__ = ["NOTHING_MORE", "Allow", "Plan", "Planning", "Scope", "make_plan", "plan_session"]

NOTHING_MORE = Allow()


@dataclass(frozen=True)
class Planning:
    """A plan and what it was made from."""

    plan: Plan
    wanted: tuple[Wanted, ...]
    reading: Reading


def make_plan(scope: Scope, allow: Allow = NOTHING_MORE) -> Plan:
    """What an apply would do now. Writes nothing. Raises WrongClusterError, ClusterError's subclasses, MlstackError."""
    return plan_session(open_session(scope), allow).plan


def plan_session(session: Session, allow: Allow) -> Planning:
    """The plan of an open session."""
    wanted = wanted_objects(session.manifests, session.owner)
    reading = read(session, wanted, allow)
    _refuse_empty(session, wanted, reading)
    complete = [_with_generated(one, reading) for one in wanted]
    changes = _ask(session, drafts(complete, reading.snapshot, session.owner, allow), allow)
    removals = prunes(complete, reading.snapshot, allow, session.scope.components)
    namespaces = [_namespace(name, session) for name in reading.missing_namespaces]
    notices = [f"{one.component}: {note}" for one in session.rendered for note in one.notes]
    plan = Plan(
        session.scope.environment,
        session.owner.namespace,
        (*namespaces, *changes, *removals),
        (*notices, *_shared_notices(changes)),
    )
    return Planning(plan, tuple(complete), reading)


def _refuse_empty(session: Session, wanted: Sequence[Wanted], reading: Reading) -> None:
    """An empty render is a mistake far more often than a wish to remove everything."""
    if not wanted and reading.snapshot.ours:
        name = session.scope.environment
        raise MlstackError(
            f"Nothing renders for {name}, but {len(reading.snapshot.ours)} objects of this app are there.",
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


def _shared_notices(changes: Iterable[Change]) -> list[str]:
    left = [change for change in changes if change.action is Action.SHARED and change.live is not None]
    by_whom: dict[str, list[str]] = {}
    for change in left:
        by_whom.setdefault(change.reason, []).append(str(change.key))
    return [f"Left alone, {reason}: {', '.join(names)}." for reason, names in by_whom.items()]


def _ask(session: Session, decided: Sequence[Draft], allow: Allow) -> list[Change]:
    """Each draft as a change; what may differ is asked for by dry-runs, all at once."""
    asked = [draft for draft in decided if draft.ask]
    answers = session.connection.client.map(lambda draft: _dry_run(session, draft, allow), asked)
    settled = {}
    for draft, answer in zip(asked, answers, strict=True):
        if isinstance(answer, MlstackError):
            raise answer
        settled[draft.change.key] = settle(draft, answer, allow)
    return [masked(settled.get(draft.change.key, draft.change)) for draft in decided]


def _dry_run(session: Session, draft: Draft, allow: Allow) -> Answer:
    manifest, live = draft.change.manifest, draft.change.live
    assert manifest is not None  # only what will be sent is asked for
    assert live is not None
    force = allow.force_conflicts or draft.change.action is Action.ADOPT
    resource = resource_for(session, manifest)
    assert resource is not None  # the live object was just read
    client, manager = session.connection.client, session.owner.manager
    try:
        return Answer(objects.apply(client, resource, manifest, manager=manager, force=force, dry_run=True))
    except ConflictError as error:
        return Answer(conflicts=conflicts(error, manifest, live), refusal=error.message)
    except (InvalidError, DeniedError, TooLargeError) as error:
        return Answer(refusal=error.message)
    except WebhookError:
        return Answer()  # it is starting: the fields that were compared stand


def conflicts(error: ConflictError, manifest: Manifest, live: Manifest) -> tuple[FieldChange, ...]:
    """Each conflict's field with the cluster's value, ours and the other manager."""
    return tuple(
        FieldChange(
            cause.field.lstrip("."), value_at(live, cause.field), value_at(manifest, cause.field), cause.manager
        )
        for cause in error.causes
    )
