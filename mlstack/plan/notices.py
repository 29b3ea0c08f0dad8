"""What a plan has to tell besides its changes, a line each."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mlstack.plan.inventory import group_kind
from mlstack.plan.model import Action, Change


def notices(changes: Iterable[Change]) -> list[str]:
    """What is left to others, what is taken from them, and which data is lost."""
    found = list(changes)
    return [*_shared(found), *_left(found), *_taken(found), *_adopted(found), *_lost(found), *_noted(found)]


def unseen_notices(kinds: Collection[tuple[str, str]]) -> list[str]:
    """The kinds (group, kind) whose API does not answer."""
    told = ", ".join(sorted(group_kind(*kind) for kind in kinds))
    return [f"The API of {told} does not answer (kubectl get apiservices): left as it is, not pruned."] if told else []


def _shared(changes: Iterable[Change]) -> list[str]:
    by_whom: dict[str, list[str]] = {}
    for change in changes:
        if change.action is Action.SHARED and change.live is not None:
            by_whom.setdefault(change.reason, []).append(str(change.key))
    return [f"Left alone, {reason}: {', '.join(names)}." for reason, names in by_whom.items()]


def _left(changes: Iterable[Change]) -> list[str]:
    told = [
        f"{change.key} {field.path} ({field.before} by {field.owner}, here {field.after})"
        for change in changes
        for field in change.left
    ]
    return [f"Left as conflicts in mlstack.yaml says: {', '.join(told)}."] if told else []


def _taken(changes: Iterable[Change]) -> list[str]:
    told = [f"{change.key} {path}" for change in changes for path in change.takes]
    return [f"Taken as conflicts in mlstack.yaml says: {', '.join(told)}."] if told else []


def _adopted(changes: Iterable[Change]) -> list[str]:
    adopted = (change for change in changes if change.action is Action.ADOPT and not change.blocked)
    return [f"{change.key}: {change.reason}." for change in adopted]


def _lost(changes: Iterable[Change]) -> list[str]:
    lossy = (change for change in changes if change.loses and not change.blocked)
    return [f"{change.key}: deleting it loses {change.loses}." for change in lossy]


def _noted(changes: Iterable[Change]) -> list[str]:
    return [f"{change.key}: {change.note}." for change in changes if change.note and not change.blocked]
