"""Sending a plan stage by stage: what failed holds back only what needs it, and operators answer before their work."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from mlstack.actions.events import Applied, Failed, Notice, OnEvent, StageDone, ignore
from mlstack.actions.lock import Lock
from mlstack.actions.outcome import ApplyOptions, some
from mlstack.actions.planning import Planning
from mlstack.actions.sending import REPLACING, Sent, send
from mlstack.actions.session import Session
from mlstack.actions.wait import check_outcome, patience_of, wait_in_session
from mlstack.actions.waiting import Patience, Waited
from mlstack.actions.watches import Target
from mlstack.compose.manifests import Manifest
from mlstack.plan.model import Change
from mlstack.plan.needs import held_back, waiting_for
from mlstack.plan.stages import DEFINITIONS, SERVICES, TITLES, WORKLOADS, is_custom


class Staging:
    """What of a plan was sent so far. `held`: not, as it needs what failed; `late`: as its operator is not ready.
    `spent`: where most of the time has gone, if it has."""

    def __init__(self, session: Session, planning: Planning, options: ApplyOptions, on_event: OnEvent) -> None:
        self.session = session
        self.planning = planning
        self.options = options
        self.on_event = on_event
        self.deadline = time.monotonic() + options.timeout_s
        self.lock: Lock | None = None
        self.sent: list[Sent] = []
        self.held: list[Change] = []
        self.late: list[Change] = []
        self.spent = ""

    def send_stages(self) -> None:
        sent_already = {sent.change.key for sent in self.sent}
        for number, changes in self.planning.plan.stages:
            todo: Sequence[Change] = self.possible([change for change in changes if change.key not in sent_already])
            if number == WORKLOADS:
                todo = self.wait_for_operators(todo)
            self.check_lock()
            if todo:
                self.send_stage(number, todo)

    def possible(self, coming: Sequence[Change]) -> list[Change]:
        """Those that need nothing that failed; the others are held back."""
        lost = [*(sent.change for sent in self.sent if sent.error), *self.held]
        held = held_back(coming, lost, self.planning.plan.changes)
        self.held += held
        keys = {change.key for change in held}
        return [change for change in coming if change.key not in keys]

    def send_stage(self, number: int, changes: Sequence[Change]) -> None:
        began = time.monotonic()
        for change in changes:
            if change.action in REPLACING and change.live is not None:
                self.on_event(Notice(f"{change.key}: the former one is removed first."))
        results = send(self.session, changes, self.options.allow, until=self.deadline)
        if number == DEFINITIONS:
            results = self.established(results)
        self.sent += results
        for sent in results:
            self.on_event(
                sent.failure
                if sent.error
                else Applied(sent.change.key, sent.change.action.value, sent.change.component)
            )
        failed = sum(sent.error is not None for sent in results)
        note = "established" if number == DEFINITIONS else ""
        self.on_event(StageDone(TITLES[number], len(results) - failed, failed, time.monotonic() - began, note))

    def established(self, results: Sequence[Sent]) -> list[Sent]:
        """CRDs are of use once they are Established and discovery shows their kinds."""
        good = [sent for sent in results if sent.error is None]
        waited = wait_in_session(self.session, self.targets(good), self.patience("ready"), ignore, {})
        self.session.connection.discovery.refresh()
        if len(good) == len(results):
            self.check(waited)
        return [replace(sent, live=waited.lives.get(sent.change.key, sent.live)) for sent in results]

    def wait_for_operators(self, coming: Sequence[Change]) -> Sequence[Change]:
        """Custom resources need their operator (and its webhook) to answer: without those whose operator does not."""
        operators = [sent for sent in self.sent if sent.change.stage == SERVICES and sent.change.key.group == "apps"]
        good = [sent for sent in operators if sent.error is None]
        if not good or not any(is_custom(change.key) for change in coming):
            return coming
        versions = self.planning.reading.versions
        began = time.monotonic()
        waited = wait_in_session(self.session, self.targets(good), self.patience("ready"), self.on_event, versions)
        unready = [sent.change for sent in good if not waited.states[sent.change.key].ready]
        self.late = waiting_for(coming, unready, self.planning.plan.changes)
        if not unready:
            self.spent = spent_on(good, time.monotonic() - began, self.options.timeout_s)
        if self.late:
            told = some([change.key for change in self.late])
            self.on_event(Notice(f"Not sent, as {some([one.key for one in unready])} is not ready: {told}."))
        keys = {change.key for change in self.late}
        return [change for change in coming if change.key not in keys]

    def check(self, waited: Waited) -> None:
        """Goes on only with what is ready; after a refusal, which would not be told, with all that was not held."""
        if not self.failures():
            check_outcome(self.session, waited, "ready")

    def check_lock(self) -> None:
        if self.lock is not None:
            self.lock.check()

    def failures(self) -> list[Failed]:
        return [sent.failure for sent in self.sent if sent.error]

    def patience(self, what: str) -> Patience:
        return patience_of(self.session, what, self.deadline, self.options.fail_fast)

    def targets(self, sent: Iterable[Sent]) -> list[Target]:
        return [self.target(one.change, one.live) for one in sent if one.live is not None]

    def target(self, change: Change, live: Manifest) -> Target:
        resource = self.session.resource_of(change.key.group, change.key.kind)
        assert resource is not None  # it was just applied or read
        return Target(change.key, change.component, resource, live)


def spent_on(operators: Sequence[Sent], seconds: float, timeout_s: float) -> str:
    """That most of the time an apply may take went to waiting for its operators; "" where it did not."""
    if seconds < timeout_s / 2:
        return ""
    names = some([sent.change.key for sent in operators])
    return f"Of the {timeout_s:.0f} s of --timeout, {seconds:.0f} went to {names}."
