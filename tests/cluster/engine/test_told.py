"""What `mlstack apply` prints, line for line, for pods that do not come up and jobs that fail."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mlstack.sandbox import Sandbox

    from ..conftest import App, Kubectl

HEAD = "gke: context gke (https://SERVER), cluster CLUSTER, namespace NAMESPACE\n"
SENT = """\
  create 3   change 0   unchanged 0   prune 0
  access, configuration     1 applied  SECONDS
  services, operators       1 applied  SECONDS
  workloads                 1 applied  SECONDS
"""
LOG = "its log ends: This pod is simulated (mlstack sandbox gke): no container runs, so nothing is logged"
GPUS = "6 nodes have fewer than 99 GPUs free (num_gpus = 99, at components/model.yaml:8)"
IMAGE = "image example.com/does-not-exist:1 (image = example.com/does-not-exist:1, at components/model.yaml:8)"
AGAIN = "  Look again: mlstack status gke\n"


@pytest.fixture
def small(new_app: Callable[[str], App], gke: Sandbox, namespace: str, kubectl: Kubectl) -> Iterator[App]:
    """An app without components, its environment `gke` in the test's own namespace, which is there."""
    made = new_app("small")
    made.do("env", "add", "gke", "--namespace", namespace)
    kubectl("create", "namespace", namespace, context="gke")
    yield made
    kubectl("delete", "namespace", namespace, "--wait=false", context="gke")


def model(app: App, *words: str, mode: str = "") -> None:
    """A component `model`; with a mode its pods are never ready and behave so."""
    app.do("generate", "tf-serving", "model", "--model_path=gs://a/b", *words)
    if mode:
        template = f"template: {{metadata: {{annotations: {{sim/mode: {mode}}}}}}}"
        spec = f"{{minReadySeconds: 100, {template}}}"
        file = "components/model.yaml"
        patch = f"patches: [{{kind: Deployment, metadata: {{name: model}}, spec: {spec}}}]\n"
        app.write({file: (app.root / file).read_text() + patch})


def applied(app: App, *words: str) -> tuple[int, str, str]:
    """How `apply gke WORDS` ended, and what it printed without what differs from time to time."""
    done = app.run("apply", "gke", *words)
    out = re.sub(r"https://\S+(?=\))", "https://SERVER", done.stdout)
    out = re.sub(r"cluster [0-9a-f]{8}, namespace \S+", "cluster CLUSTER, namespace NAMESPACE", out)
    return (
        done.returncode,
        re.sub(r" +\d+\.\d s$", "  SECONDS", out, flags=re.M),
        done.stderr,
    )


def sent_and(app: App, kubectl: Kubectl, namespace: str, condition: Callable[[dict[str, Any]], bool]) -> None:
    """Applies without waiting, then polls until the one pod is as the test needs it, so that what a wait reports
    afterwards does not depend on how busy the scheduler and the simulated kubelet are."""
    code, out, err = applied(app, "--no-wait")
    assert (code, err) == (0, "")
    assert out.startswith(HEAD)
    assert out.endswith(SENT.partition("\n")[2])
    until(kubectl, namespace, condition)


def until(kubectl: Kubectl, namespace: str, condition: Callable[[dict[str, Any]], bool]) -> str:
    """The name of the namespace's one pod, once it is there and as it should be."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        pods = json.loads(kubectl("get", "pods", "-n", namespace, "-o", "json", context="gke"))["items"]
        if pods and all(map(condition, pods)):
            return str(pods[0]["metadata"]["name"])
        time.sleep(0.2)
    raise AssertionError(f"no such pod in {namespace}")


def unschedulable(pod: dict[str, Any]) -> bool:
    return any(one.get("reason") == "Unschedulable" for one in pod["status"].get("conditions") or [])


def waits_for(reason: str) -> Callable[[dict[str, Any]], bool]:
    """Whether the simulated kubelet has written that a container waits for this reason ("": for any)."""

    def holds(pod: dict[str, Any]) -> bool:
        states = [one.get("state") or {} for one in pod["status"].get("containerStatuses") or []]
        return any("waiting" in state and reason in str(state["waiting"].get("reason")) for state in states)

    return holds


def waiting(name: str, *lines: str) -> str:
    return "".join(f"    {name:<34} {line}".rstrip() + "\n" for line in lines)


PLANNED = "  create 3   change 0   unchanged 0   prune 0\n"
LATER = (
    "  model: 1 pod may have to wait: each pod asks 99 nvidia.com/gpu, the largest node "
    "(gke-sandbox-a100-pool-0, a100) has 8; nodes may still come (autoscaling) "
    "(num_gpus = 99, at components/model.yaml:8).\n"
)


def test_what_no_node_can_take(small: App, kubectl: Kubectl, namespace: str) -> None:
    model(small, "--num_gpus=99")
    code, out, err = applied(small, "--no-wait")
    assert (code, out, err) == (0, HEAD + SENT.replace(PLANNED, PLANNED + LATER), "")
    until(kubectl, namespace, unschedulable)
    code, out, err = applied(small, "--timeout", "2s")
    assert out == HEAD + waiting("Deployment/model", "0/1", f"0/1    {GPUS}")
    assert err == f"Error: Not ready in time: Deployment/model 0/1 {GPUS}.\n{AGAIN}"
    assert code == 3


def test_what_no_node_can_take_where_none_can_come(small: App) -> None:
    """Given up long before the timeout, and yet not at once: somebody's pods may end."""
    small.do("env", "set", "gke", "--autoscaling", "none")
    model(small, "--num_gpus=99")
    code, out, err = applied(small, "--fail-fast", "--timeout", "110s", "--no-preflight")
    assert out == HEAD + SENT + waiting("Deployment/model", "0/1", f"0/1    {GPUS}")
    assert err == f"Error: Cannot become ready as things stand: Deployment/model 0/1 {GPUS}.\n{AGAIN}"
    assert code == 3


def test_an_image_that_is_not_there(small: App, kubectl: Kubectl, namespace: str) -> None:
    model(small, "--image=example.com/does-not-exist:1")
    sent_and(small, kubectl, namespace, waits_for("ImagePullBackOff"))
    code, out, err = applied(small, "--timeout", "2s")
    assert out == HEAD + waiting("Deployment/model", "0/1", f"0/1    ImagePullBackOff: {IMAGE}")
    assert err == f"Error: Not ready in time: Deployment/model 0/1 ImagePullBackOff: {IMAGE}.\n{AGAIN}"
    assert code == 3


STUCK = """{"status": {"containerStatuses": [{"name": "serving", "image": "", "imageID": "", "ready": false,
"restartCount": 0, "state": {"waiting": {"reason": "InvalidImageName", "message": "couldn't parse"}}}]}}"""


def test_an_image_whose_name_is_none(small: App, namespace: str, kubectl: Kubectl) -> None:
    """No kubelet runs here: the test writes what it would into the pod's status, of a pod that the simulated one has
    left as pending for good (an image with `does-not-exist` in its name it would write about again)."""
    model(small, "--image=example.com/invalid:1", mode="pending")
    sent_and(small, kubectl, namespace, waits_for(""))
    pod = until(kubectl, namespace, waits_for(""))
    kubectl("patch", "pod", pod, "-n", namespace, "--subresource=status", "-p", STUCK, context="gke")
    code, out, err = applied(small, "--fail-fast", "--timeout", "110s")
    image = IMAGE.replace("does-not-exist", "invalid")
    assert out == HEAD + waiting("Deployment/model", "0/1", f"0/1    InvalidImageName: {image}")
    told = f"Cannot become ready as things stand: Deployment/model 0/1 InvalidImageName: {image}"
    assert err == f"Error: {told}.\n{AGAIN}"
    assert code == 3


def test_a_crash(small: App, kubectl: Kubectl, namespace: str) -> None:
    """Every few seconds it runs again for a second, so that a wait may end in either state."""
    model(small, mode="crashloop")
    sent_and(small, kubectl, namespace, waits_for("CrashLoopBackOff"))
    told = "CrashLoopBackOff: serving ended with exit code 1"
    lines = waiting("", f"0/1    {told}; {LOG}.").strip()
    for _ in range(10):
        code, out, err = applied(small, "--timeout", "8s")
        whys = {f"Error: Not ready in time: Deployment/model 0/1{why}.\n{AGAIN}" for why in ("", f" {told}; {LOG}")}
        assert code == 3
        if lines in out and err in whys:
            return
    raise AssertionError(f"{out}\n{err}")


def test_a_quota(small: App, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "quota", "tight", "--hard=pods=0", "-n", namespace, context="gke")
    model(small)
    code, out, err = applied(small, "--fail-fast", "--timeout", "110s")
    told = "ResourceQuota/tight has 0 of 0 pods left, and 1 is asked"
    assert out == HEAD + SENT + waiting("Deployment/model", "0/1", f"0/1    {told}")
    assert err == f"Error: Cannot become ready as things stand: Deployment/model 0/1 {told}.\n{AGAIN}"
    assert code == 3


JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: train}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {sim/mode: fail}}
    spec: {restartPolicy: Never, containers: [{name: train, image: busybox}]}
"""


def test_a_job_that_fails(small: App) -> None:
    small.write({"components/train/job.yaml": JOB})
    code, out, err = applied(small, "--wait", "finished", "--timeout", "110s")
    sent = "  workloads                 1 applied  SECONDS\n"
    assert out.startswith(HEAD + "  create 0   change 0   unchanged 0   prune 0   new run 1\n" + sent)
    told = f"Job has reached the specified backoff limit; train ended with exit code 1; {LOG}."
    assert out.endswith(waiting("Job/train", f"       {told}"))
    assert err == f"Error: Job/train failed: {told}\n  Its last lines: mlstack logs gke train\n"
    assert code == 4

    code, out, err = applied(small, "--wait", "finished")
    assert re.fullmatch(r"gke: nothing to do \(1 object unchanged, \d+\.\d s\)\n", out)
    assert err == (
        "Error: Job/train failed: Job has reached the specified backoff limit. It ran before, and is not started "
        "again by itself.\n  Once it is fixed: mlstack run gke train\n"
    )
    assert code == 4
