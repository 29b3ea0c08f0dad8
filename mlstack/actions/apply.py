"""Bring a cluster to the described state: plan, remember, send in stages, prune, remember again, wait."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace

from mlstack.actions.events import (
    NothingToDo,
    Notice,
    OnEvent,
    Planned,
    Ready,
    ignore,
)
from mlstack.actions.lock import Lock, locked
from mlstack.actions.outcome import (
    DEFAULTS,
    ApplyFailedError,
    ApplyOptions,
    Confirm,
    LateError,
    Outcome,
    PlanBlockedError,
    confirmed,
)
from mlstack.actions.planning import Planning, plan_session
from mlstack.actions.pruning import prune
from mlstack.actions.receipts import judge_former, keep_outcomes, keep_receipt
from mlstack.actions.recording import recorded
from mlstack.actions.rehearse import rehearse
from mlstack.actions.remember import (
    InventoryMovedError,
    exact,
    forgotten,
    remember_ends,
    store_inventory,
    with_history,
    without_params,
)
from mlstack.actions.replan import planned_again
from mlstack.actions.runrecords import record_ends, record_waited, uid_of
from mlstack.actions.session import Scope, Session, open_session
from mlstack.actions.settling import settle_digests
from mlstack.actions.staging import Staging
from mlstack.actions.wait import check_outcome, check_past, is_enough, wait_in_session
from mlstack.actions.waiting import Waited
from mlstack.actions.watches import Target
from mlstack.app.assemble import says
from mlstack.cluster.failures import ForbiddenError, UnservedError
from mlstack.cluster.store import Parent
from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import MlstackError
from mlstack.plan.inventory import Inventory, superset
from mlstack.plan.model import Action, Change, Plan
from mlstack.plan.outcomes import of_states
from mlstack.plan.readiness import waits
from mlstack.plan.receipts import Receipt
from mlstack.plan.runs import RunState, asks_suspended, is_run, run_name, state_of
from mlstack.plan.stages import NAMESPACES

PRUNE_SECONDS = 10.0  # how long to wait for what a finalizer holds

__all__ = ["DEFAULTS", "ApplyFailedError", "ApplyOptions", "Confirm", "Outcome", "PlanBlockedError", "apply"]


def apply(
    scope: Scope,
    options: ApplyOptions = DEFAULTS,
    on_event: OnEvent = ignore,
    confirm: Confirm = lambda plan: None,
) -> Outcome:
    """Applies an environment's components and waits for them.

    `confirm` is asked once, before the first write, the app's files included; if the plan changes after that,
    MovedError. Raises UnconfirmedError, PlanBlockedError and LockedError (nothing written), ApplyFailedError,
    LockLostError, NotReadyError, WorkloadFailedError, and what connecting and planning raise.
    """
    return apply_session(open_to_apply(scope, options), options, on_event, confirm)


def open_to_apply(scope: Scope, options: ApplyOptions) -> Session:
    """A session to apply: at first contact pinned, with each `scale` turned into numbers for this cluster. The files
    that this edits are saved once the plan was agreed to."""
    if options.dry_run or not says(scope.project, scope.environment, "scale"):
        return open_session(scope, pin=not options.dry_run)
    from mlstack.actions.tune import resolve_scales  # what an unchanged apply need not import

    resolved, lines = resolve_scales(scope)
    return replace(open_session(resolved, pin=True), resolved=lines)


def apply_session(session: Session, options: ApplyOptions, on_event: OnEvent, confirm: Confirm) -> Outcome:
    """As `apply`, in an open session; what a session renders need not come from the files."""
    began = time.monotonic()
    on_event(session.connected())
    planning = _planned(session, options)
    plan = planning.plan
    on_event(Planned(plan))
    if plan.blocked:
        raise PlanBlockedError(plan)
    if plan.writes and options.preflight:
        from mlstack.actions.preflight import preflight  # what an unchanged apply need not import

        preflight(session, planning, on_event)
    if plan.writes and options.dry_run:
        return rehearse(session, planning, options.allow, began)
    agreed = plan.writes != () and confirmed(confirm(plan), "" if options.yes else plan.asks)
    if options.dry_run:
        options = replace(options, wait="none")
    else:
        session.save()
        for line in session.unsaved:
            on_event(Notice(line))
    work = _Work(session, planning, options, on_event)
    if plan.writes or (forgotten(planning) and not options.dry_run):
        work.carry_out(confirmed=agreed)
    elif not options.dry_run:
        settle_digests(session, planning)
    return work.finish(began)


def _planned(session: Session, options: ApplyOptions) -> Planning:
    try:
        return plan_session(session, options.allow)
    except (ForbiddenError, UnservedError) as error:
        if not options.preflight:
            raise
        from mlstack.actions.preflight import explained

        raise explained(session, error) from error


class _Work:
    """One apply under way. `stages` holds what was sent so far."""

    def __init__(self, session: Session, planning: Planning, options: ApplyOptions, on_event: OnEvent) -> None:
        self.session = session
        self.planning = planning
        self.options = options
        self.on_event = on_event
        self.stages = Staging(session, planning, options, on_event)
        self.removed: list[Key] = []
        self.leaving: set[Key] = set()
        self.receipt: Receipt | None = None
        self.announced = Inventory()
        self.remembered = planning.reading.snapshot.inventory
        self.parent: Parent | None = None

    @property
    def plan(self) -> Plan:
        return self.planning.plan

    # -- the steps

    def carry_out(self, *, confirmed: bool) -> None:
        self.make_namespaces()
        with self.locked() as self.stages.lock:
            self.stages.deadline = time.monotonic() + self.options.timeout_s  # waiting for another apply does not count
            if not confirmed:
                with suppress(InventoryMovedError):  # the inventory as it was read: nobody else has applied meanwhile
                    self.announce()
            if self.parent is None:
                self.plan_again(confirmed)
            if self.plan.writes or forgotten(self.planning):
                self.write()

    def locked(self) -> AbstractContextManager[Lock]:
        return locked(self.session, self.options.lock_s, self.on_event)

    def plan_again(self, confirmed: bool) -> None:
        self.planning = self.stages.planning = planned_again(
            self.session,
            self.planning,
            self.options.allow,
            self.on_event,
            confirmed=confirmed,
            accept=self.options.replan,
        )
        if self.plan.blocked:
            raise PlanBlockedError(self.plan)

    def announce(self) -> None:
        """Remembers, before the first object, all that will be there: a kill in between loses nothing."""
        reading = self.planning.reading
        self.announced = superset(reading.snapshot.inventory, self.touched())
        self.parent = store_inventory(self.session, reading.parent, self.announced)

    def write(self) -> None:
        if self.parent is None:
            self.announce()
        assert self.parent is not None
        record_ends(self.session, self.remembered, self.replaced())
        self.prune(self.webhooks())  # one whose operator goes would refuse what it watches
        self.stages.send_stages()
        if not (self.stages.failures() or self.stages.late):
            self.prune([change for change in self.plan.of(Action.PRUNE) if change.key not in self.removed])
        self.stages.check_lock()
        # What a finalizer still holds stays ours until it has gone.
        gone = set(self.removed) - self.leaving
        found = exact(self.planning, self.announced, self.stages.sent, gone)
        self.receipt = self.keep_receipt()
        revision = self.receipt.revision if self.receipt else self.planning.reading.snapshot.inventory.revision
        self.remembered = self.with_records(with_history(self.session, self.planning, found, revision))
        store_inventory(self.session, self.parent, self.remembered)
        if self.stages.failures():
            unsent = [change.key for change in (*self.stages.held, *self.stages.late)]
            raise ApplyFailedError(
                self.stages.failures(), self.session.scope.environment, unsent, self.unpruned(), told=True
            )

    def with_records(self, found: Inventory) -> Inventory:
        """With a record for each run that was started."""
        uids = {run_name(one.change.key): uid_of(one.live) for one in self.stages.sent if one.live is not None}
        try:
            return recorded(self.session, self.planning.reading.snapshot.inventory, found, uids)
        except MlstackError as error:
            self.on_event(Notice(f"No record of the runs could be kept: {error.message}"))
            return without_params(found)

    def keep_receipt(self) -> Receipt | None:
        if self.session.again and self.session.scope.sets:
            return None  # values for one run are no state to go back to
        judge_former(self.session, self.planning, self.on_event)
        outcome = "failed" if self.stages.failures() or self.stages.late else "applied"
        return keep_receipt(self.session, self.planning, outcome, self.on_event)

    def finish(self, began: float) -> Outcome:
        """Waits where that is wanted and tells how it ended."""
        if not self.plan.writes and self.nothing_to_wait_for():
            seconds = time.monotonic() - began
            unchanged = self.plan.count(Action.UNCHANGED, Action.DONE)
            self.on_event(NothingToDo(self.session.scope.environment, unchanged, seconds))
            self.check_past()
            return Outcome(self.plan, seconds=seconds)
        waited = self.options.wait != "none"
        if waited:
            self.wait()
            self.check_past()
        if self.stages.late:
            raise LateError([change.key for change in self.stages.late], self.session.scope.environment)
        done = [sent for sent in self.stages.sent if sent.error is None]
        return Outcome(self.plan, len(done), len(self.removed), (), time.monotonic() - began, waited)

    def check_past(self) -> None:
        """Who wants to see runs finished is told of one that failed before, too."""
        if self.options.wait == "finished":
            check_past(self.session, self.plan, self.planning.reading.snapshot.inventory)

    def make_namespaces(self) -> None:
        """First of all: the inventory itself stands in one."""
        # A prune has no component either where somebody took the labels away; it sends nothing.
        sending = (change for change in self.plan.writes if change.manifest is not None)
        changes = [change for change in sending if change.stage == NAMESPACES and not change.component]
        if changes:
            self.stages.send_stage(NAMESPACES, changes)
        failed = {sent.change.key.name for sent in self.stages.sent if sent.error}
        if self.session.owner.namespace in failed:
            raise ApplyFailedError(self.stages.failures(), self.session.scope.environment, told=True)

    def replaced(self) -> dict[str, Manifest]:
        """The live runs that new ones take the place of."""
        changes = self.plan.of(Action.NEW_RUN)
        return {run_name(change.key): change.live for change in changes if change.live is not None}

    def touched(self) -> list[Key]:
        """The keys of all writes that become or are members of ours."""
        return [change.key for change in self.plan.writes if change.component or change.action is Action.PRUNE]

    def webhooks(self) -> list[Change]:
        """The admission webhooks that no longer render."""
        return [change for change in self.plan.of(Action.PRUNE) if change.key.kind.endswith("WebhookConfiguration")]

    def prune(self, changes: Sequence[Change]) -> None:
        """Removes what no longer renders: all but webhooks once nothing of the others can fail any more."""
        if not changes:
            return
        self.stages.check_lock()
        seconds = 0.0 if self.options.wait == "none" else PRUNE_SECONDS
        until = min(self.stages.deadline, time.monotonic() + seconds)
        pruned = prune(self.session, changes, until, self.on_event)
        self.stages.sent += pruned.failed
        self.removed += pruned.removed
        self.leaving |= pruned.leaving

    def wait(self) -> None:
        began = time.monotonic()
        targets = self.waited_for()
        waited = wait_in_session(
            self.session,
            targets,
            self.stages.patience(self.options.wait),
            self.on_event,
            self.planning.reading.versions,
        )
        self.keep_outcomes(waited)
        if self.options.wait == "finished" and self.plan.writes:
            with self.locked():
                remember_ends(self.session, self.planning.wanted, waited)
        else:
            record_waited(self.session, self.remembered, waited)
        check_outcome(self.session, waited, self.options.wait, self.stages.spent)
        seconds = time.monotonic() - began
        instant = len(self.members()) - len(targets)
        self.on_event(Ready(waited.ready + instant, len(waited.states) + instant, seconds, self.options.wait))

    def keep_outcomes(self, waited: Waited) -> None:
        """Adds to the receipt of this apply what became of its components."""
        if self.receipt is not None:
            components = {change.key: change.component for change in self.members()}
            seen = of_states(waited.states, components)
            keep_outcomes(self.session, self.receipt, seen, waited.pods, self.on_event)

    # -- facts

    def unpruned(self) -> list[Key]:
        tried = {sent.change.key for sent in self.stages.sent} | set(self.removed)
        return [change.key for change in self.plan.of(Action.PRUNE) if change.key not in tried]

    def members(self) -> list[Change]:
        """What of the plan is there and ours in the end."""
        left = (Action.SHARED, Action.PRUNE, Action.KEEP)
        return [change for change in self.plan.changes if change.component and change.action not in left]

    def waited_for(self) -> list[Target]:
        newest = {sent.change.key: sent.live for sent in self.stages.sent if sent.live is not None}
        found = []
        for change in self.members():
            live = newest.get(change.key, change.live)
            if change.action is not Action.DONE and live is not None and waits(live) and not self.held_back(change):
                found.append(self.stages.target(change, live))
        return found

    def held_back(self, change: Change) -> bool:
        """Whether it is a run that is suspended: nothing of it comes until it is released."""
        remembered = self.planning.reading.snapshot.inventory.runs.get(run_name(change.key))
        if not is_run(change.key) or change.action is Action.RESUME:
            return False
        asked = change.manifest is not None and asks_suspended(change.manifest) and change.action is not Action.HELD
        return asked or (state_of(change.live, remembered) is RunState.SUSPENDED and not change.writes)

    def nothing_to_wait_for(self) -> bool:
        if self.options.wait == "none":
            return True
        return all(is_enough(target.live, self.options.wait) for target in self.waited_for() if target.live)
