"""The sessions of docs/gpu-reasons.md, typed on a real control plane: why a job with GPUs stays pending, said before by
`tune` and `apply`, and after by `status`. And those of docs/gpus.md.

MLSTACK_UPDATE_DOCS=1 writes what was printed into the pages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DOC = Path(__file__).parents[3] / "docs/gpu-reasons.md"
BLOCK = re.compile(r"^## ([^\n]+)\n.*?```console\n(.*?)```", re.DOTALL | re.MULTILINE)
PASSING = (
    (re.compile(r"https://127\.0\.0\.1:\d+"), "https://127.0.0.1:6443"),
    (re.compile(r"cluster [0-9a-f]{8}\b"), "cluster 2b91c22b"),
    (re.compile(r"\bml-\d+\b"), "ml"),  # a namespace for each block
    (re.compile(r" +\d+\.\d s$", re.MULTILINE), "  0.1 s"),
)
QUICK = ("Too few GPUs are free", "A quota", "Cordoned nodes")
L4 = "cloud.google.com/gke-accelerator=nvidia-l4"
HELD = 60.0


@dataclass
class Shell:
    """A shell in an app's folder, with an environment `gke` in a namespace of its own for each session."""

    folder: Path
    env: dict[str, str]
    number: int = 0

    @property
    def namespace(self) -> str:
        return f"ml-{self.number}"

    @property
    def app(self) -> Path:
        return self.folder / f"app-{self.number}"

    def new(self) -> None:
        """A copy of the first app, which is as if it had been made for this namespace."""
        self.number += 1
        shutil.copytree(self.folder / "shop", self.app)
        file = self.app / "environments/gke.yaml"
        file.write_text(file.read_text().replace("namespace: ml", f"namespace: {self.namespace}"))
        self.do(f"kubectl create namespace {self.namespace}", self.folder)

    def gone(self) -> None:
        """Ends the session's pods, which hold GPUs."""
        self.do(f"kubectl delete jobs,pods --all --grace-period=0 --force -n {self.namespace} 2>&1", self.folder)
        self.do(f"kubectl delete namespace {self.namespace} --wait=false", self.folder)

    def do(self, line: str, where: Path | None = None) -> str:
        """Runs a line that has to work."""
        return self.type(line, where, check=True)

    def type(self, line: str, where: Path | None = None, *, check: bool = False) -> str:
        """Runs a line as a shell would; what it printed, however it ended."""
        words = ["bash", "-c", line]
        done = subprocess.run(
            words,
            cwd=where or self.app,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0 or not check, f"$ {line}\n{done.stdout}"
        return done.stdout

    def create(self, manifest: dict[str, Any], namespace: str = "") -> None:
        place = f" -n {namespace}" if namespace else ""
        subprocess.run(
            ["bash", "-c", f"kubectl apply{place} -f -"],
            input=json.dumps(manifest),
            env=self.env,
            text=True,
            timeout=60,
            check=True,
            stdout=subprocess.DEVNULL,
        )


@pytest.fixture(scope="module")
def shell(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A sandbox of its own, whose context is the current one, and an app with one training job."""
    folder = tmp_path_factory.mktemp("reasons")
    own = {
        "HOME": str(folder),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "MLSTACK_SANDBOX_DIR": str(folder / "sandboxes"),
        "MLSTACK_SANDBOX_BINARIES": str(binaries),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(binaries), os.environ["PATH"]]),
    }
    typed = Shell(folder, {**os.environ, **own})
    try:
        typed.do("mlstack sandbox up gke --like gke --context gke && kubectl config use-context gke", folder)
        typed.do("kubectl create namespace vision", folder)
        typed.do("mlstack init shop", folder)
        app = folder / "shop"
        typed.do("mlstack env add gke --namespace ml && mlstack env set gke --autoscaling none", app)
        forever = """--annotations='{"sim/mode": "forever"}'"""  # else places get free as pods end
        typed.do(f"mlstack generate tf-cnn cnn --runner=native --num_gpus=2 --accelerator_type=l4 {forever}", app)
        yield typed
    finally:
        typed.type("mlstack sandbox down --all", folder)


# -- what makes each situation


def nothing(shell: Shell) -> None:
    pass


def somebody(node: str, gpus: int) -> dict[str, Any]:
    """A pod of job training-b that holds GPUs of a node."""
    limits = {"nvidia.com/gpu": str(gpus)}
    spec = {
        "nodeName": node,
        "containers": [{"name": "main", "image": "example/train", "resources": {"limits": limits}}],
        "tolerations": [{"operator": "Exists"}],
    }
    labels = {"training.kubeflow.org/job-name": "training-b"}
    metadata = {"name": f"training-b-{node}", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def busy(shell: Shell) -> None:
    for node in (0, 1):
        shell.create(somebody(f"gke-sandbox-l4-pool-{node}", 1), "vision")


def not_ready(shell: Shell) -> None:
    shell.do(f"kubectl annotate nodes -l {L4} sim/not-ready=KubeletDown")
    until(shell, f"kubectl get nodes -l {L4} -o json", lambda node: any("not-ready" in key for key in taints(node)))


def ready(shell: Shell) -> None:
    shell.do(f"kubectl annotate nodes -l {L4} sim/not-ready-")
    until(shell, f"kubectl get nodes -l {L4} -o json", lambda node: not any("not-ready" in key for key in taints(node)))


def taints(node: dict[str, Any]) -> list[str]:
    return [one["key"] for one in node["spec"].get("taints") or []]


def no_plugin(shell: Shell) -> None:
    patch = json.dumps([{"op": "remove", "path": f"/status/{part}/nvidia.com~1gpu"} for part in PARTS])
    for node in (0, 1, 2):
        shell.do(f"kubectl patch node gke-sandbox-l4-pool-{node} --subresource=status --type=json -p '{patch}'")


PARTS = ("allocatable", "capacity")


def with_plugin(shell: Shell) -> None:
    path = "/status/{}/nvidia.com~1gpu"
    patch = json.dumps([{"op": "add", "path": path.format(part), "value": "2"} for part in PARTS])
    for node in (0, 1, 2):
        shell.do(f"kubectl patch node gke-sandbox-l4-pool-{node} --subresource=status --type=json -p '{patch}'")


LIMITS = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "one-gpu"},
    "spec": {"limits": [{"type": "Container", "max": {"nvidia.com/gpu": "1"}}]},
}


def limited(shell: Shell) -> None:
    shell.create(LIMITS, shell.namespace)


def claim(**spec: Any) -> dict[str, Any]:
    common = {"accessModes": ["ReadOnlyMany"], "resources": {"requests": {"storage": "10Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": common | spec}


def in_zone(shell: Shell) -> None:
    """A volume in zone a, where the one L4 node is taken."""
    zone = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["us-central1-a"]}
    spec = {
        "accessModes": ["ReadOnlyMany"],
        "capacity": {"storage": "10Gi"},
        "storageClassName": "",
        "persistentVolumeReclaimPolicy": "Retain",
        "hostPath": {"path": "/data"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}},
    }
    shell.create({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "data"}, "spec": spec})
    shell.create(claim(storageClassName="", volumeName="data"), shell.namespace)
    shell.create(somebody("gke-sandbox-l4-pool-0", 2), "vision")
    bound = f"kubectl get pvc -n {shell.namespace} -o json"
    until(shell, bound, lambda one: (one.get("status") or {}).get("phase") == "Bound")


def no_volume(shell: Shell) -> None:
    shell.create(claim(storageClassName=""), shell.namespace)


APART = """\
patches:
  - kind: Job
    metadata: {name: cnn-worker}
    spec:
      template:
        spec:
          affinity:
            podAntiAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
                - topologyKey: kubernetes.io/hostname
                  labelSelector: {matchLabels: {app.kubernetes.io/instance: cnn}}
"""


def apart(shell: Shell) -> None:
    file = shell.app / "components/cnn.yaml"
    file.write_text(file.read_text() + APART)


Prepare = Callable[[Shell], None]
# By the page's headings: what has to be there, and how it is taken away again.
CASES: dict[str, tuple[Prepare, str | Prepare]] = {
    "Too few GPUs are free": (busy, ""),
    "More GPUs in a worker than a node has": (nothing, ""),
    "No node of that accelerator type": (nothing, ""),
    "A taint": (nothing, f"kubectl taint nodes -l {L4} team-"),
    "Cordoned nodes": (nothing, f"kubectl uncordon -l {L4}"),
    "Nodes that are not ready": (not_ready, ready),
    "Too little memory beside the GPUs": (nothing, ""),
    "A quota": (nothing, ""),
    "A limit range": (limited, ""),
    "No device plugin": (no_plugin, with_plugin),
    "A volume in another zone": (in_zone, "kubectl delete pv data --wait=false"),
    "A node selector": (nothing, ""),
    "An anti-affinity rule": (apart, ""),
    "A claim without a volume": (no_volume, ""),
}
TEXT = DOC.read_text("utf-8")
BLOCKS = dict(BLOCK.findall(TEXT))
TUNE_DOC = DOC.with_name("gpus.md")
TUNED = re.findall(r"```console\n(.*?)```", TUNE_DOC.read_text("utf-8"), re.DOTALL)


def until(shell: Shell, line: str, done: Callable[[dict[str, Any]], bool]) -> None:
    """Waits until all of the objects that a line prints are as they should be."""
    end = time.monotonic() + HELD
    while time.monotonic() < end:
        items = json.loads(shell.do(line))["items"]
        if items and all(map(done, items)):
            return
        time.sleep(0.1)
    raise AssertionError(f"{line}: not after {HELD:.0f} s")


def looked_at(shell: Shell) -> None:
    """Polls until nothing of what was sent changes any more: the API server has refused it, or the scheduler has tried
    every pod, each pod that it placed runs, and the Job counts it."""
    end = time.monotonic() + HELD
    jobs = f"kubectl get jobs -n {shell.namespace} -o json"
    while (found := json.loads(shell.do(jobs))["items"]) and time.monotonic() < end:
        pods = json.loads(shell.do(f"kubectl get pods -n {shell.namespace} -o json"))["items"]
        events = shell.do(f"kubectl get events -n {shell.namespace} --field-selector reason=FailedCreate -o name")
        running = sum(is_ready(pod) for pod in pods)
        counted = sum((job.get("status") or {}).get("ready", 0) for job in found)
        if events or (pods and all(map(tried, pods)) and running == counted == sum(map(placed, pods))):
            return
        time.sleep(0.1)
    assert not found, "its pods are not settled"


def placed(pod: dict[str, Any]) -> bool:
    return bool(pod["spec"].get("nodeName"))


def is_ready(pod: dict[str, Any]) -> bool:
    return condition(pod, "Ready") == "True"


def tried(pod: dict[str, Any]) -> bool:
    return condition(pod, "PodScheduled") != ""


def condition(pod: dict[str, Any], name: str) -> str:
    found = (pod.get("status") or {}).get("conditions") or []
    return next((str(one["status"]) for one in found if one["type"] == name), "")


def settled(text: str) -> str:
    for pattern, instead in PASSING:
        text = pattern.sub(instead, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


def typed(shell: Shell, block: str) -> str:
    """A block's commands with what they print now."""
    printed = ""
    for line in (line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")):
        if line.startswith("mlstack status"):
            looked_at(shell)
        text = settled(shell.type(line.replace(" -n ml", f" -n {shell.namespace}")))
        printed += f"$ {line}\n" + f"{text}\n".lstrip("\n")
    return printed


@pytest.mark.parametrize(
    "case", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_a_reason(shell: Shell, case: str) -> None:
    prepare, undo = CASES[case]
    shell.new()
    try:
        prepare(shell)
        printed = typed(shell, BLOCKS[case])
    finally:
        undo(shell) if callable(undo) else shell.do(undo or "true")
        shell.gone()
        shell.do("kubectl delete pods --all -n vision --grace-period=0 --force 2>&1")
    if os.environ.get("MLSTACK_UPDATE_DOCS"):
        before, heading, after = DOC.read_text("utf-8").partition(f"## {case}\n")
        after = after.replace(f"```console\n{BLOCKS[case]}```", f"```console\n{printed}```", 1)
        DOC.write_text(before + heading + after, "utf-8")
        return
    assert printed == BLOCKS[case]


@pytest.mark.parametrize("at", range(len(TUNED)), ids=["tune", "a picture"])
def test_the_page_of_tune(shell: Shell, at: int) -> None:
    """docs/gpus.md: any GPU on an empty cluster; two L4 where one of them is held."""
    shell.new()
    try:
        if at == 0:
            shell.do("mlstack param set cnn num_gpus 1 && mlstack param unset cnn accelerator_type")
        else:
            shell.create(somebody("gke-sandbox-l4-pool-0", 1), "vision")
        printed = typed(shell, TUNED[at])
    finally:
        shell.gone()
        shell.do("kubectl delete pods --all -n vision --grace-period=0 --force 2>&1")
    if os.environ.get("MLSTACK_UPDATE_DOCS"):
        TUNE_DOC.write_text(TUNE_DOC.read_text("utf-8").replace(TUNED[at], printed, 1), "utf-8")
        return
    assert printed == TUNED[at]


def test_every_reason_is_there() -> None:
    assert list(BLOCKS) == list(CASES)
    assert "Traceback" not in TEXT
