"""Kueue's queues: whether a job that names one is admitted at once, waits there, or never comes out.

A LocalQueue of the namespace leads to a ClusterQueue, which has quotas by flavor and resource, its own or borrowed in a
cohort. All pods of a job are admitted together. Preemption is not counted on: where a queue allows it, the answer is
that it cannot be told.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlstack.compose.manifests import Key
from mlstack.plan.fit import workloads
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.cohorts import Share, purses
from mlstack.plan.fit.flavors import Short, choose
from mlstack.plan.fit.labels import selects
from mlstack.plan.fit.requests import whole

Manifest = Mapping[str, Any]
# The order in which Kueue takes a job's kinds of pods; the order in which they stand otherwise.
ORDER = ("launcher", "chief", "master", "ps", "worker", "evaluator")


class Standing(enum.Enum):
    """What becomes of a job in its queue."""

    ADMITTED = "admitted"
    WAITS = "waits"
    NEVER = "never"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Queues:
    """Kueue's objects; None where they may not be read. `there`: it is installed; `empty`: taken as if nothing were
    admitted or stopped.

    `local` are the LocalQueues of the jobs' namespace, `namespace` that one itself; `workloads` those that can be seen.
    """

    namespace: Manifest | None = None
    local: Sequence[Manifest] | None = ()
    cluster: Sequence[Manifest] | None = ()
    flavors: Sequence[Manifest] | None = ()
    cohorts: Sequence[Manifest] | None = ()
    workloads: Sequence[Manifest] = ()
    there: bool = False
    empty: bool = False

    def emptied(self) -> Queues:
        """The same with nothing admitted and nothing stopped: what could ever be."""
        return replace(self, empty=True)


@dataclass(frozen=True)
class Answer:
    """What becomes of a job, why not at once, and its asks as Kueue lets them go: bound to their flavors' nodes."""

    standing: Standing
    reason: str = ""
    bound: tuple[tuple[Ask, Ask], ...] = ()

    def admitted(self, ask: Ask) -> Ask:
        """One of the job's asks as Kueue lets it go."""
        return next((changed for given, changed in self.bound if given is ask), ask)


Job = Sequence[Ask]


def answers(queues: Queues, asked: Sequence[Ask]) -> dict[Key, Answer]:
    """The answer for each job that names a queue, all of them asked for together; none where Kueue is not installed."""
    jobs: dict[Key, list[Ask]] = {}
    for ask in asked:
        if ask.queue and ask.count:
            jobs.setdefault(ask.owner, []).append(ask)
    return {owner: _answer(queues, owner, jobs) for owner in jobs} if queues.there else {}


def _answer(queues: Queues, owner: Key, jobs: Mapping[Key, Job]) -> Answer:
    """A job is surely admitted only if it is so after all others."""
    alone = _Ledger(queues, jobs).take(jobs[owner])
    if alone.standing is not Standing.ADMITTED or len(jobs) == 1:
        return alone
    ledger = _Ledger(queues, jobs)
    for other, pods in jobs.items():
        if other != owner:
            ledger.take(pods)
    last = ledger.take(jobs[owner])
    if last.standing is Standing.ADMITTED:
        return last
    return Answer(Standing.UNKNOWN, f"it depends on which of the app's jobs queue {jobs[owner][0].queue} takes first")


class _Ledger:
    """The quotas while one job after the other is taken. What the jobs themselves hold by now makes room for them."""

    def __init__(self, queues: Queues, jobs: Mapping[Key, Job]) -> None:
        self.queues, self.jobs = queues, jobs
        self.own = {(_namespace(job), key.kind, key.name) for key, job in jobs.items()}
        self.local, self.cluster, self.flavors = map(_by_name, (queues.local, queues.cluster, queues.flavors))
        used = {} if queues.empty else {name: self._reserved(name, one) for name, one in self.cluster.items()}
        self.purses = purses(queues.cluster or (), queues.cohorts or (), used)

    def _reserved(self, name: str, queue: Manifest) -> dict[Share, int]:
        """What a ClusterQueue says is reserved, without the jobs' own."""
        found = {
            (flavor["name"], one["name"]): whole(one["name"], one.get("total", 0))
            for flavor in (queue.get("status") or {}).get("flavorsReservation") or ()
            for one in flavor.get("resources") or ()
        }
        for workload in self.queues.workloads:
            if workloads.owner(workload) in self.own:
                for share, number in workloads.held(workload, name).items():
                    found[share] = max(0, found.get(share, 0) - number)
        return found

    def take(self, job: Job) -> Answer:
        """What becomes of one job now; one that is admitted keeps its share."""
        closed = self._closed(job[0])
        if closed is not None:
            return closed
        queue = self.cluster[self.local[job[0].queue]["spec"]["clusterQueue"]]
        purse = self.purses[queue["metadata"]["name"]]
        found = choose(purse, queue, self.flavors, sorted(job, key=_order))
        if isinstance(found, Short):
            return self._lacking(job, queue, found)
        for share, number in found.shares.items():
            purse.reserve(share, number)
        return Answer(Standing.ADMITTED, "", found.bound)

    def _closed(self, ask: Ask) -> Answer | None:
        """Why quotas do not come into it; None where they do."""
        if self.queues.local is None:
            return Answer(Standing.UNKNOWN, "LocalQueues may not be listed")
        local = self.local.get(ask.queue)
        if local is None:
            return Answer(Standing.WAITS, f"there is no LocalQueue {ask.queue} in namespace {_namespace([ask])}")
        name = local["spec"]["clusterQueue"]
        leads = f"LocalQueue {ask.queue} leads to ClusterQueue {name}"
        if self.queues.cluster is None or self.queues.flavors is None:
            return Answer(Standing.UNKNOWN, f"{leads}, and its quotas or flavors may not be listed")
        if name not in self.cluster:
            return Answer(Standing.WAITS, f"{leads}, which is not there")
        for kind, holder in (("LocalQueue", local), ("ClusterQueue", self.cluster[name])):
            why = "" if self.queues.empty else workloads.stopped(kind, holder)
            if why:
                return Answer(Standing.WAITS, why)
        return self._unsure(name, self.cluster[name]["spec"])

    def _unsure(self, name: str, spec: Mapping[str, Any]) -> Answer | None:
        """What decides beside the quotas."""
        selector, namespace = spec.get("namespaceSelector"), self.queues.namespace
        if selector and namespace is None:
            return Answer(Standing.UNKNOWN, f"ClusterQueue {name} chooses namespaces, and this one may not be read")
        if selector != {} and not selects(selector, (namespace or {"metadata": {}})["metadata"].get("labels") or {}):
            return Answer(Standing.WAITS, f"ClusterQueue {name} takes no jobs of this namespace (namespaceSelector)")
        if self.queues.cohorts is None and (spec.get("cohortName") or spec.get("cohort")):
            return Answer(Standing.UNKNOWN, f"the cohorts that ClusterQueue {name} borrows in may not be listed")
        checks = workloads.checks(spec)
        if checks:
            return Answer(Standing.UNKNOWN, f"ClusterQueue {name} has admission checks: {', '.join(checks)}")
        return None

    def _lacking(self, job: Job, queue: Manifest, short: Short) -> Answer:
        if short.closed:
            return Answer(Standing.NEVER, short.closed)
        name, cluster = job[0].queue, queue["metadata"]["name"]
        if self.queues.empty:
            return Answer(Standing.NEVER, workloads.never(name, cluster, short))
        ever = _Ledger(self.queues.emptied(), self.jobs).take(job)
        if ever.standing is not Standing.ADMITTED:
            return ever
        who = workloads.holders(self.queues.workloads, self._related(cluster), short.resource, self.own)
        reason = workloads.left(name, short, who, _namespace(job))
        if workloads.preempts(queue):
            return Answer(Standing.UNKNOWN, f"{reason}; ClusterQueue {cluster} may push them out")
        return Answer(Standing.WAITS, reason)

    def _related(self, name: str) -> list[str]:
        """The ClusterQueues whose jobs may hold what one lacks: itself, and those of its cohorts."""
        top = self.purses[name].root()
        return [other for other, purse in self.purses.items() if purse.root() is top]


def _by_name(items: Sequence[Manifest] | None) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in items or ()}


def _namespace(job: Job) -> str:
    return str(job[0].pod["metadata"].get("namespace", ""))


def _order(ask: Ask) -> int:
    return ORDER.index(ask.role) if ask.role in ORDER else len(ORDER)
