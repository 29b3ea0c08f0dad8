"""Waiting by watches: an event on every change of state, a reason for what is not ready."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlstack.actions.events import OnEvent, Progress
from mlstack.actions.queues import QueueWords
from mlstack.actions.runends import RunEnds
from mlstack.actions.sight import EventWords, Sight
from mlstack.actions.tails import Tails
from mlstack.actions.watches import Around, Target
from mlstack.cluster.client import Client
from mlstack.compose.manifests import Key, Manifest
from mlstack.plan.hints import with_hint
from mlstack.plan.readiness import Readiness, State, readiness
from mlstack.plan.reasons import NOTHING, Reason, best_reason, own_reason, owned_pods
from mlstack.plan.runrecords import ContainerEnd
from mlstack.plan.runs import asks_suspended, in_queue, is_run, run_readiness, suspend_path

TICK_SECONDS = 0.5
DEACTIVATED = "suspended in its queue (spec.active of its Workload is false)"
GRACE_SECONDS = 10.0  # how long "unschedulable" may last before it counts, where no node can come


@dataclass(frozen=True)
class Patience:
    """How long to wait and for what. `deadline` is on time.monotonic's clock; `grows`: nodes may still come."""

    what: str = "ready"
    deadline: float = float("inf")
    fail_fast: bool = False
    grows: bool = True


@dataclass(frozen=True)
class Waited:
    """How it ended: the last state and reason of each target, whether the time ran out, and the pods that were seen.

    `ends`: of runs, the containers that ended badly, also where their pods are gone by now. `suspended`: the runs that
    somebody has to release first.
    """

    states: Mapping[Key, Readiness]
    reasons: Mapping[Key, str]
    lives: Mapping[Key, Manifest]
    timed_out: bool
    pods: tuple[Manifest, ...] = ()
    ends: Mapping[Key, tuple[ContainerEnd, ...]] = field(default_factory=dict, hash=False)
    suspended: frozenset[Key] = frozenset()

    @property
    def ready(self) -> int:
        """How many targets need no more waiting."""
        return sum(state.ready for state in self.states.values())


def wait_for_targets(
    client: Client, targets: Sequence[Target], patience: Patience, around: Around, on_event: OnEvent
) -> Waited:
    """Waits until all targets are as wanted, one can never be (with `fail_fast`), or the time is over. Never raises
    for what does not become ready: the caller judges. Raises ClusterError's subclasses for a lost cluster."""
    wait = _Wait(client, targets, patience, around, on_event)
    try:
        return wait.run()
    finally:
        wait.stop()


class _Wait:
    """One wait under way: what is seen is judged, and what is new in that is told."""

    def __init__(
        self, client: Client, targets: Sequence[Target], patience: Patience, around: Around, on_event: OnEvent
    ) -> None:
        self.patience = patience
        self.around = around
        self.on_event = on_event
        self.targets = {target.key: target for target in targets}
        self.sight = Sight(client, targets, on_event)
        self.states: dict[Key, Readiness] = {}
        self.reasons: dict[Key, Reason] = dict.fromkeys(self.targets, NOTHING)
        self.told: dict[Key, Progress] = {}
        self.tails = Tails(client)
        self.ends = RunEnds(self.tails)
        self.queues = QueueWords(client)
        self.events = EventWords(client, on_event)
        self.stuck: dict[Key, float] = {}

    def run(self) -> Waited:
        self.judge_all()
        if not self.settled():
            self.sight.watch(self.around)
        while not self.settled() and time.monotonic() < self.patience.deadline:
            self.sight.take(min(TICK_SECONDS, max(0.0, self.patience.deadline - time.monotonic())))
            self.events.ask(self.silent(), self.sight.lives, self.sight.pods.values())
            self.queues.ask(self.sight.lives.values())
            self.judge_all()
        if not self.settled():
            self.look_once_more()
        texts = {key: self.text(key) for key in self.targets}
        pods = tuple(self.sight.pods.values())
        late, suspended = not self.settled(), frozenset(key for key in self.targets if self.suspension(key))
        return Waited(self.states, texts, self.sight.lives, late, pods, self.ends.result(), suspended)

    def look_once_more(self) -> None:
        """Judges by one more LIST, so that what a time-out reports does not depend on how soon the watches spoke."""
        self.sight.look(self.around)
        self.judge_all()
        self.events.ask_now(self.silent(), self.sight.lives, self.sight.pods.values())
        self.judge_all()

    def stop(self) -> None:
        self.sight.stop()

    def silent(self) -> Iterator[Key]:
        """What is not as wanted and tells nothing of itself, nor do its pods."""
        for key in self.targets:
            if key.namespace and not self.done(key) and (not self.reasons[key].text or key in self.events.told):
                yield key

    # -- what is enough

    def settled(self) -> bool:
        """Whether waiting longer is of no use."""
        if all(self.done(key) or self.suspension(key) for key in self.targets):
            return True
        return self.patience.fail_fast and any(self.hopeless(key) for key in self.targets)

    def done(self, key: Key) -> bool:
        state = self.states[key].state
        if is_run(key) and state is State.FAILED:
            return True  # a failed run never becomes anything else
        if self.patience.what == "finished" and is_run(key):
            return state is State.FINISHED
        return self.states[key].ready

    def suspension(self, key: Key) -> str:
        """Return what keeps a run suspended until somebody releases it; "" for nothing, or a queue where it waits."""
        live = self.sight.lives.get(key)
        if live is None or not is_run(key) or self.done(key):
            return ""
        if in_queue(live):
            return DEACTIVATED if self.queues.deactivated(live) else ""
        return f"suspended ({'.'.join(suspend_path(key))} is true)" if asks_suspended(live) else ""

    def hopeless(self, key: Key) -> bool:
        reason, state = self.reasons[key], self.states[key].state
        if self.done(key):
            return is_run(key) and state is State.FAILED
        if reason.hopeless or state is State.FAILED:
            return True
        since = self.stuck.get(key, time.monotonic())
        return reason.unschedulable and not self.patience.grows and time.monotonic() - since > GRACE_SECONDS

    # -- judging

    def judge_all(self) -> None:
        for key in self.targets:
            live = self.sight.lives.get(key)
            judged = run_readiness if is_run(key) else readiness
            self.states[key] = judged(live) if live else Readiness(State.WAITING)
            if live and is_run(key):
                self.ends.see(key, live, self.sight.pods.values())
            self.reasons[key] = self.reason_of(key, live)
            self.note_stuck(key)
            self.tell(key)

    def reason_of(self, key: Key, live: Manifest | None) -> Reason:
        if live is None:
            return Reason("it was deleted meanwhile") if key in self.sight.gone else NOTHING
        state = self.states[key]
        if state.state is State.FAILED and is_run(key):
            found = self.pods_reason(live)
            return replace(found, text="; ".join(filter(None, (state.reason.rstrip("."), found.text))))
        if self.done(key):
            return NOTHING
        if suspended := self.suspension(key):
            return Reason(suspended)
        if (found := self.pods_reason(live)).text:
            return found
        told = self.queues.told(live, state)
        return own_reason(told) if told else self.events.told.get(key, NOTHING)

    def pods_reason(self, live: Manifest) -> Reason:
        """What is wrong with the object's pods, with the end of its log where one crashed."""
        found = best_reason(owned_pods(live, self.sight.pods.values()))
        said = self.tails.of(found.log)
        return replace(found, text=f"{found.text}; its log ends: {said}") if said else found

    def note_stuck(self, key: Key) -> None:
        if self.reasons[key].unschedulable:
            self.stuck.setdefault(key, time.monotonic())
        else:
            self.stuck.pop(key, None)

    def text(self, key: Key) -> str:
        return with_hint(self.reasons[key], self.around.settings(self.targets[key].component))

    def tell(self, key: Key) -> None:
        state = self.states[key]
        failed = state.state is State.FAILED
        now = Progress(key, self.done(key) and not failed, state.progress, self.text(key), self.targets[key].component)
        if failed and not now.reason:
            now = replace(now, reason=state.reason or "failed")
        before = self.told.get(key)
        if before == now or (before is None and now.ready):
            self.told[key] = now
            return
        self.told[key] = now
        self.on_event(now)
