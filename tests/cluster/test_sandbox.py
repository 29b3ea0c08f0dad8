"""The sandbox on real control planes: it comes up, heals, simulates what it says, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
import yaml

from mlstack import sandbox
from mlstack.sandbox import Sandbox, processes
from mlstack.sandbox.home import home

Kubectl = Callable[..., str]

ELECTING = ("kube-scheduler", "kube-controller-manager")
OPERATOR = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: operator}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NAMESPACE-operator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: operator, namespace: NAMESPACE}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: training-operator}
spec:
  selector: {matchLabels: {app: operator}}
  template:
    metadata: {labels: {app: operator}}
    spec:
      serviceAccountName: operator
      containers: [{name: operator, image: "kubeflow/training-operator:v1-1.9.4", args: [--enable-scheme=tfjob]}]
"""
TFJOB = """
apiVersion: kubeflow.org/v1
kind: TFJob
metadata: {name: train}
spec:
  tfReplicaSpecs:
    Worker:
      replicas: 1
      restartPolicy: Never
      template:
        metadata: {annotations: {sim/run-for: 1s}}
        spec:
          tolerations: [{key: nvidia.com/gpu, operator: Exists}]
          containers: [{name: tensorflow, image: tf, resources: {limits: {nvidia.com/gpu: 2}}}]
"""


def pod(name: str, **annotations: str) -> dict[str, Any]:
    """A pod with one container."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]},
    }


def apply(kubectl: Kubectl, context: str, namespace: str, *manifests: Any) -> None:
    """Apply manifests (data or text) into a namespace, which is made."""
    kubectl("create", "namespace", namespace, context=context, check=False)
    text = "\n---\n".join(m if isinstance(m, str) else json.dumps(m) for m in manifests)
    kubectl("apply", "--server-side", "-n", namespace, "-f", "-", context=context, stdin=text)


def eventually(ask: Callable[[], Any], wanted: Any, timeout_s: float = 30) -> None:
    """Ask until the answer is what is wanted; the assertion shows the last answer."""
    processes.wait_until(lambda: ask() == wanted, timeout_s, 0.2)
    assert ask() == wanted


def seen(kubectl: Kubectl, context: str, namespace: str, what: str, path: str) -> Callable[[], str]:
    """A question for one field of an object."""
    return lambda: kubectl("get", "-n", namespace, what, "-o", f"jsonpath={{{path}}}", context=context, check=False)


def test_what_is_there_from_the_start(minikube: Sandbox, gke: Sandbox, kubectl: Kubectl, kubeconfig: Path) -> None:
    assert (minikube.ready, gke.ready) == (True, True)
    mark = seen(kubectl, "gke", "kube-system", "configmap/mlstack-sandbox", ".data")()
    assert json.loads(mark) == {"name": "gke", "like": "gke"}
    assert sandbox.recognise(gke.server) == {"name": "gke", "like": "gke", "context": "gke"}
    (node,) = sandbox.simulated_nodes(minikube)
    assert (node["name"], node["ready"], node["simulated"], node["gpus"]) == ("minikube", True, True, "0")
    assert sorted(node["gpus"] for node in sandbox.simulated_nodes(gke)) == ["0", "0", "2", "2", "2", "8"]
    assert "standard (default)" in kubectl("get", "storageclass", context="minikube")
    assert yaml.safe_load(kubeconfig.read_text())["current-context"] == ""


def test_it_listens_on_loopback_only(gke: Sandbox) -> None:
    if not Path("/proc/net/tcp").exists():
        pytest.skip("there is no /proc/net/tcp on this system")
    ours = set().union(*(_sockets(pid) for pid in gke.pids.values()))
    assert ours
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in ours:
                assert fields[1].partition(":")[0] == "0100007F", f"a listener at {fields[1]}"


def _sockets(pid: int) -> set[str]:
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def test_up_again_changes_nothing(minikube: Sandbox, kubeconfig: Path) -> None:
    before = kubeconfig.read_bytes()
    assert sandbox.up("minikube").pids == minikube.pids
    assert kubeconfig.read_bytes() == before


@pytest.mark.parametrize(
    ("mode", "field", "wanted"),
    [
        ("ok", ".status.phase", "Running"),
        ("unready", ".status.conditions[?(@.type=='Ready')].status", "False"),
        ("imagepull", ".status.containerStatuses[0].state.waiting.reason", "ImagePullBackOff"),
        ("configerror", ".status.containerStatuses[0].state.waiting.reason", "CreateContainerConfigError"),
        ("pending", ".status.containerStatuses[0].state.waiting.reason", "ContainerCreating"),
        ("crashloop", ".status.containerStatuses[0].state.terminated.exitCode", "3"),  # it is not to start again
        ("fail", ".status.containerStatuses[0].state.terminated.exitCode", "3"),
        ("oom", ".status.containerStatuses[0].state.terminated.reason", "OOMKilled"),
    ],
)
def test_modes_of_pods(mode: str, field: str, wanted: str, gke: Sandbox, kubectl: Kubectl, shared_pods: str) -> None:
    eventually(seen(kubectl, "gke", shared_pods, f"pod/{mode}", field), wanted)


@pytest.fixture(scope="module")
def shared_pods(gke: Sandbox, kubectl: Kubectl) -> str:
    """A namespace with one pod for each mode."""
    modes = ["ok", "unready", "imagepull", "configerror", "pending", "crashloop", "fail", "oom"]
    pods = [pod(mode, **{"sim/mode": mode, "sim/exit-code": "3"}) for mode in modes]
    apply(kubectl, "gke", "test-modes", *pods)
    return "test-modes"


def test_a_pod_becomes_ready_live(gke: Sandbox, kubectl: Kubectl, namespace: str) -> None:
    apply(kubectl, "gke", namespace, pod("a", **{"sim/mode": "unready"}))
    ready = seen(kubectl, "gke", namespace, "pod/a", ".status.conditions[?(@.type=='Ready')].status")
    eventually(ready, "False")
    kubectl("annotate", "-n", namespace, "pod/a", "--overwrite", "sim/mode=ok", context="gke")
    eventually(ready, "True")


@pytest.mark.parametrize("context", ["minikube", "gke"])
def test_a_claim_is_bound_once_a_pod_needs_it(
    context: str, minikube: Sandbox, gke: Sandbox, kubectl: Kubectl, namespace: str
) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    user = pod("a")
    user["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    apply(kubectl, context, namespace, claim)
    if context == "gke":
        time.sleep(1)
        assert seen(kubectl, context, namespace, "pvc/data", ".status.phase")() == "Pending"
    apply(kubectl, context, namespace, user)
    eventually(seen(kubectl, context, namespace, "pvc/data", ".status.phase"), "Bound")
    eventually(seen(kubectl, context, namespace, "pod/a", ".status.phase"), "Running")
    volume = seen(kubectl, context, namespace, "pvc/data", ".spec.volumeName")()
    kubectl("delete", "-n", namespace, "pod/a", "pvc/data", context=context)
    eventually(lambda: "NotFound" in kubectl("get", "pv", volume, context=context, check=False), True)


def test_the_real_operator_runs_a_training_job(gke: Sandbox, kubectl: Kubectl, namespace: str, binaries: Path) -> None:
    apply(kubectl, "gke", namespace, OPERATOR.replace("NAMESPACE", namespace))
    crd = binaries / "crds" / "kubeflow.org_tfjobs.yaml"
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(crd), context="gke")
    deployment = f"{namespace}/training-operator"
    eventually(lambda: _operator(gke), ("running", deployment))
    apply(kubectl, "gke", namespace, TFJOB)
    node = seen(kubectl, "gke", namespace, "pod/train-worker-0", ".spec.nodeName")
    eventually(lambda: node().startswith("gke-sandbox-l4-pool"), True)
    succeeded = seen(kubectl, "gke", namespace, "tfjob/train", ".status.conditions[?(@.type=='Succeeded')].status")
    eventually(succeeded, "True")
    os.kill(sandbox.status("gke").pids["mlstack-training-operator"], signal.SIGKILL)
    eventually(lambda: (_operator(gke), sandbox.status("gke").operator.get("restarts")), (("running", deployment), 1))
    kubectl("delete", "-n", namespace, "deployment/training-operator", context="gke")
    eventually(lambda: _operator(gke), ("absent", None))
    assert "mlstack-training-operator" not in sandbox.status("gke").pids


def _operator(found: Sandbox) -> tuple[str, str | None]:
    told = sandbox.status(found.name).operator
    return told["state"], told.get("deployment")


def test_a_forward_reaches_a_page(gke: Sandbox, kubectl: Kubectl, namespace: str, binaries: Path) -> None:
    hub = pod("hub")
    hub["spec"]["containers"][0]["ports"] = [{"containerPort": 8000}]
    apply(kubectl, "gke", namespace, hub)
    eventually(seen(kubectl, "gke", namespace, "pod/hub", ".status.phase"), "Running")
    words = ["--context", "gke", "port-forward", "-n", namespace, "hub", ":8000", ":7777"]
    with subprocess.Popen([str(binaries / "kubectl"), *words], stdout=subprocess.PIPE, text=True) as forward:
        assert forward.stdout is not None
        ports = _forwarded(forward.stdout)
        with urllib.request.urlopen(f"http://127.0.0.1:{ports['8000']}/hub", timeout=10) as answer:
            assert f"{namespace}/hub" in answer.read().decode()
        with urllib.request.urlopen(f"http://127.0.0.1:{ports['7777']}/", timeout=10) as answer:
            assert "simulated pod" in answer.read().decode()
        forward.terminate()
    assert "simulated (mlstack sandbox gke)" in kubectl("logs", "-n", namespace, "hub", context="gke")


def _forwarded(said: IO[str]) -> dict[str, str]:
    """The local ports by the pod's, from what kubectl says: Forwarding from 127.0.0.1:40001 -> 8000."""
    found: dict[str, str] = {}
    while len(found) < 2:
        words = said.readline().split()
        assert words, "kubectl ended"
        if words[2].startswith("127.0.0.1:"):
            found[words[4]] = words[2].rpartition(":")[2]
    return found


@pytest.fixture
def victim(session_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache and a kubeconfig for a sandbox that is badly treated; the kubeconfig's path."""
    monkeypatch.setenv("MLSTACK_SANDBOX_DIR", str(tmp_path / "sandboxes"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    yield tmp_path / "config"
    processes.end_all(home("victim").folder)


def _dead(found: Sandbox) -> tuple[str, ...]:
    return sandbox.status(found.name).dead


def test_killed_and_healed_and_gone(victim: Path, kubectl: Kubectl, binaries: Path) -> None:
    started = _killed_in_the_middle(victim)
    found = sandbox.up("victim", nodes_file=started)
    assert found.ready
    for lost in (["etcd", "kube-scheduler", processes.SUPERVISOR], ["kwok-controller", "kube-apiserver"]):
        for program in lost:
            os.kill(sandbox.status("victim").pids[program], signal.SIGKILL)
        eventually(lambda: set(_dead(found)), set(lost), 5)
        assert sandbox.up("victim").ready
    _runs_a_pod(victim, binaries)
    everything = processes.owned(home("victim").folder)
    assert len(everything) == 6
    electing = [p.program for p in everything if p.program in ELECTING and "--leader-elect=false" not in p.command]
    assert electing == []
    sandbox.down("victim")
    assert not any(process.alive() for process in everything)
    assert not processes.owned(home("victim").folder)
    assert not home("victim").folder.exists()
    assert not victim.exists()


def _killed_in_the_middle(victim: Path) -> Path:
    """Kill `up` while kwokctl is at it; the nodes file it was given."""
    nodes = victim.with_name("nodes.yaml")
    nodes.write_text(
        "{apiVersion: v1, kind: Node, metadata: {name: own}, status: {allocatable: {cpu: 4, memory: 8Gi}}}"
    )
    code = f"import pathlib, mlstack.sandbox as s; s.up('victim', nodes_file=pathlib.Path({str(nodes)!r}))"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        running = home("victim").folder
        assert processes.wait_until(lambda: any(p.program == "etcd" for p in processes.owned(running)), 20)
        process.kill()
    (left,) = sandbox.listing()
    assert left.phase == "starting"
    return nodes


def _runs_a_pod(kubeconfig: Path, binaries: Path) -> None:
    def kubectl(*words: str) -> str:
        command = [str(binaries / "kubectl"), "--kubeconfig", str(kubeconfig), "--context", "sandbox-victim", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    kubectl("run", "after", "--image=x")
    eventually(lambda: kubectl("get", "pod", "after", "-o", "jsonpath={.status.phase} {.spec.nodeName}"), "Running own")
