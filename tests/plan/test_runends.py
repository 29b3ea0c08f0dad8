from __future__ import annotations

from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan.runends import bad_ends, told_ends

JOB: Manifest = {"kind": "TFJob", "metadata": {"name": "cnn", "namespace": "n", "uid": "u"}}


def pod(index: int, *statuses: dict[str, Any], **metadata: Any) -> Manifest:
    labels = {
        "training.kubeflow.org/job-name": "cnn",
        "training.kubeflow.org/replica-type": "worker",
        "training.kubeflow.org/replica-index": str(index),
    }
    names = {"containers": [{"name": one["name"]} for one in statuses]}
    head = {"name": f"cnn-worker-{index}", "namespace": "n", "labels": labels, **metadata}
    return {"metadata": head, "spec": names, "status": {"containerStatuses": list(statuses)}}


def ended(code: int, at: str = "T1", **more: Any) -> dict[str, Any]:
    return {"exitCode": code, "finishedAt": at, **more}


def test_the_first_that_failed_comes_first() -> None:
    first = {"name": "main", "state": {"terminated": ended(1, "T1", message="Traceback\nboom", reason="Error")}}
    crashing = {"name": "main", "state": {"waiting": {}}, "lastState": {"terminated": ended(137, "T2")}}
    well = {"name": "main", "state": {"terminated": ended(0)}}
    found = bad_ends(JOB, [pod(0, crashing), pod(1, first), pod(2, well), pod(3)])
    assert [(one.end.role, one.end.exit_code, one.log.previous) for one in found] == [
        ("worker-1", 1, False),
        ("worker-0", 137, True),
    ]
    assert found[0].end.lines == ("Traceback", "boom")


def test_a_pod_that_its_operator_deletes_counts() -> None:
    one = {"name": "main", "state": {"terminated": ended(3)}}
    side = {"name": "side", "state": {"running": {}}}
    (found,) = bad_ends(JOB, [pod(0, one, side, deletionTimestamp="T")])
    assert (found.end.role, found.end.container, found.end.exit_code) == ("worker-0/main", "main", 3)


def test_the_pods_of_others_do_not() -> None:
    other = pod(0, {"name": "main", "state": {"terminated": ended(3)}})
    other["metadata"]["labels"]["training.kubeflow.org/job-name"] = "other"
    assert bad_ends(JOB, [other]) == []


def told(message: str, at: str, reason: str = "ExitedWithCode", uid: str = "u") -> Manifest:
    about = {"kind": "TFJob", "name": "cnn", "uid": uid}
    return {"kind": "Event", "involvedObject": about, "reason": reason, "message": message, "lastTimestamp": at}


def test_the_operators_events_say_the_last_exit_code_of_each_pod() -> None:
    """F10: the pods were deleted, and no command has seen them."""
    events = [
        told("Pod: n.cnn-worker-0 exited with code 1", "T5"),
        told("Pod: n.cnn-worker-0 exited with code 137", "T2"),
        told("(combined from similar events): Pod: n.cnn-worker-1 exited with code 3", "T4"),
        told("Pod: n.cnn-chief-0 exited with code 0", "T3"),
        told("Pod: n.cnn-worker-2 exited with code 1", "T3", uid="an earlier run's"),
        told("Created pod: cnn-worker-0", "T1", reason="SuccessfulCreatePod"),
    ]
    ends = told_ends(JOB, events)
    assert [(one.words, one.finished) for one in ends] == [
        ("worker-1 ended with exit code 3", "T4"),
        ("worker-0 ended with exit code 1", "T5"),
    ]
