"""Each thing that the scheduler and the API server say of pods without a place, and what is made of it."""

from __future__ import annotations

from typing import Any

import pytest

from mlstack.plan.pending import from_admission, from_scheduler

GPU = "nvidia.com/gpu"
NO_VICTIMS = " preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."


def pod(*claims: str, **requests: str) -> dict[str, Any]:
    """A pod that asks for 2 GPUs and half a CPU."""
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
    container = {"name": "a", "resources": {"requests": {GPU: "2", "cpu": "500m", "memory": "8Gi", **requests}}}
    return {"spec": {"containers": [container], "volumes": volumes}}


# What is said of the nodes, what we say, and which parameter's topic it is.
SAID = [
    ("3 Insufficient nvidia.com/gpu", "3 nodes have fewer than 2 GPUs free", ("resource", GPU)),
    ("1 Insufficient cpu, 2 Insufficient memory",
     "1 node has less than 0.5 cpu free; 2 nodes have less than 8Gi memory free", ("resource", "cpu")),
    ("1 Too many pods", "1 node has no room for another pod", ("resource", "pods")),
    ("1 node(s) had untolerated taint {spot: true}, 2 Insufficient nvidia.com/gpu",
     "2 nodes have fewer than 2 GPUs free; 1 node has a taint that it does not tolerate: spot=true", ("resource", GPU)),
    ("2 node(s) had untolerated taint {nvidia.com/gpu: }",
     "2 nodes have a taint that it does not tolerate: nvidia.com/gpu", ("taint", GPU)),
    ("1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }", "1 node is not ready",
     ("", "node.kubernetes.io/not-ready")),
    ("2 node(s) had untolerated taint(s)", "2 nodes have a taint that it does not tolerate", ("taint", "")),
    ("1 node(s) were unschedulable", "1 node is cordoned", ("cordoned", "")),
    ("5 node(s) didn't match Pod's node affinity/selector",
     "5 nodes are not of the kind asked for (node selector)", ("selector", "")),
    ("1 node(s) didn't match the requested node name",
     "1 node is not of the kind asked for (node selector)", ("selector", "")),
    ("2 node(s) didn't have free ports for the requested pod ports", "2 nodes have its port taken", ("port", "")),
    ("6 node(s) didn't match PersistentVolume's node affinity", "6 nodes are out of its volume's reach",
     ("volume", "data")),
    ("1 node(s) had volume node affinity conflict", "1 node is out of its volume's reach", ("volume", "data")),
    ("3 node(s) didn't match pod anti-affinity rules", "its anti-affinity rule keeps it off 3 nodes", ("rule", "")),
    ("1 node(s) didn't satisfy existing pods anti-affinity rules",
     "other pods' anti-affinity rule keeps it off 1 node", ("rule", "")),
    ("1 node(s) didn't match pod affinity rules", "its affinity rule keeps it off 1 node", ("rule", "")),
    ("2 node(s) didn't match pod topology spread constraints (missing required label)",
     "its topology spread rule keeps it off 2 nodes", ("rule", "")),
    ("pod has unbound immediate PersistentVolumeClaims",
     "it mounts PersistentVolumeClaim/data, which has no volume yet", ("volume", "data")),
    ("3 node(s) did what nobody knows, 1 Insufficient nvidia.com/gpu",
     "1 node has fewer than 2 GPUs free; 3 node(s) did what nobody knows", ("resource", GPU)),
]  # fmt: skip


@pytest.mark.parametrize(("said", "text", "about"), SAID, ids=[row[0] for row in SAID])
@pytest.mark.parametrize("after", [".", f".{NO_VICTIMS}", ". no new claims to deallocate, preemption: 0/3 nodes are."])
def test_what_the_scheduler_says(said: str, text: str, about: tuple[str, str], after: str) -> None:
    found = from_scheduler(f"0/3 nodes are available: {said}{after}", pod("data"))
    assert (found.text, (found.topic, found.value)) == (text, about)


def test_a_claim_that_is_not_there() -> None:
    found = from_scheduler('persistentvolumeclaim "data" not found', pod("data"))
    assert found == ("it mounts PersistentVolumeClaim/data, which is not there", "volume", "data")
    assert from_scheduler("pod has unbound immediate PersistentVolumeClaims", pod("a", "b")).text == (
        "it mounts a claim, which has no volume yet"
    )


def test_of_a_pod_that_is_not_known_no_amount_is_said() -> None:
    text = "0/3 nodes are available: 1 Insufficient cpu, 3 Insufficient nvidia.com/gpu."
    assert from_scheduler(text, {}).text == "3 nodes have too few GPUs free; 1 node has too little cpu free"


FORBIDDEN = 'pods "x" is forbidden: '
REFUSED = [
    ("exceeded quota: gpus, requested: requests.nvidia.com/gpu=2, used: requests.nvidia.com/gpu=3, limited: "
     "requests.nvidia.com/gpu=4",
     "ResourceQuota/gpus has 1 of 4 requests.nvidia.com/gpu left, and 2 are asked", GPU),
    ("exceeded quota: q, requested: pods=1,requests.nvidia.com/gpu=1, used: pods=0,requests.nvidia.com/gpu=0, limited: "
     "pods=0,requests.nvidia.com/gpu=0",
     "ResourceQuota/q has 0 of 0 requests.nvidia.com/gpu left, and 1 is asked", GPU),
    ("exceeded quota: q, requested: requests.cpu=1500m, used: requests.cpu=1, limited: requests.cpu=2",
     "ResourceQuota/q has 1 of 2 requests.cpu left, and 1.5 are asked", "cpu"),
    ("maximum nvidia.com/gpu usage per Container is 1, but limit is 2",
     "a container asks more nvidia.com/gpu than the 1 that the namespace's LimitRange allows", GPU),
    ("maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 5Gi",
     "the claim asks more storage than the 1Gi that the namespace's LimitRange allows", "storage"),
    ("[minimum memory usage per Pod is 1Gi, but request is 64Mi, minimum cpu usage per Pod is 1, but request is 5m]",
     "the pod asks less memory than the 1Gi that the namespace's LimitRange demands", "memory"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "text", "resource"), REFUSED)
def test_what_the_api_server_says(said: str, text: str, resource: str) -> None:
    assert from_admission(FORBIDDEN + said) == (text, "resource", resource)


def test_other_refusals_are_not_ours_to_translate() -> None:
    assert from_admission(FORBIDDEN + "violates PodSecurity") is None
