"""What an apply would do: one `Change` per object, gathered in a `Plan`. Values only; nothing here reads or writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mlstack.compose.manifests import Key, Manifest
from mlstack.plan.rules import Rule


class Action(StrEnum):
    """What happens to one object."""

    CREATE = "create"
    CHANGE = "change"
    UNCHANGED = "unchanged"
    ADOPT = "adopt"  # exists, not ours, and the caller allowed to take it
    FOREIGN = "foreign"  # exists, not ours: blocked
    SHARED = "shared"  # another app or tool provides it cluster-wide: left alone, not blocked
    NEW_RUN = "new run"  # a job starts, replacing its former run if there is one
    HELD = "held"  # a changed job, or what it mounts, whose former run has not ended: not sent now
    SUSPEND = "suspend"  # a run is held back, in place
    RESUME = "resume"  # a suspended run goes on, in place
    DONE = "done"  # a run that has ended, also when its TTL removed it: never started again
    RECREATE = "recreate"  # an immutable field changes: deleted and created
    PRUNE = "prune"  # ours, and no longer rendered
    KEEP = "keep"  # ours, no longer rendered, but holds data (PVC, CRD, Namespace): left


WRITES = frozenset(
    {Action.CREATE, Action.CHANGE, Action.ADOPT, Action.NEW_RUN, Action.RECREATE, Action.PRUNE}
    | {Action.SUSPEND, Action.RESUME},
)
SWITCHES = frozenset({Action.SUSPEND, Action.RESUME})  # patched in place: no run starts or ends


@dataclass(frozen=True)
class FieldChange:
    """One field that differs. `before` or `after` is `ABSENT` where there is no value; `owner` is the other manager."""

    path: str
    before: Any
    after: Any
    owner: str = ""


class Absent:
    """The value of a field that is not there; prints as `-`."""

    def __repr__(self) -> str:
        return "-"


ABSENT = Absent()


@dataclass(frozen=True)
class Allow:
    """What the caller permits beyond the harmless. `include`: kinds that hold data and may be deleted, by
    the words of `plan.kinds.INCLUDES`."""

    adopt: bool = False
    force_conflicts: bool = False
    disruption: bool = False
    recreate: bool = False
    include: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()  # the app's own, for conflicts


@dataclass(frozen=True)
class Change:
    """One object's part of a plan.

    `manifest` is what will be sent (None for prune and keep), `live` what the cluster has (None: nothing, or unread).
    `disruption` says what would be interrupted, `loses` which data would be deleted; `blocked` why this change is
    refused as things stand ("": it is not); `note` is told even where nothing is written. Of fields that others own:
    `left` are not sent, `takes` are forced; `handover` (JSON 6902) goes before an adoption. `answered` is the state in
    which the API server was asked and found the object unchanged ("": it was not asked).
    """

    key: Key
    action: Action
    component: str = ""
    stage: int = 0
    manifest: Manifest | None = field(default=None, repr=False)  # may hold a generated secret
    live: Manifest | None = field(default=None, repr=False)
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""
    disruption: str = ""
    blocked: str = ""
    left: tuple[FieldChange, ...] = ()
    takes: tuple[str, ...] = ()
    handover: tuple[Mapping[str, Any], ...] = ()
    loses: str = ""
    note: str = ""
    answered: str = ""

    @property
    def writes(self) -> bool:
        """Whether carrying it out changes the cluster."""
        return self.action in WRITES


@dataclass(frozen=True)
class Plan:
    """All changes of one apply, in the order of their stages. `notices`: one-line facts the user should read.

    `asks`: why a person should confirm it even where the environment is not protected ("": no need).
    """

    environment: str
    namespace: str
    changes: tuple[Change, ...] = ()
    notices: tuple[str, ...] = ()
    asks: str = ""

    @property
    def writes(self) -> tuple[Change, ...]:
        """The changes that write; none of them means: nothing to do."""
        return tuple(change for change in self.changes if change.writes)

    @property
    def blocked(self) -> tuple[Change, ...]:
        """The changes that must not be carried out as things stand."""
        return tuple(change for change in self.changes if change.blocked)

    @property
    def counts(self) -> dict[Action, int]:
        """How many changes there are of each action that occurs."""
        return dict(Counter(change.action for change in self.changes))

    def count(self, *actions: Action) -> int:
        """How many changes have one of these actions."""
        return sum(change.action in actions for change in self.changes)

    def of(self, *actions: Action) -> tuple[Change, ...]:
        """The changes with one of these actions."""
        return tuple(change for change in self.changes if change.action in actions)

    @property
    def stages(self) -> tuple[tuple[int, tuple[Change, ...]], ...]:
        """The writes that send a manifest, by stage number, in order."""
        sending = [change for change in self.writes if change.manifest is not None]
        numbers = sorted({change.stage for change in sending})
        return tuple((number, tuple(c for c in sending if c.stage == number)) for number in numbers)
