"""The 2017 announcement's commands, slips included, typed literally on two real control planes."""

from __future__ import annotations

import os
import re
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.shell import Shell, environment

# `ks` was the command's name then. The comments are the announcement's own remarks.
WALKTHROUGH = r"""
mlstack init my-kubeflow && cd my-kubeflow
mlstack registry add kubeflow github.com/google/kubeflow/tree/master/kubeflow
mlstack pkg install kubeflow/core          # also kubeflow/tf-serving, kubeflow/tf-job
mlstack generate core kubeflow-core --name=kubeflow-core
kubectl config use-context minikube; mlstack env add minikube
kubectl config use-context gke;      mlstack env add gke
mlstack apply minikube -c kubeflow-core
mlstack apply gke -c kubeflow-core
kubectl port-forward tf-hub-0 8100:8000    # and: mlstack notebook gke
mlstack generate tf-cnn cnn --name=cnn
mlstack apply minikube -c cnn              # default: 1 worker, no GPU
mlstack prototype list tf-job              # shows tf-job's parameters
mlstack param set --env=gke cnn 'num\_gpus' 1
mlstack param set --env=gke cnn num\_workers 1
mlstack apply gke -c cnn                   # minikube's parameters are unchanged
mlstack generate tf-serving inception --name=inception ---namespace=default --model_path=gs://kubeflow-models/inception
mlstack apply gke -c inception
"""
LINES = WALKTHROUGH.strip().splitlines()
README = Path(__file__).parents[2] / "README.md"
# Waiting lines come and go with the machine's speed; these and the like are compared by their form alone.
WAITING = re.compile(r"^    \S+ +\d*/?\d* .*\n", re.MULTILINE)
UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# What the page shows of the clusters, in the order in which they are named: two of them are never one.
CLUSTERS = ("2b91c22b-6f0e-4c59-9d51-0e6a3c1f7d42", "7c4e0d15-93aa-4b1f-8f0e-51d2a9b6c3e8")
PASSING = (
    (re.compile(r"https://127\.0\.0\.1:\d+"), "https://127.0.0.1:6443"),
    (re.compile(r"\b\d+(\.\d)? s\b"), "0.1 s"),
)
# What the README shows beside the announcement's lines, in its order; the last ones after all others.
MORE = ("mlstack param diff minikube gke",)
AFTER = ("mlstack wait gke -c cnn --for finished", "mlstack status gke", "mlstack apply gke")
KINDS = "configmaps,secrets,services,serviceaccounts,deployments,statefulsets,roles,rolebindings,networkpolicies,tfjobs"
CLUSTER_KINDS = "customresourcedefinitions,clusterroles,clusterrolebindings"


@dataclass
class Walk(Shell):
    """What was typed and printed, and how the other cluster stood before and after each apply."""

    printed: dict[str, str] = field(default_factory=dict)
    untouched: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    page: str = ""

    @property
    def app(self) -> Path:
        return self.folder / "my-kubeflow"

    @property
    def here(self) -> Path:
        """The app's folder once it is there."""
        return self.app if self.app.exists() else self.folder

    def kubectl(self, *words: str) -> str:
        return self.do(" ".join(["kubectl", *words]))

    def objects(self, context: str, kinds: str = KINDS, namespace: str = "default") -> dict[str, Any]:
        """Every object of these kinds by KIND/NAME."""
        text = self.kubectl("--context", context, "-n", namespace, "get", kinds, "-o", "json")
        return {f"{item['kind']}/{item['metadata']['name']}": item for item in yaml.safe_load(text)["items"]}

    def versions(self, context: str) -> dict[str, str]:
        """The resourceVersion of everything that an apply could touch."""
        found = {**self.objects(context, KINDS.removesuffix(",tfjobs")), **self.objects(context, CLUSTER_KINDS)}
        return {name: item["metadata"]["resourceVersion"] for name, item in found.items()}


@pytest.fixture(scope="module")
def walk(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """The walkthrough, done once, on two sandboxes of its own: it works in the namespace default, as people do."""
    folder = tmp_path_factory.mktemp("walkthrough")
    walked = Walk(folder, environment(folder, binaries))
    try:
        for name in ("minikube", "gke"):
            walked.do(f"mlstack sandbox up {name} --like {name} --context {name}")
        for line in LINES:
            if line.startswith("mlstack apply gke -c cnn"):
                walked.printed.update((more, walked.do(more)) for more in MORE)
            _step(walked, line)
        walked.printed.update((line, walked.do(line)) for line in AFTER)
        yield walked
    finally:
        walked.do("mlstack sandbox down --all")


def _step(walk: Walk, line: str) -> None:
    if "port-forward" in line:
        walk.page = _forwarded(walk, line)
        return
    words = line.split()
    other = {"minikube": "gke", "gke": "minikube"}.get(words[2], "") if words[1] == "apply" else ""
    before = walk.versions(other) if other else {}
    walk.printed[line] = walk.do(line)
    if other:
        walk.untouched[line] = (before, walk.versions(other))


def _forwarded(walk: Walk, line: str) -> str:
    """What the hub's port answers through kubectl's own forward, which knows no namespace but the context's."""
    forward = subprocess.Popen(["bash", "-c", f"exec {line}"], cwd=walk.app, env=walk.env, stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                with urllib.request.urlopen("http://127.0.0.1:8100", timeout=5) as answer:
                    return str(answer.read().decode())
            except OSError:
                assert forward.poll() is None, "kubectl port-forward ended"
                time.sleep(0.1)
        raise AssertionError("nothing answered on port 8100")
    finally:
        forward.kill()
        forward.wait()


def test_the_hub_answers_through_kubectls_forward(walk: Walk) -> None:
    assert "port 8000" in walk.page


def test_each_apply_leaves_the_other_cluster_alone(walk: Walk) -> None:
    applies = [line for line in LINES if "apply" in line]
    assert list(walk.untouched) == applies
    for line, (before, after) in walk.untouched.items():
        assert before == after, line


@pytest.mark.parametrize("environment", ["minikube", "gke"])
def test_the_core_is_there_as_in_2017(walk: Walk, environment: str) -> None:
    found = walk.objects(environment)
    expected = {
        "StatefulSet/tf-hub",
        "Service/tf-hub-0",
        "Service/tf-hub-lb",
        "Deployment/training-operator",
        "ServiceAccount/jupyter-hub",
        "Secret/jupyterhub-secret",
        "ConfigMap/jupyterhub-config",
    }
    assert expected <= set(found)
    crds = walk.objects(environment, "customresourcedefinitions")
    assert {f"CustomResourceDefinition/{kind}jobs.kubeflow.org" for kind in ("tf", "pytorch", "paddle")} <= set(crds)
    assert found["StatefulSet/tf-hub"]["status"]["readyReplicas"] == 1
    assert walk.kubectl("--context", environment, "get", "pod", "tf-hub-0", "-o", "name").strip() == "pod/tf-hub-0"


@pytest.mark.parametrize("environment", ["minikube", "gke"])
def test_every_rendered_object_is_in_the_cluster_and_no_other(walk: Walk, environment: str) -> None:
    chosen = "" if environment == "gke" else " -c kubeflow-core -c cnn"
    rendered = list(yaml.safe_load_all(walk.do(f"mlstack show {environment}{chosen} 2>/dev/null")))
    wanted = {(one["kind"], one["metadata"]["name"]) for one in rendered}
    kinds = ",".join(sorted({kind.lower() for kind, _ in wanted} | {"secret"}))
    text = walk.kubectl(
        "--context", environment, "get", kinds, "-l", "app.kubernetes.io/part-of=my-kubeflow", "-o json"
    )
    there = {(one["kind"], one["metadata"]["name"]) for one in yaml.safe_load(text)["items"]}
    generated = {("Secret", "jupyterhub-secret")}
    assert there == wanted | generated


def worker(walk: Walk, environment: str) -> dict[str, Any]:
    """The worker's part of the TFJob as the cluster has it."""
    found: dict[str, Any] = walk.objects(environment, "tfjobs")["TFJob/cnn"]["spec"]["tfReplicaSpecs"]
    assert set(found) == {"Worker"}
    part: dict[str, Any] = found["Worker"]
    return part


def test_minikube_has_one_worker_and_no_gpu(walk: Walk) -> None:
    part = worker(walk, "minikube")
    container = part["template"]["spec"]["containers"][0]
    assert part["replicas"] == 1
    assert "nvidia.com/gpu" not in str(container["resources"])
    assert {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"} in container["env"]


def test_gke_has_what_was_set(walk: Walk) -> None:
    part = worker(walk, "gke")
    container = part["template"]["spec"]["containers"][0]
    assert part["replicas"] == 1
    assert container["resources"]["limits"]["nvidia.com/gpu"] in ("1", 1)
    pod = walk.objects("gke", "pods")["Pod/cnn-worker-0"]
    node = walk.objects("gke", "nodes")[f"Node/{pod['spec']['nodeName']}"]
    assert int(node["status"]["allocatable"]["nvidia.com/gpu"]) >= 1


def test_the_parameters_of_minikube_are_unchanged(walk: Walk) -> None:
    assert "num_gpus" not in (walk.app / "environments/minikube.yaml").read_text("utf-8")
    differing = yaml.safe_load(walk.do("mlstack param diff minikube gke -o json"))
    assert [(row["component"], row["name"], row["left"], row["right"]) for row in differing] == [
        ("cnn", "num_gpus", 0, 1)
    ]


def test_the_model_server_is_on_gke_alone(walk: Walk) -> None:
    assert "Deployment/inception" in walk.objects("gke")
    assert "Deployment/inception" not in walk.objects("minikube")
    assert "--namespace" not in str(walk.objects("gke")["Deployment/inception"]["spec"])


def test_prototype_list_of_a_prototype_shows_its_parameters(walk: Walk) -> None:
    printed = next(text for line, text in walk.printed.items() if "prototype list" in line)
    for name in ("num_masters", "num_ps", "num_workers", "num_gpus", "image", "image_gpu", "args"):
        assert f"\n{name} " in printed


def test_the_old_registry_is_the_built_in_one(walk: Walk) -> None:
    assert "built-in" in next(text for line, text in walk.printed.items() if "registry add" in line)


def test_applied_again_nothing_is_written(walk: Walk) -> None:
    before = walk.versions("gke")
    assert "nothing to do" in walk.do("mlstack apply gke")
    assert walk.versions("gke") == before


def test_a_finished_job_that_was_removed_does_not_train_again(walk: Walk) -> None:
    walk.do("mlstack wait gke -c cnn --for finished --timeout 60s")
    walk.kubectl("--context", "gke", "delete", "tfjob", "cnn", "--wait")
    assert "nothing to do" in walk.do("mlstack apply gke")
    assert "TFJob/cnn" not in walk.objects("gke")


def test_what_show_prints_is_what_kubectl_finds_applied(walk: Walk) -> None:
    """`show | kubectl` agrees: a server-side dry-run passes, and kubectl's diff of what is there is empty."""
    walk.do("mlstack show gke -c kubeflow-core -c inception > shown.yaml")
    apply = "kubectl --context gke apply --dry-run=server --server-side -f shown.yaml"
    assert "serverside-applied (server dry run)" in walk.do(apply)
    assert walk.do("kubectl --context gke diff --server-side -f shown.yaml") == ""


def test_a_component_that_is_gone_is_pruned(walk: Walk) -> None:
    walk.do("mlstack component rm inception")
    printed = walk.do("mlstack apply gke")
    assert "prune 3" in printed
    assert "Deployment/inception" not in walk.objects("gke")
    assert "StatefulSet/tf-hub" in walk.objects("gke")


TUNED = ("mlstack tune gke cnn", "mlstack tune gke cnn --write", "mlstack apply gke -c cnn")


def test_the_end_takes_what_the_cluster_has(walk: Walk) -> None:
    """Pods stand on the nodes that tune named; minikube's file and cluster are as they were."""
    file = walk.app / "environments/minikube.yaml"
    before = (file.read_bytes(), walk.versions("minikube"))
    (said,) = yaml.safe_load(walk.do("mlstack tune gke cnn -o json"))["components"]
    walk.printed.update((line, walk.do(line)) for line in TUNED[:2])
    walk.do("""mlstack param set --env=gke cnn annotations '{"sim/mode": "forever"}'""")  # else its pods soon end
    walk.printed[TUNED[2]] = walk.do(TUNED[2])
    assert (file.read_bytes(), walk.versions("minikube")) == before

    size = said["best"]
    assert (size["workers"], size["each"]) == (7, 2)
    assert f"cnn.num_workers = {size['workers']}" in walk.printed[TUNED[1]]
    found = walk.objects("gke", "pods -l training.kubeflow.org/job-name=cnn").values()
    on = Counter(str(pod["spec"].get("nodeName")) for pod in found)
    assert sum(on.values()) == size["workers"]
    assert on == {row["name"]: row["free"] // size["each"] for row in said["nodes"]}
    (again,) = yaml.safe_load(walk.do("mlstack tune gke cnn -o json"))["components"]
    assert (again["asked"], again["prospect"]) == (size, "fits")


def clusters_of(printed: Iterable[str]) -> dict[str, str]:
    """The clusters that are named, each with what the page shows of it."""
    found = dict.fromkeys(UID.findall("\n".join(printed)))
    assert len(found) == len(CLUSTERS), found
    return dict(zip(found, CLUSTERS, strict=True))


def settled(text: str, clusters: Mapping[str, str]) -> str:
    """Text without what differs from one machine and minute to the next."""
    text = WAITING.sub("", text)
    for uid, shown in clusters.items():
        text = text.replace(uid, shown).replace(f"cluster {uid[:8]}", f"cluster {shown[:8]}")
    for pattern, instead in PASSING:
        text = pattern.sub(instead, text)
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip()


def shown_in_readme(text: str) -> dict[str, str]:
    """The commands of the README's console blocks, and what stands below each."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    steps = [step for block in blocks for step in block.split("$ ") if step]
    return {command: output.rstrip() for command, _, output in (step.partition("\n") for step in steps)}


def without_slip(line: str) -> str:
    """A line of the announcement as meant: its page had num\\_gpus."""
    return line.replace("'num\\_gpus'", "num_gpus").replace("\\_", "_")


def test_the_readme_shows_what_is_printed(walk: Walk) -> None:
    """MLSTACK_UPDATE_README=1 writes what was printed into it; a line `…` there stands for any lines."""
    text = README.read_text("utf-8")
    shown = shown_in_readme(text)
    clusters = clusters_of(walk.printed.values())
    plain = {without_slip(line): settled(printed, clusters) for line, printed in walk.printed.items()}
    assert {without_slip(line) for line in LINES} <= set(shown)
    if os.environ.get("MLSTACK_UPDATE_README"):
        for command, before in shown.items():
            if command in plain:
                old = f"$ {command}\n{before}\n" if before else f"$ {command}\n"
                text = text.replace(old, f"$ {command}\n{_short(plain[command])}\n")
        README.write_text(text, "utf-8")
        shown = shown_in_readme(text)
    for command, expected in shown.items():
        if command in plain:
            pattern = re.escape(expected).replace("…", ".*")
            assert re.fullmatch(pattern, plain[command], re.DOTALL), f"{command}\n{plain[command]}"


def _short(text: str) -> str:
    lines = text.splitlines()
    return (
        text
        if len(lines) <= 20
        else "\n".join([*lines[:1], "…", *(line for line in lines if line.startswith("num_")), "…"])
    )


def test_the_kubeconfig_keeps_the_current_context(walk: Walk) -> None:
    assert walk.kubectl("config", "current-context").strip() == "gke"
