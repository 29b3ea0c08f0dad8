from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import Manifest
from mlstack.plan.reasons import (
    Log,
    best_reason,
    event_reason,
    events_about,
    own_reason,
    owned_pods,
    pod_reason,
    scheduler_reason,
)

SCHEDULER = [
    ("0/3 nodes are available: 3 Insufficient nvidia.com/gpu.", "3 nodes have too few GPUs free", "resource",
     "nvidia.com/gpu"),
    ("something new", "something new", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("message", "text", "topic", "value"), SCHEDULER)
def test_scheduler(message: str, text: str, topic: str, value: str) -> None:
    found = scheduler_reason(message)
    assert (found.text, found.topic, found.value, found.unschedulable) == (text, topic, value, True)


def pod(*statuses: dict[str, Any], spec: Any = None, conditions: Any = None, phase: str = "Pending") -> Manifest:
    status = {"phase": phase, "containerStatuses": list(statuses), "conditions": conditions or []}
    container = {"name": "a", "image": "repo/a:1", "resources": {"limits": {"memory": "1Gi"}}}
    metadata = {"name": "p", "namespace": "n", "labels": {"app": "web"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": spec or {"containers": [container]},
        "status": status,
    }


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    return {"name": "a", "state": {"waiting": {"reason": reason, "message": message}}, **more}


ENDED = {"exitCode": 3, "message": "no data\nmore"}
PODS = [
    (pod(waiting("ImagePullBackOff")), "ImagePullBackOff: image repo/a:1", False),
    (pod(waiting("InvalidImageName")), "InvalidImageName: image repo/a:1", True),
    (pod(waiting("CrashLoopBackOff", lastState={"terminated": ENDED})),
     "CrashLoopBackOff: a ended with exit code 3 (no data)", False),
    (pod(waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}})),
     "a: OOMKilled at its limit of 1Gi", False),
    (pod({"name": "a", "state": {"terminated": ENDED}}), "a ended with exit code 3 (no data)", False),
    (pod(waiting("CreateContainerConfigError", 'secret "s" not found')),
     'CreateContainerConfigError: secret "s" not found', False),
    (pod(waiting("ContainerCreating")), "", False),
    (pod(conditions=[{"type": "Ready", "status": "False"}], phase="Running"),
     "its containers run, but are not ready", False),
    (pod(conditions=[{"type": "Ready", "status": "True"}], phase="Running"), "", False),
    (pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available: 1 Insufficient "
     "cpu."}]), "1 node has too little cpu free", False),
]  # fmt: skip


@pytest.mark.parametrize(("one", "text", "hopeless"), PODS)
def test_pod(one: Manifest, text: str, hopeless: bool) -> None:
    found = pod_reason(one)
    assert (found.text, found.hopeless) == (text, hopeless)


def test_the_reason_most_pods_share() -> None:
    crashing, pulling = pod(waiting("CrashLoopBackOff")), pod(waiting("ErrImagePull"))
    assert best_reason([pulling, pulling, crashing]).text == "2 pods: ErrImagePull: image repo/a:1"
    assert best_reason([]).text == ""


def event(reason: str, message: str, when: str = "1") -> Manifest:
    return {"apiVersion": "v1", "kind": "Event", "reason": reason, "message": message, "lastTimestamp": when}


def test_events_tell_where_pods_do_not() -> None:
    quota = event("FailedCreate", 'pods "x" is forbidden: exceeded quota: q', "2")
    found = event_reason([event("FailedMount", "MountVolume failed"), quota, event("Pulled", "image", "3")])
    assert found.text == 'pods "x" is forbidden: exceeded quota: q'
    assert (found.topic, found.hopeless) == ("quota", True)
    assert event_reason([event("Pulled", "image")]).text == ""
    assert best_reason([], [quota]).text == found.text


def owner(**spec: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "namespace": "n", "uid": "1"}, "spec": spec}


def test_whose_pods() -> None:
    by_label, by_owner, by_job, elsewhere = pod(), pod(), pod(), pod()
    by_owner["metadata"] = {"name": "o", "namespace": "n", "ownerReferences": [{"uid": "1"}]}
    by_job["metadata"] = {"name": "j", "namespace": "n", "labels": {"training.kubeflow.org/job-name": "x"}}
    elsewhere["metadata"] = {**elsewhere["metadata"], "namespace": "m"}
    pods = [by_label, by_owner, by_job, elsewhere]
    assert owned_pods(owner(selector={"matchLabels": {"app": "web"}}), pods) == [by_label, by_owner]
    assert owned_pods(owner(), pods) == [by_owner, by_job]


@pytest.mark.parametrize(
    "label", ["training.kubeflow.org/job-name", "jobset.sigs.k8s.io/jobset-name", "sparkoperator.k8s.io/app-name"]
)
def test_pods_that_an_operator_makes_are_known_by_its_label(label: str) -> None:
    mine, other = ({"metadata": {"name": name, "namespace": "n", "labels": {label: name}}} for name in ("x", "y"))
    job = {"metadata": {"name": "x", "namespace": "n", "uid": "u"}, "spec": {}}
    assert owned_pods(job, [mine, other]) == [mine]


def test_a_crash_says_where_its_log_stands() -> None:
    crashing, ended = pod(waiting("CrashLoopBackOff")), pod({"name": "a", "state": {"terminated": ENDED}})
    assert pod_reason(crashing).log == Log("n", "p", "a", previous=True)
    assert pod_reason(ended).log == Log("n", "p", "a", previous=False)
    assert best_reason([crashing, crashing]).log == pod_reason(crashing).log
    assert pod_reason(pod(waiting("ErrImagePull"))).log is None


def test_what_an_object_says_of_itself() -> None:
    found = own_reason('pods "x" is forbidden: exceeded quota: q\nmore')
    assert (found.text, found.topic, found.hopeless) == ('pods "x" is forbidden: exceeded quota: q', "quota", True)
    assert not own_reason("former pods are ending").hopeless


def about(kind: str, name: str, uid: str = "", **more: str) -> Manifest:
    involved = {"kind": kind, "name": name, "namespace": "n", **({"uid": uid} if uid else {}), **more}
    return {**event("FailedCreate", "no"), "involvedObject": involved}


def made(kind: str, name: str, uid: str, of: str, **more: Any) -> Manifest:
    metadata = {"name": name, "namespace": "n", "uid": uid, "ownerReferences": [{"uid": of}]}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **more}


def test_whose_events() -> None:
    claim = {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}
    around = [
        made("Pod", "x-5d-abc", "3", "2", spec=claim),
        made("ReplicaSet", "x-5d", "2", "1"),
        made("ReplicaSet", "my-x-abc", "4", "9"),
        made("ReplicaSet", "x-y-abc", "5", "8"),
    ]
    ours = [
        about("X", "x", "1"),
        about("ReplicaSet", "x-5d", "2"),
        about("Pod", "x-5d-abc", "3"),
        about("Pod", "x-5d-abc"),
        about("PersistentVolumeClaim", "data", "7"),
    ]
    others = [
        about("X", "x", "11"),  # the object before it, of the same name
        about("X", "x", "1", namespace="m"),
        about("ReplicaSet", "my-x-abc", "4"),
        about("ReplicaSet", "x-y-abc", "5"),
        about("Pod", "my-x-abc-def", "6"),
        about("PersistentVolumeClaim", "x-data", "7"),
        event("FailedCreate", "no"),
    ]
    assert events_about(owner(), [*others, *ours, *others], around) == ours
    assert events_about(None, ours) == []


def test_the_claims_of_a_stateful_set_before_it_has_pods() -> None:
    spec = {"replicas": 2, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
    names = ("data-x-0", "data-x-1", "data-x-2", "data-my-x-0", "x-0")
    told = events_about(owner(**spec), [about("PersistentVolumeClaim", name, "7") for name in names])
    assert [one["involvedObject"]["name"] for one in told] == ["data-x-0", "data-x-1"]


def test_a_volume_that_is_being_made_is_no_missing_node() -> None:
    message = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
    assert not scheduler_reason(message).unschedulable
