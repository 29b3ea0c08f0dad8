from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.outlook import Prospect, outlooks
from mlstack.plan.fit.pools import Growth
from mlstack.plan.fit.queues import Queues, Standing, answers
from mlstack.plan.fit.scale import Size, choose
from mlstack.plan.fit.view import View

GPU = "nvidia.com/gpu"
Manifest = dict[str, Any]


def flavor(name: str = "a100", **spec: Any) -> Manifest:
    return {"metadata": {"name": name}, "spec": spec}


def entry(name: str = "a100", quota: int = 8, **limits: int) -> Manifest:
    return {"name": name, "resources": [{"name": GPU, "nominalQuota": quota, **limits}]}


def queue(
    name: str = "research", *flavors: Manifest, used: int = 0, covered: tuple[str, ...] = (GPU,), **spec: Any
) -> Manifest:
    groups = [{"coveredResources": list(covered), "flavors": list(flavors or [entry()])}]
    reserved = [{"name": "a100", "resources": [{"name": GPU, "total": str(used)}]}]
    filled = {"resourceGroups": groups, "namespaceSelector": {}, **spec}
    return {"metadata": {"name": name}, "spec": filled, "status": {"flavorsReservation": reserved}}


def local(name: str = "team-a", cluster: str = "research", **spec: Any) -> Manifest:
    return {"metadata": {"name": name}, "spec": {"clusterQueue": cluster, **spec}}


def workload(job: str, gpus: int, queue: str = "research", namespace: str = "ml") -> Manifest:
    assigned = {"flavors": {GPU: "a100"}, "resourceUsage": {GPU: str(gpus)}}
    owner = {"kind": "Job", "name": job}
    metadata = {"name": f"job-{job}", "namespace": namespace, "ownerReferences": [owner]}
    return {"metadata": metadata, "status": {"admission": {"clusterQueue": queue, "podSetAssignments": [assigned]}}}


def queues(*clusters: Manifest, **given: Any) -> Queues:
    found: dict[str, Any] = {
        "namespace": {"metadata": {"name": "ml", "labels": {"team": "vision"}}},
        "local": [local()],
        "cluster": list(clusters) or [queue()],
        "flavors": [flavor()],
        "there": True,
    }
    return Queues(**{**found, **given})


def ask(count: int, each: int = 1, job: str = "train", role: str = "worker", resource: str = GPU, **spec: Any) -> Ask:
    container = {"name": "main", "resources": {"requests": {resource: str(each)}}}
    pod = {"metadata": {"namespace": "ml"}, "spec": {"containers": [container], **spec}}
    return Ask("cnn", Key("batch", "Job", "ml", job), role, count, pod, "team-a")


def only(given: Queues, *asked: Ask) -> tuple[Standing, str]:
    (found,) = answers(given, asked).values()
    return found.standing, found.reason


@pytest.mark.parametrize(
    ("used", "count", "expected", "reason"),
    [
        (0, 8, Standing.ADMITTED, ""),
        (5, 3, Standing.ADMITTED, ""),
        (5, 4, Standing.WAITS, "LocalQueue team-a has 3 of 8 GPUs left, and 4 are asked"),
        (8, 1, Standing.WAITS, "LocalQueue team-a has 0 of 8 GPUs left, and 1 is asked"),
        (9, 1, Standing.WAITS, "LocalQueue team-a has 0 of 8 GPUs left, and 1 is asked"),
        (0, 9, Standing.NEVER, "LocalQueue team-a never has more than 8 GPUs (ClusterQueue research), and 9 are asked"),
    ],
)
def test_a_quota_of_its_own(used: int, count: int, expected: Standing, reason: str) -> None:
    assert only(queues(queue(used=used)), ask(count)) == (expected, reason)


def test_all_pods_of_a_job_are_counted_together() -> None:
    both = (ask(4, role="master"), ask(5))
    assert only(queues(), *both)[0] is Standing.NEVER
    assert only(queues(), both[0], replace(both[1], count=4))[0] is Standing.ADMITTED


def test_who_holds_it_is_said_and_what_the_job_holds_itself_makes_room() -> None:
    there = [workload("b", 5), workload("train", 2), workload("other", 1, namespace="nlp"), workload("far", 9, "else")]
    given = queues(queue(used=8), workloads=there)
    reason = "LocalQueue team-a has 2 of 8 GPUs left, and 3 are asked: b holds 5, other (namespace nlp) holds 1"
    assert only(given, ask(3)) == (Standing.WAITS, reason)
    assert only(given, ask(2)) == (Standing.ADMITTED, "")


def test_more_holders_than_are_named() -> None:
    there = [workload(name, 1) for name in "abcde"]
    assert only(queues(queue(used=8), workloads=there), ask(1))[1].endswith("c holds 1 and 2 more")


@pytest.mark.parametrize(
    ("limits", "lent", "used", "count", "expected"),
    [
        ({}, {}, 0, 12, Standing.ADMITTED),
        ({}, {}, 0, 13, Standing.NEVER),
        ({"borrowingLimit": 2}, {}, 0, 10, Standing.ADMITTED),
        ({"borrowingLimit": 2}, {}, 0, 11, Standing.NEVER),
        ({}, {"lendingLimit": 1}, 0, 9, Standing.ADMITTED),
        ({}, {"lendingLimit": 1}, 0, 10, Standing.NEVER),
        ({}, {}, 4, 8, Standing.ADMITTED),
        ({}, {}, 4, 9, Standing.WAITS),
        ({}, {"lendingLimit": 1}, 3, 9, Standing.ADMITTED),
        ({}, {"lendingLimit": 1}, 4, 9, Standing.WAITS),
    ],
)
@pytest.mark.parametrize("key", ["cohortName", "cohort"])
def test_a_cohort_lends(
    key: str, limits: dict[str, int], lent: dict[str, int], used: int, count: int, expected: Standing
) -> None:
    mine, other = queue("research", entry("a100", 8, **limits)), queue("prod", entry("a100", 4, **lent), used=used)
    for one in (mine, other):
        one["spec"][key] = "all"
    assert only(queues(mine, other), ask(count))[0] is expected


def test_cohorts_have_quotas_and_parents_of_their_own() -> None:
    cohorts = [
        {"metadata": {"name": "all"}, "spec": {"parentName": "company"}},
        {
            "metadata": {"name": "company"},
            "spec": {"resourceGroups": queue("x", entry(quota=3))["spec"]["resourceGroups"]},
        },
    ]
    given = queues(queue("research", cohortName="all"), cohorts=cohorts)
    assert only(given, ask(11))[0] is Standing.ADMITTED
    assert only(given, ask(12))[0] is Standing.NEVER
    circle = [{"metadata": {"name": "all"}, "spec": {"parentName": "all"}}]
    assert only(queues(queue("research", cohortName="all"), cohorts=circle), ask(8))[0] is Standing.ADMITTED


@pytest.mark.parametrize(
    ("given", "expected", "reason"),
    [
        (queues(local=None), Standing.UNKNOWN, "LocalQueues may not be listed"),
        (queues(local=[]), Standing.WAITS, "there is no LocalQueue team-a in namespace ml"),
        (queues(cluster=[]), Standing.WAITS, "LocalQueue team-a leads to ClusterQueue research, which is not there"),
        (
            queues(cluster=None),
            Standing.UNKNOWN,
            "LocalQueue team-a leads to ClusterQueue research, and its quotas or flavors may not be listed",
        ),
        (
            queues(local=[local(stopPolicy="Hold")]),
            Standing.WAITS,
            "LocalQueue team-a is stopped (stopPolicy: Hold)",
        ),
        (
            queues(queue(stopPolicy="HoldAndDrain")),
            Standing.WAITS,
            "ClusterQueue research is stopped (stopPolicy: HoldAndDrain)",
        ),
        (queues(queue(stopPolicy="None")), Standing.ADMITTED, ""),
        (
            queues(queue(namespaceSelector={"matchLabels": {"team": "nlp"}})),
            Standing.WAITS,
            "ClusterQueue research takes no jobs of this namespace (namespaceSelector)",
        ),
        (queues(queue(namespaceSelector={"matchLabels": {"team": "vision"}})), Standing.ADMITTED, ""),
        (
            queues(queue(namespaceSelector=None)),
            Standing.WAITS,
            "ClusterQueue research takes no jobs of this namespace (namespaceSelector)",
        ),
        (
            queues(queue(namespaceSelector={"matchLabels": {"team": "nlp"}}), namespace=None),
            Standing.UNKNOWN,
            "ClusterQueue research chooses namespaces, and this one may not be read",
        ),
        (queues(namespace=None), Standing.ADMITTED, ""),
        (
            queues(queue(cohortName="all"), cohorts=None),
            Standing.UNKNOWN,
            "the cohorts that ClusterQueue research borrows in may not be listed",
        ),
        (
            queues(queue(admissionChecksStrategy={"admissionChecks": [{"name": "budget"}]})),
            Standing.UNKNOWN,
            "ClusterQueue research has admission checks: budget",
        ),
        (
            queues(queue(used=8, preemption={"withinClusterQueue": "LowerPriority"})),
            Standing.UNKNOWN,
            "LocalQueue team-a has 0 of 8 GPUs left, and 1 is asked; ClusterQueue research may push them out",
        ),
        (
            queues(flavors=[]),
            Standing.NEVER,
            "no flavor of ClusterQueue research is for its pods: a100 is not there",
        ),
    ],
)
def test_what_decides_beside_quotas(given: Queues, expected: Standing, reason: str) -> None:
    assert only(given, ask(1)) == (expected, reason)


def test_a_queue_that_is_not_active_says_why() -> None:
    made = queue()
    made["status"]["conditions"] = [{"type": "Active", "status": "False", "message": "references missing flavor x"}]
    assert only(queues(made), ask(1))[1] == "ClusterQueue research is not active: references missing flavor x"


def test_every_resource_needs_a_quota() -> None:
    found = only(queues(), ask(1, resource="amd.com/gpu"))
    assert found == (Standing.NEVER, "ClusterQueue research has no quota for amd.com/gpu")
    pods = queue(covered=(GPU, "pods"))
    pods["spec"]["resourceGroups"][0]["flavors"][0]["resources"].append({"name": "pods", "nominalQuota": 2})
    assert only(queues(pods), ask(2))[0] is Standing.ADMITTED
    assert only(queues(pods), ask(3)) == (
        Standing.NEVER,
        "LocalQueue team-a never has more than 2 pods (ClusterQueue research), and 3 are asked",
    )


def test_flavors_are_tried_in_order_and_bind_the_pods_to_their_nodes() -> None:
    spot = flavor("spot", nodeLabels={"kind": "spot"}, tolerations=[{"key": "spot", "operator": "Exists"}])
    both = queue("research", entry("a100", 2), entry("spot", 4))
    given = queues(both, flavors=[flavor(nodeLabels={"kind": "a100"}), spot])
    for count, kind in ((2, "a100"), (3, "spot")):
        wanted = ask(count)
        (found,) = answers(given, [wanted]).values()
        bound = found.admitted(wanted).pod["spec"]
        assert bound["nodeSelector"] == {"kind": kind}
        assert bound["tolerations"] == ([{"key": "spot", "operator": "Exists"}] if kind == "spot" else [])
    assert only(given, ask(2, role="master"), ask(4))[0] is Standing.ADMITTED
    assert only(given, ask(5)) == (
        Standing.NEVER,
        "LocalQueue team-a never has more than 4 GPUs (ClusterQueue research), and 5 are asked",
    )


@pytest.mark.parametrize(
    ("spec", "pod", "expected"),
    [
        ({"nodeLabels": {"kind": "a100"}}, {"nodeSelector": {"kind": "l4"}}, "a100 is of another kind (node selector)"),
        ({"nodeLabels": {"kind": "a100"}}, {"nodeSelector": {"kind": "a100", "zone": "b"}}, ""),
        ({}, {"nodeSelector": {"kind": "l4"}}, ""),
        ({"nodeTaints": [{"key": "gpu", "effect": "NoSchedule"}]}, {}, "a100 has taint gpu:NoSchedule"),
        (
            {"nodeTaints": [{"key": "gpu", "effect": "NoSchedule"}]},
            {"tolerations": [{"key": "gpu", "operator": "Exists"}]},
            "",
        ),
        (
            {"nodeTaints": [{"key": "gpu", "effect": "NoSchedule"}], "tolerations": [{"operator": "Exists"}]},
            {},
            "",
        ),
    ],
)
def test_a_flavor_has_to_suit_the_pods(spec: Manifest, pod: Manifest, expected: str) -> None:
    standing, reason = only(queues(flavors=[flavor(**spec)]), ask(1, **pod))
    assert standing is (Standing.NEVER if expected else Standing.ADMITTED)
    assert reason.partition("pods: ")[2] == expected


def test_affinity_counts_as_far_as_the_flavor_says_something_of_it() -> None:
    def wants(key: str) -> Manifest:
        terms = [{"matchExpressions": [{"key": key, "operator": "In", "values": ["l4"]}]}]
        return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}

    given = queues(flavors=[flavor(nodeLabels={"kind": "a100"})])
    assert only(given, ask(1, affinity=wants("kind")))[0] is Standing.NEVER
    assert only(given, ask(1, affinity=wants("zone")))[0] is Standing.ADMITTED


def test_it_would_rather_not_borrow_where_the_queue_says_so() -> None:
    mine = queue("research", entry("a100", 1), entry("spot", 4), cohortName="all")
    other = queue("prod", entry("a100", 8), cohortName="all")
    flavors = [flavor(nodeLabels={"kind": "a100"}), flavor("spot", nodeLabels={"kind": "spot"})]
    for policy, kind in (("MayStopSearch", "a100"), ("TryNextFlavor", "spot")):
        mine["spec"]["flavorFungibility"] = {"whenCanBorrow": policy}
        wanted = ask(2)
        (found,) = answers(queues(mine, other, flavors=flavors), [wanted]).values()
        assert found.admitted(wanted).pod["spec"]["nodeSelector"] == {"kind": kind}
    mine["spec"]["resourceGroups"][0]["flavors"].pop()
    assert only(queues(mine, other, flavors=flavors), ask(2))[0] is Standing.ADMITTED


def test_jobs_together_take_each_others_quota() -> None:
    found = answers(queues(), [ask(5, job="one"), ask(4, job="two"), ask(9, job="three")])
    assert [one.standing for one in found.values()] == [Standing.UNKNOWN, Standing.UNKNOWN, Standing.NEVER]
    assert {one.reason for one in list(found.values())[:2]} == {
        "it depends on which of the app's jobs queue team-a takes first"
    }
    fitting = answers(queues(), [ask(4, job="one"), ask(4, job="two")])
    assert [one.standing for one in fitting.values()] == [Standing.ADMITTED] * 2


def test_who_names_no_queue_is_asked_nothing() -> None:
    assert answers(queues(local=[]), [replace(ask(1), queue="")]) == {}
    assert answers(queues(local=[], there=False), [ask(1)]) == {}
    assert answers(queues(local=[]), [ask(0)]) == {}


def node(name: str, kind: str) -> Manifest:
    allocatable = {"cpu": "64", "memory": "256Gi", "pods": "110", GPU: "8"}
    return {"metadata": {"name": name, "labels": {"kind": kind}}, "spec": {}, "status": {"allocatable": allocatable}}


def view(given: Queues) -> View:
    """16 GPUs of one kind, 8 of another."""
    return View(rooms([node("a", "a100"), node("b", "a100"), node("c", "l4")], []), queues=given)


@pytest.mark.parametrize(
    ("used", "count", "prospect"),
    [
        (0, 8, Prospect.FITS),
        (5, 4, Prospect.WAITS),
        (0, 9, Prospect.NEVER),
    ],
)
@pytest.mark.parametrize("grows", [True, False])
def test_a_queue_bounds_what_the_nodes_would_take(used: int, count: int, prospect: Prospect, grows: bool) -> None:
    (found,) = outlooks(view(queues(queue(used=used))), [ask(count)], grows=Growth(unknown=grows), types={})
    assert found.prospect is prospect
    assert found.reasons == tuple(filter(None, [only(queues(queue(used=used)), ask(count))[1]]))


def test_a_flavor_keeps_pods_to_its_nodes() -> None:
    given = queues(queue("research", entry(quota=24)), flavors=[flavor(nodeLabels={"kind": "a100"})])
    assert outlooks(view(given), [ask(16)], grows=Growth(), types={})[0].prospect is Prospect.FITS
    assert outlooks(view(given), [ask(17)], grows=Growth(), types={})[0].prospect is Prospect.NEVER


def test_scale_max_is_what_the_queue_lets_in() -> None:
    def asks_at(workers: int, each: int) -> list[Ask]:
        return [ask(workers, each)]

    assert choose(view(queues(queue(used=2))), asks_at, GPU, "max") == Size(3, 2)
    assert choose(view(queues(queue(used=8))), asks_at, GPU, "max") is None
