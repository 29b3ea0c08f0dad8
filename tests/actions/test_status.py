from __future__ import annotations

from typing import Any

import pytest

from mlstack.actions.status import Seen, component_status
from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Manifest, key_of
from mlstack.compose.places import Place
from mlstack.compose.render import Rendered
from mlstack.plan.inventory import Inventory
from mlstack.plan.runs import Run


def make(kind: str, api: str = "v1", status: Any = None, **more: Any) -> Manifest:
    metadata = {"name": "x", "namespace": "n", **more.pop("metadata", {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "status": status or {}, **more}


CONFIG = make("ConfigMap")
JOB = make("Job", "batch/v1", spec={})
WEB = make("Deployment", "apps/v1", {"observedGeneration": 0}, spec={"selector": {"matchLabels": {"app": "x"}}})
ROLE = make("ClusterRole", "rbac.authorization.k8s.io/v1", metadata={"annotations": {"mlstack.dev/shared": "true"}})
RUNNING, DONE = {"ready": 1}, {"conditions": [{"type": "Complete", "status": "True"}]}
FAILED = {"conditions": [{"type": "Failed", "status": "True", "message": "no data"}]}
REMEMBERED = Inventory(runs={"Job.batch/n/x": Run("h", "succeeded", "T")}, exists=True)
GPUS = Setting("num_gpus", 9, "environment", Place("environments/gke.yaml", 3))


def found(
    rendered: list[Manifest], *ours: Manifest, memory: Inventory | None = None, pods: Any = ()
) -> tuple[Any, ...]:
    one = Rendered("c", "kubeflow/a/b", "service", {"num_gpus": GPUS}, tuple(rendered))
    seen = Seen(memory or Inventory(), {key_of(live): live for live in ours}, pods, shared=frozenset({key_of(ROLE)}))
    status = component_status(one, seen)
    return status.ready, f"{status.present}/{status.total}", status.notes


@pytest.mark.parametrize(
    ("rendered", "ours", "memory", "expected"),
    [
        ([CONFIG], [], None, ("absent", "0/1", ())),
        ([CONFIG], [CONFIG], None, ("yes", "1/1", ())),
        ([CONFIG, make("Secret")], [CONFIG], None, ("no", "1/2", ())),
        ([CONFIG, WEB], [CONFIG, WEB], None, ("waiting", "2/2", ("Deployment/x 0/1 waiting",))),
        ([JOB], [{**JOB, "status": RUNNING}], None, ("running", "1/1", ())),
        ([JOB], [{**JOB, "status": DONE}], None, ("done", "1/1", ())),
        ([JOB], [{**JOB, "status": FAILED}], None, ("failed", "1/1", ("Job/x: no data",))),
        ([JOB], [], REMEMBERED, ("done", "0/0", ("Job/x succeeded, started T",))),
        ([CONFIG, ROLE], [CONFIG], None, ("yes", "1/1", ("1 shared object is another's",))),
        ([CONFIG, ROLE], [], None, ("absent", "0/2", ())),
    ],
)
def test_component(
    rendered: list[Manifest], ours: list[Manifest], memory: Inventory | None, expected: tuple[Any, ...]
) -> None:
    assert found(rendered, *ours, memory=memory) == expected


def test_a_run_that_started_again_says_how_often_and_why() -> None:
    last = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    containers = [{"name": "tensorflow", "restartCount": 2, "lastState": last, "state": {"running": {}}}]
    pod = make("Pod", status={"phase": "Running", "containerStatuses": containers})
    pod["metadata"] = {"name": "x-worker-0", "namespace": "n", "labels": {"training.kubeflow.org/job-name": "x"}}
    _, _, notes = found([JOB], {**JOB, "status": RUNNING}, pods=[pod])
    assert notes == ("Job/x restarted at least 2 times, pod x-worker-0: tensorflow OOMKilled",)


def test_the_reason_and_the_parameter_behind_it() -> None:
    message = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."
    status = {"conditions": [{"type": "PodScheduled", "status": "False", "message": message}]}
    pod = make("Pod", status=status, metadata={"labels": {"app": "x"}})
    ready, _, notes = found([WEB], WEB, pods=[pod])
    assert ready == "waiting"
    assert notes == ("Deployment/x 0/1: 2 nodes have too few GPUs free (num_gpus = 9, at environments/gke.yaml:3)",)


def test_endpoints_from_outside_and_within() -> None:
    ports = {"ports": [{"port": 80}, {"port": 443}]}
    inner = make("Service", spec=ports)
    outer = make("Service", status={"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}, spec=ports)
    for service, addresses in ((inner, ("x.n:80", "x.n:443")), (outer, ("1.2.3.4:80", "1.2.3.4:443"))):
        one = Rendered("c", "", "service", {}, (service,))
        assert component_status(one, Seen(Inventory(), {key_of(service): service}, ())).endpoints == addresses
