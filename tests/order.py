"""Which worker of `pytest -n` runs which file of the tests, and when: long files first, control planes shared.

A worker brings up the control planes `gke` and `minikube` for the first test of its that uses them, and they take
their share of the machine until it ends. So one worker prefers the files that use `gke`, the next those that use
`minikube` alone, a third those that use neither, which keep the machine busy while the others wait for a cluster.
Nothing depends on it but the time: who has nothing of its own left takes what there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xdist.scheduler import LoadFileScheduling

GKE, MINIKUBE, NEITHER = "gke", "minikube", "neither"
LANES = (GKE, MINIKUBE, NEITHER)
# By the start of their paths, the longer one counts; of tests/cluster all others use minikube.
USES = {
    "tests/": NEITHER,
    "tests/cluster/": MINIKUBE,
    "tests/cluster/engine/": GKE,
    "tests/cluster/fit/test_tune.py": GKE,
    "tests/cluster/queues/test_doc.py": GKE,
    "tests/cluster/test_check.py": GKE,
    "tests/cluster/test_connect.py": GKE,
    "tests/cluster/test_contact.py": GKE,
    "tests/cluster/test_faults.py": GKE,
    "tests/cluster/test_identity.py": GKE,
    "tests/cluster/test_sandbox.py": GKE,
    # Control planes of their own, or none.
    "tests/cluster/fit/test_reasons.py": NEITHER,
    "tests/cluster/test_apply_doc.py": NEITHER,
    "tests/cluster/test_catalogue.py": NEITHER,
    "tests/cluster/test_feed.py": NEITHER,
    "tests/cluster/test_jobs.py": NEITHER,
    "tests/cluster/test_kubeconfig.py": NEITHER,
    "tests/cluster/test_limiter.py": NEITHER,
    "tests/cluster/test_offline.py": NEITHER,
    "tests/cluster/test_parallel.py": NEITHER,
    "tests/cluster/test_request.py": NEITHER,
    "tests/cluster/test_spdy.py": NEITHER,
    "tests/cluster/test_targets.py": NEITHER,
    "tests/cluster/test_translate.py": NEITHER,
    "tests/cluster/test_tunnel.py": NEITHER,
    "tests/cluster/test_walkthrough.py": NEITHER,
    "tests/cluster/test_forward_traffic.py": NEITHER,
    "tests/cluster/test_wheel.py": NEITHER,
    "tests/cluster/test_wire.py": NEITHER,
}
# One worker runs both: they look at the same renders of all prototypes, which each process makes once.
TOGETHER = {
    "tests/cluster/test_catalogue.py": "tests/prototypes/test_pairs.py",
}
# A guess, in seconds, at the files that take longest, of which only the order counts (`--durations=0` helps to mend
# it); of all others the number of tests says enough.
SECONDS = {
    "tests/prototypes/test_pairs.py": 200,
    "tests/cluster/test_walkthrough.py": 130,
    "tests/cluster/test_apply_doc.py": 100,
    "tests/cluster/test_faults.py": 100,
    "tests/cluster/test_jobs.py": 60,
    "tests/cluster/test_sandbox.py": 60,
    "tests/cluster/engine/test_losing.py": 60,
    "tests/cluster/engine/test_changed.py": 60,
    "tests/cluster/fit/test_objects.py": 45,
    "tests/cluster/engine/test_ownership.py": 40,
    "tests/plan/test_mutated.py": 40,
    "tests/cluster/fit/test_nodeside.py": 30,
    "tests/cluster/engine/test_ownership_property.py": 30,
    "tests/cluster/engine/test_apply.py": 50,
    "tests/cluster/engine/test_runs.py": 50,
    "tests/cluster/fit/test_reasons.py": 40,
    "tests/cluster/fit/test_oracle.py": 40,
    "tests/cluster/test_check.py": 40,
    "tests/cluster/test_two_apps.py": 40,
    "tests/cluster/engine/test_kills.py": 30,
    "tests/cluster/test_foreign_jobs.py": 30,
    "tests/cluster/test_offline.py": 30,
    "tests/prototypes/test_docs.py": 20,
    "tests/bench/test_workload.py": 20,
    "tests/cluster/test_code.py": 20,
    "tests/cluster/test_wheel.py": 20,
    "tests/cli/test_docs.py": 15,
}


def unit(file: str) -> str:
    """What a worker takes at once, by a file in it."""
    return TOGETHER.get(file, file)


def lane(unit: str) -> str:
    """The control planes that a unit uses."""
    return USES[max((start for start in USES if unit.startswith(start)), key=len)]


def chosen(units: Iterable[tuple[str, int]], worker: int) -> str:
    """What worker number `worker` takes next of units with so many tests: its own first, the longest of them."""
    mine = LANES[worker % len(LANES)]

    def rank(unit: tuple[str, int]) -> tuple[int, float]:
        # Before it brings up a control plane of another's, it takes what uses none.
        order = (mine, NEITHER, *(other for other in LANES if other not in (mine, NEITHER)))
        return order.index(lane(unit[0])), -SECONDS.get(unit[0], min(unit[1] / 10, 10))

    return min(units, key=rank)[0]


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """As `--dist loadfile` does it, in our order."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(super()._split_scope(nodeid))

    def _assign_work_unit(self, node: Any) -> None:
        waiting = ((unit, len(tests)) for unit, tests in self.workqueue.items())
        self.workqueue.move_to_end(chosen(waiting, self.nodes.index(node)), last=False)
        super()._assign_work_unit(node)
