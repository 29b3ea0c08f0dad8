"""What a plan has to tell besides its changes, a line each."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mlstack.plan.model import Action, Change


def notices(changes: Iterable[Change]) -> list[str]:
    """What is left to others, and what is taken from them."""
    found = list(changes)
    return [*_shared(found), *_left(found), *_taken(found), *_adopted(found)]


def unseen_notices(kinds: Collection[tuple[str, str]]) -> list[str]:
    """The kinds (group, kind) whose API does not answer."""
    told = ", ".join(sorted(f"{kind}.{group}" for group, kind in kinds))
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
