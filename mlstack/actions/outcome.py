"""How to apply, how it ended, and the two ways in which it is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mlstack.actions.events import Failed
from mlstack.compose.manifests import Key
from mlstack.errors import FEW, MlstackError, NotReadyError
from mlstack.plan.model import Allow, Plan

Confirm = Callable[[Plan], bool | None]  # True: a person agreed; False: refused; None: nobody had to be asked


class UnconfirmedError(MlstackError):
    """A change that must be confirmed was not: a protected environment, or one that was rolled back."""


def confirmed(agreed: bool | None, asks: str) -> bool:
    """Whether a person agreed, as a Confirm answered. `asks`: why somebody must ("": nobody need).

    Raises MlstackError for a refusal, UnconfirmedError where somebody must agree and did not.
    """
    if agreed is False:
        raise MlstackError("Nothing was changed.")
    if agreed is None and asks:
        raise UnconfirmedError(
            f"{asks}, and the change was not confirmed; nothing was changed.",
            "Confirm it: --yes, or yes=True in the library.",
        )
    return agreed is True


LOCK_SECONDS = 60.0  # how long to wait for another apply to end, unless somebody says


def lock_seconds(lock_timeout_s: float | None, timeout_s: float) -> float:
    """How long to wait for another apply: as said, else a minute, within the time for everything."""
    return min(LOCK_SECONDS, timeout_s) if lock_timeout_s is None else lock_timeout_s


class PlanBlockedError(MlstackError):
    """The plan holds changes that must not be made as things stand. Nothing was written."""

    def __init__(self, plan: Plan) -> None:
        told = [f"{change.key}: {change.blocked}" for change in plan.blocked]
        number = "1 change is" if len(told) == 1 else f"{len(told)} changes are"
        super().__init__(f"{number} refused, so nothing was written.\n  " + "\n  ".join(told))
        self.plan = plan


class ApplyFailedError(MlstackError):
    """Some objects were refused by the cluster. All that does not need them was applied, and nothing was pruned.

    `told`: each refusal was an event, too, so that who has seen those need only be told the names.
    """

    def __init__(
        self,
        failures: Sequence[Failed],
        environment: str,
        unsent: Sequence[Key] = (),
        unpruned: Sequence[Key] = (),
        *,
        told: bool = False,
    ) -> None:
        left = [f"Not sent, as it needs what failed: {some(unsent)}."] if unsent else []
        left += [f"Not pruned, as something failed: {some(unpruned)}."] if unpruned else []
        number = "1 object" if len(failures) == 1 else f"{len(failures)} objects"
        each = [f"{failure.key}: {failure.message}" for failure in failures]
        super().__init__(
            "\n  ".join([f"{number} could not be applied.", *each, *left]),
            f"What was applied stays; mend it and go on with: mlstack apply {environment}",
        )
        named = f"{number} could not be applied: {some([failure.key for failure in failures])}."
        self.brief = "\n  ".join([named, *left]) if told else ""
        self.failures = tuple(failures)


class LateError(NotReadyError):
    """Some objects were not sent, as their operator was not ready. All else was applied, and nothing was pruned."""

    def __init__(self, late: Sequence[Key], environment: str) -> None:
        problem = f"Not sent, as the operator was not ready: {some(late)}."
        super().__init__(problem, f"Once it is: mlstack apply {environment}")
        self.late = tuple(late)


def some(keys: Sequence[Key]) -> str:
    """The first few of the keys, and how many more there are."""
    more = f" and {len(keys) - FEW} more" if len(keys) > FEW else ""
    return ", ".join(str(key) for key in keys[:FEW]) + more


@dataclass(frozen=True)
class ApplyOptions:
    """How to apply. `wait`: "ready", "finished" (runs too) or "none"; `timeout_s` in seconds, for the whole wait.

    `lock_timeout_s`: how long to wait for another apply to end (None: a minute, within `timeout_s`); `yes`: the caller
    agreed beforehand to what must be confirmed; `replan`: a plan that changed after `confirm` is right;
    `preflight`: whether what asks for accelerators is held against the nodes first.
    """

    allow: Allow = field(default_factory=Allow)
    wait: str = "ready"
    timeout_s: float = 600.0
    fail_fast: bool = False
    dry_run: bool = False
    lock_timeout_s: float | None = None
    replan: bool = False
    preflight: bool = True
    yes: bool = False

    @property
    def lock_s(self) -> float:
        """How long to wait for another apply to end, in seconds."""
        return lock_seconds(self.lock_timeout_s, self.timeout_s)


@dataclass(frozen=True)
class Outcome:
    """What an apply did. `applied` and `removed` count objects, `seconds` is how long it took."""

    plan: Plan
    applied: int = 0
    removed: int = 0
    failures: tuple[Failed, ...] = ()
    seconds: float = 0.0
    waited: bool = False


DEFAULTS = ApplyOptions()
