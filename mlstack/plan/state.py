"""How an object stands, and the words that the rules of readiness are written in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mlstack.compose.manifests import Manifest


class State(StrEnum):
    """Where an object stands on its way."""

    WAITING = "waiting"
    READY = "ready"
    FINISHED = "finished"  # a run that ended well
    FAILED = "failed"
    TERMINATING = "terminating"


@dataclass(frozen=True)
class Readiness:
    """`progress`: "0/1" where the kind counts; `reason`: why not ready, as far as the object itself tells; `queue`:
    the one in which a suspended job waits for its turn."""

    state: State
    progress: str = ""
    reason: str = ""
    queue: str = ""

    @property
    def ready(self) -> bool:
        """Whether nobody needs to wait for it any more."""
        return self.state in (State.READY, State.FINISHED)


READY = Readiness(State.READY)
# A rule is given a live object, its spec and its status.
Rule = Callable[[Manifest, Mapping[str, Any], Mapping[str, Any]], Readiness]


def switched(live: Mapping[str, Any], path: Sequence[str]) -> bool | None:
    """Whether the switch at `path` is on; None where it is not set."""
    value: Any = live
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return None if value is None else value is True


def waiting(have: int | None = None, want: int | None = None, reason: str = "") -> Readiness:
    """Not there yet, with the count if there is one."""
    return Readiness(State.WAITING, "" if want is None else f"{have or 0}/{want}", reason)


def condition(live: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The condition of this type, or an empty mapping. By type, never by position."""
    conditions: Iterable[Mapping[str, Any]] = (live.get("status") or {}).get("conditions") or []
    return next((found for found in conditions if found.get("type") == kind), {})


def is_true(found: Mapping[str, Any]) -> bool:
    """Whether a condition holds; one that is missing does not."""
    return str(found.get("status")) == "True"


def words(found: Mapping[str, Any]) -> str:
    """What a condition says in words."""
    return str(found.get("message") or found.get("reason") or "")


def counted(have: int, want: int, reason: str = "") -> Readiness:
    """Ready once there are as many as wanted."""
    if have < want:
        return waiting(have, want, reason)
    return Readiness(State.READY, f"{have}/{want}")
