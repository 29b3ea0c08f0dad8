"""The session of docs/queues.md, typed on a real control plane with Kueue's own kinds, as its controller leaves them.

MLSTACK_UPDATE_DOCS=1 writes what was printed into the page.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster.queues.conftest import GPU, Kubectl, defining, made, quotas

if TYPE_CHECKING:
    from mlstack.sandbox import Sandbox

    from ..conftest import App

DOC = Path(__file__).parents[3] / "docs/queues.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
PASSING = (
    (re.compile(r"https://127\.0\.0\.1:\d+"), "https://127.0.0.1:6443"),
    (re.compile(r"cluster [0-9a-f]{8}\b"), "cluster 2b91c22b"),
)
HELD, QUOTA = 5, 8


def standing(namespace: str) -> list[dict[str, Any]]:
    """The objects of `quotas` with the states that Kueue would give them where training-b holds some of the GPUs."""
    container = {"name": "main", "image": "example/train", "resources": {"limits": {GPU: "1"}}}
    pods = {
        "name": "worker",
        "count": HELD,
        "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
    }
    holder = made("Workload", "training-b", {"queueName": "team-a", "podSets": [pods]}, namespace=namespace)
    taken = {"name": "worker", "count": HELD, "flavors": {GPU: "a100"}, "resourceUsage": {GPU: str(HELD)}}
    admitted = {"type": "Admitted", "status": "True", "reason": "Admitted", "message": ""}
    since = {"lastTransitionTime": "2026-11-23T12:00:00Z"}
    flavor, queue, local = quotas(QUOTA, namespace)
    reserved = {"name": "a100", "resources": [{"name": GPU, "total": str(HELD), "borrowed": "0"}]}
    return [
        flavor,
        {**queue, "status": {"flavorsReservation": [reserved], "flavorsUsage": [reserved]}},
        local,
        {
            **holder,
            "status": {
                "conditions": [admitted | since, admitted | since | {"type": "QuotaReserved"}],
                "admission": {"clusterQueue": "research", "podSetAssignments": [taken]},
            },
        },
    ]


@pytest.fixture
def app(gke: Sandbox, new_app: Callable[[str], App], kubectl: Kubectl, namespace: str) -> Iterator[App]:
    """An app whose environment's namespace has the queue team-a."""
    kubectl("create", "namespace", namespace, context="gke")
    try:
        with defining(kubectl, "gke"):
            found = standing(namespace)
            for words in ((), ("--subresource=status",)):
                sent = [one for one in found if not words or "status" in one]
                kubectl("apply", "--server-side", "-f", "-", *words, context="gke", stdin=yaml.safe_dump_all(sent))
            typed = new_app("queues")
            typed.do("env", "add", "gke", "--namespace", namespace)
            typed.do("env", "set", "gke", "--autoscaling", "none")
            yield typed
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false", context="gke")


JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: NAME, labels: {LABEL}}
spec:
  suspend: true
  template: {spec: {restartPolicy: Never, containers: [{name: main, image: x}]}}
"""


def test_wait_reports_a_suspended_run(app: App, namespace: str, kubectl: Kubectl) -> None:
    """Nobody else releases it: by its own switch, and in a queue by that of its Workload."""
    app.write({"components/own/job.yaml": JOB.replace("NAME", "own").replace("LABEL", "")})
    queue = "kueue.x-k8s.io/queue-name: team-a"
    app.write(
        {"components/queued/job.yaml": JOB.replace("NAME", "queued").replace("LABEL", queue).replace("true", "false")}
    )
    app.do("apply", "gke", "--no-wait")
    wait = ("wait", "gke", "--for", "finished", "--timeout", "300s")
    done = app.run(*wait, "-c", "own")
    assert done.returncode == 3
    assert done.stderr == (
        "Error: Cannot finish as things stand: Job/own suspended (spec.suspend is true).\n"
        "  Release it, then: mlstack wait gke --for finished\n"
    )
    kubectl(
        "patch", "job", "queued", "-n", namespace, "-p", '{"spec": {"suspend": true}}', context="gke"
    )  # as Kueue does
    uid = kubectl("get", "job", "queued", "-n", namespace, "-o", "jsonpath={.metadata.uid}", context="gke")
    owned = {"apiVersion": "batch/v1", "kind": "Job", "name": "queued", "uid": uid}
    container = {"name": "main", "image": "x"}
    pods = {"name": "main", "count": 1, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
    spec = {"queueName": "team-a", "active": False, "podSets": [pods]}
    workload = made("Workload", "job-queued", spec, namespace=namespace)
    workload["metadata"]["ownerReferences"] = [owned]
    kubectl("apply", "--server-side", "-f", "-", context="gke", stdin=yaml.safe_dump(workload))
    for words in (wait, ("wait", "gke", "--timeout", "300s")):
        done = app.run(*words, "-c", "queued")
        assert done.returncode == 3
        assert "Job/queued suspended in its queue (spec.active of its Workload is false).\n" in done.stderr


def test_the_session(app: App, namespace: str) -> None:
    page = DOC.read_text("utf-8")
    (block,) = BLOCK.findall(page)
    printed = ""
    for line in block.splitlines():
        if line.startswith("$ mlstack "):
            done = app.run(*shlex.split(line)[2:])
            printed += f"{line}\n{done.stdout}{done.stderr}"
    for pattern, shown in (*PASSING, (re.compile(namespace), "ml")):
        printed = pattern.sub(shown, printed)
    if os.environ.get("MLSTACK_UPDATE_DOCS"):
        DOC.write_text(page.replace(block, printed), "utf-8")
        return
    assert printed == block
