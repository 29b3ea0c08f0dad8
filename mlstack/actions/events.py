"""What happens while an action runs, as small values: the CLI turns them into lines, `-o json` into JSON lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlstack.compose.manifests import Key
from mlstack.plan.model import Plan


@dataclass(frozen=True)
class Connected:
    """The environment's cluster answered and is the right one. `pinned`: it was pinned just now."""

    environment: str
    context: str
    server: str
    cluster: str
    namespace: str
    pinned: bool = False


@dataclass(frozen=True)
class Planned:
    """The plan is made; nothing has been written yet."""

    plan: Plan


@dataclass(frozen=True)
class NothingToDo:
    """The plan has no write. `unchanged` counts objects, finished runs included."""

    environment: str
    unchanged: int
    seconds: float


@dataclass(frozen=True)
class Notice:
    """One sentence that the user should read: something left alone, kept, or retried."""

    text: str


@dataclass(frozen=True)
class StageDone:
    """A stage was sent. `note`: "established" for CRDs, else empty."""

    title: str
    applied: int
    failed: int
    seconds: float
    note: str = ""


@dataclass(frozen=True)
class Applied:
    """One object was written; `action` is the plan's word for it."""

    key: Key
    action: str
    component: str


@dataclass(frozen=True)
class Failed:
    """One object was refused by the cluster; the apply goes on with the others of its stage."""

    key: Key
    message: str
    component: str = ""


@dataclass(frozen=True)
class Removed:
    """One object was pruned or deleted (and is gone, where the action waits)."""

    key: Key


@dataclass(frozen=True)
class Progress:
    """A waited-for object changed its state. `progress`: "0/1" or ""; `reason`: why not yet, one line."""

    key: Key
    ready: bool
    progress: str = ""
    reason: str = ""
    component: str = ""


@dataclass(frozen=True)
class Ready:
    """The wait ended well. `what`: "ready" or "finished"."""

    ready: int
    total: int
    seconds: float
    what: str = "ready"


@dataclass(frozen=True)
class LogLine:
    """A line that a container said. `several`: there are other containers, from whose lines it has to be told.

    `title` is what a person calls it ("worker-3", "hub/proxy"), `role` and `index` its place in its job, `time` when it
    was said (RFC 3339; "" if not known).
    """

    pod: str
    container: str
    line: str
    several: bool = False
    title: str = ""
    role: str = ""
    index: int | None = None
    time: str = ""


Event = Connected | Planned | NothingToDo | Notice | StageDone | Applied | Failed | Removed | Progress | Ready | LogLine
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An `OnEvent` that wants to hear nothing."""
