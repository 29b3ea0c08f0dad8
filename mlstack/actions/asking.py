"""What a server-side dry-run says of the changes that may differ: what would become of them, and who is against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlstack.actions.blame import blamed
from mlstack.actions.reading import resource_for
from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import (
    ConflictError,
    DeniedError,
    ForbiddenError,
    InvalidError,
    TooLargeError,
    WebhookError,
)
from mlstack.cluster.kinds import Resource
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.adoption import NO_HANDOVER, hand_over
from mlstack.plan.answered import is_about
from mlstack.plan.decide import Answer, Draft, masked, settle
from mlstack.plan.fieldpaths import spelled, value_at
from mlstack.plan.model import ABSENT, Action, Allow, Change, FieldChange
from mlstack.plan.rules import takes

READ_AGAIN = 2  # times, of an object that others write meanwhile


def ask(session: Session, decided: Sequence[Draft], allow: Allow) -> list[Change]:
    """Each draft as a change; what may differ is asked for by dry-runs, all at once."""
    asked = [draft for draft in decided if draft.ask]
    answers = session.connection.client.map(lambda draft: _answer(session, draft, allow), asked)
    settled = {}
    for draft, answer in zip(asked, answers, strict=True):
        if isinstance(answer, MlstackError):
            raise answer
        settled[draft.change.key] = settle(draft, answer, allow)
    return [masked(settled.get(draft.change.key, draft.change)) for draft in decided]


def _answer(session: Session, draft: Draft, allow: Allow) -> Answer:
    change = draft.change if draft.question is None else replace(draft.change, manifest=draft.question)
    try:
        return _accepted(session, change, force=allow.force_conflicts or change.action is Action.ADOPT)
    except ConflictError as error:
        return _conflicting(session, change, error, allow)
    except (InvalidError, DeniedError, TooLargeError) as error:
        return Answer(refusal=blamed(session, change.component, change.manifest or {}, error))
    except WebhookError:
        return Answer()  # it is starting: the fields that were compared stand
    except ForbiddenError:
        if session.denied is None:
            raise
        session.denied.unasked(change.manifest or {})
        return Answer()  # for who only reads: the fields that were compared stand


def _accepted(session: Session, change: Change, *, force: bool, taken: tuple[str, ...] = ()) -> Answer:
    manifest, live = change.manifest, change.live
    assert manifest is not None  # only what will be sent is asked for
    assert live is not None
    resource = resource_for(session, manifest)
    assert resource is not None  # the live object was just read
    found, live = _in_one_state(session.connection.client, session.owner.manager, resource, manifest, live, force=force)
    handover = hand_over(live, found, session.owner.manager) if change.action is Action.ADOPT else NO_HANDOVER
    return Answer(found, takes=taken, handover=handover, live=live)


def _in_one_state(
    client: Client, manager: str, resource: Resource, manifest: Manifest, live: Manifest, *, force: bool
) -> tuple[Manifest, Manifest]:
    """What a dry-run makes of the object, and the object as it was then.

    Where somebody has written it since it was read (a controller adds a finalizer), it is read again: that difference
    is not ours. One that is written all the time stays as it was read last.
    """
    for _ in range(READ_AGAIN):
        found = objects.apply(client, resource, manifest, manager=manager, force=force, dry_run=True)
        if is_about(found, live):
            return found, live
        live = objects.find(client, resource, live["metadata"].get("namespace"), live["metadata"]["name"]) or live
        if is_about(found, live):
            return found, live
    return objects.apply(client, resource, manifest, manager=manager, force=force, dry_run=True), live


def _conflicting(session: Session, change: Change, error: ConflictError, allow: Allow) -> Answer:
    """Forced where the app's rules take each of the fields; else the conflicts that nothing settles."""
    assert change.manifest is not None
    assert change.live is not None
    found = conflicts(error, change.manifest, change.live)
    open_ones = tuple(one for one in found if not takes(allow.rules, change.key, one.path))
    if open_ones or not found:
        return Answer(conflicts=open_ones, refusal=error.message)
    try:
        return _accepted(session, change, force=True, taken=tuple(one.path for one in found))
    except (InvalidError, DeniedError, TooLargeError) as refused:
        return Answer(refusal=blamed(session, change.component, change.manifest, refused))
    except WebhookError:
        return Answer(takes=tuple(one.path for one in found))


def conflicts(error: ConflictError, manifest: Manifest, live: Manifest) -> tuple[FieldChange, ...]:
    """Each conflict's field with the cluster's value, ours and the other manager."""
    return tuple(
        FieldChange(
            spelled(manifest, cause.field),
            _value(live, cause.field),
            _value(manifest, cause.field),
            cause.manager,
        )
        for cause in error.causes
    )


def _value(manifest: Manifest, path: str) -> object:
    found = value_at(manifest, path)
    return ABSENT if found is None else found
