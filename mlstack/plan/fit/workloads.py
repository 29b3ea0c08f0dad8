"""Kueue's Workloads, one for each job in a queue: what it holds, whom it keeps waiting, and why it waits itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mlstack.compose.manifests import Manifest as Live
from mlstack.plan.fit.cohorts import Share
from mlstack.plan.fit.flavors import Short
from mlstack.plan.fit.phrases import SHORT, devices
from mlstack.plan.fit.requests import told, whole
from mlstack.plan.readiness import Readiness, condition, readiness

Manifest = Mapping[str, Any]
Owner = tuple[str, str, str]
"""Namespace, kind and name of the job that a Workload stands for."""

Held = Counter[tuple[str, str]]
"""How much each holds, by namespace and name."""

NAMED = 3  # holders that are named; the rest are counted
STOPPED = {"Hold", "HoldAndDrain"}


def owner(workload: Manifest) -> Owner:
    """The job that a Workload stands for; itself where nobody owns it."""
    metadata = workload["metadata"]
    above = next(iter(metadata.get("ownerReferences") or ()), {"kind": "Workload", "name": metadata["name"]})
    return metadata.get("namespace", ""), above["kind"], above["name"]


def held(workload: Manifest, queue: str) -> dict[Share, int]:
    """What a Workload holds of a ClusterQueue's quotas; nothing after it has ended."""
    admission = (workload.get("status") or {}).get("admission") or {}
    if admission.get("clusterQueue") != queue or condition(workload, "Finished").get("status") == "True":
        return {}
    found: dict[Share, int] = {}
    for pods in admission.get("podSetAssignments") or ():
        for resource, flavor in (pods.get("flavors") or {}).items():
            number = whole(resource, (pods.get("resourceUsage") or {}).get(resource, 0))
            found[flavor, resource] = found.get((flavor, resource), 0) + number
    return found


def holders(workloads: Iterable[Manifest], queues: Collection[str], resource: str, without: Collection[Owner]) -> Held:
    """Who holds how much of a resource in some ClusterQueues, by namespace and name."""
    found: Held = Counter()
    for workload in workloads:
        whose = owner(workload)
        if whose not in without:
            shares = (held(workload, queue) for queue in queues)
            found[whose[0], whose[2]] += sum(n for one in shares for (_, name), n in one.items() if name == resource)
    return +found


def stopped(kind: str, holder: Manifest) -> str:
    """Why a LocalQueue or ClusterQueue admits nobody, in words; "" if it does."""
    name = f"{kind} {holder['metadata']['name']}"
    policy = (holder.get("spec") or {}).get("stopPolicy")
    if policy in STOPPED:
        return f"{name} is stopped (stopPolicy: {policy})"
    active = condition(holder, "Active")
    if active.get("status") == "False":
        return f"{name} is not active: {active.get('message') or active.get('reason')}"
    return ""


def checks(spec: Mapping[str, Any]) -> list[str]:
    """The admission checks of a ClusterQueue: what may keep jobs back beside its quotas."""
    strategy = (spec.get("admissionChecksStrategy") or {}).get("admissionChecks") or ()
    return [*(spec.get("admissionChecks") or ()), *(str(one["name"]) for one in strategy)]


def preempts(queue: Manifest) -> bool:
    """Whether a ClusterQueue may push out what was admitted before."""
    policies = (queue.get("spec") or {}).get("preemption") or {}
    return any(policies.get(key, "Never") != "Never" for key in ("withinClusterQueue", "reclaimWithinCohort"))


def left(queue: str, short: Short, who: Held, namespace: str) -> str:
    """`LocalQueue team-a has 3 of 8 GPUs left, and 4 are asked: training-b holds 5`."""
    there = f"{told(short.resource, max(0, short.left))} of {_amount(short.resource, short.most)}"
    return f"LocalQueue {queue} has {there} left, and {_asked(short)}{_by(short.resource, who, namespace)}"


def never(queue: str, cluster: str, short: Short) -> str:
    """`LocalQueue team-a never has more than 8 GPUs (ClusterQueue research), and 12 are asked`."""
    most = _amount(short.resource, short.most)
    return f"LocalQueue {queue} never has more than {most} (ClusterQueue {cluster}), and {_asked(short)}"


def _asked(short: Short) -> str:
    number = told(short.resource, short.asked)
    return f"{number} {'is' if number == '1' else 'are'} asked"


def _amount(resource: str, number: int) -> str:
    return devices(resource, number) if resource in SHORT else f"{told(resource, number)} {resource}"


def _by(resource: str, who: Held, namespace: str) -> str:
    named = [
        f"{name}{'' if place == namespace else f' (namespace {place})'} holds {told(resource, number)}"
        for (place, name), number in who.most_common(NAMED)
    ]
    rest = len(who) - NAMED
    return f": {', '.join(named)}{f' and {rest} more' if rest > 0 else ''}" if named else ""


def in_queue(live: Live) -> bool:
    """Whether a job waits in a queue."""
    return bool(readiness(live).queue)


def told_in_queue(live: Live, found: Readiness, workloads: Iterable[Manifest]) -> str:
    """What a job says of itself; of one that waits in a queue, with what the queue says."""
    said = why(workloads, _itself(live)) if found.queue else ""
    return f"{found.reason}: {said}" if said else found.reason


def is_deactivated(live: Live, workloads: Iterable[Manifest]) -> bool:
    """Test whether the Workload of a job in a queue is switched off: Kueue does not start it until it is on again."""
    job = _itself(live)
    return any(owner(one) == job and (one.get("spec") or {}).get("active") is False for one in workloads)


def _itself(live: Live) -> Owner:
    return live["metadata"].get("namespace", ""), live["kind"], live["metadata"]["name"]


def why(workloads: Iterable[Manifest], job: Owner) -> str:
    """Why a job's Workload waits, in Kueue's own words; "" where it does not, or has none yet."""
    for workload in workloads:
        if owner(workload) != job:
            continue
        for kind in ("Evicted", "QuotaReserved"):
            found = condition(workload, kind)
            if found.get("status") == ("True" if kind == "Evicted" else "False"):
                return str(found.get("message") or found.get("reason") or "")
        if condition(workload, "Admitted").get("status") != "True":
            return _unchecked(workload)
    return ""


def _unchecked(workload: Manifest) -> str:
    states = (workload.get("status") or {}).get("admissionChecks") or ()
    open_ = [str(one["name"]) for one in states if one.get("state") != "Ready"]
    return f"admission check {', '.join(open_)} is not done" if open_ else ""
