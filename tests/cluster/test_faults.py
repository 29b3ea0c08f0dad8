"""What goes wrong for users, by real commands: one sentence, the exit code, no traceback, and nothing written."""

from __future__ import annotations

import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from mlstack.cluster import objects
from mlstack.cluster.connect import connect
from mlstack.cluster.kinds import well_known
from tests.cluster.engine.manifests import definition, thing, together

if TYPE_CHECKING:
    import subprocess

    from mlstack.sandbox import Sandbox

    from .conftest import App, Kubectl

WEB = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.27"}]}
"""
MODEL = "components/model.yaml"
GKE = "environments/gke.yaml"
PLAIN = "components/web/objects.yaml"


@dataclass(frozen=True)
class Fault:
    """A command that cannot do what it says. `change` edits files before it: (path, text of it, text instead)."""

    command: str
    told: str
    hint: str = ""
    code: int = 1
    change: tuple[str, str, str] | None = None
    context: Mapping[str, str] = field(default_factory=dict)


KINDS = [("v1", kind) for kind in ("ConfigMap", "Secret", "Service", "ServiceAccount", "PersistentVolumeClaim")]
KINDS += [("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("batch/v1", "Job")]


def everything(kubeconfig: Path, context: str) -> dict[str, str]:
    """The resourceVersion of all that an apply of these apps could touch, in any namespace that it could mean."""
    found: dict[str, str] = {}
    with connect(context, str(kubeconfig)) as client:
        for kind in KINDS:
            for item in objects.list_objects(client, well_known(*kind), metadata_only=True).items:
                one = item["metadata"]
                # Others go on writing into the cluster's own namespaces, and into those of tests that have ended.
                if one["namespace"] in ("faults-app", "default"):
                    found[f"{one['namespace']} {kind[1]}/{one['name']} {one['uid']}"] = one["resourceVersion"]
    return found


def context_of(kubeconfig: Path, target: Path, **changes: Any) -> Path:
    """A copy of the kubeconfig whose context `gke` is another: `cluster` or `user` as in context NAME, `server`, …"""
    data = yaml.safe_load(kubeconfig.read_text())
    contexts = {one["name"]: one["context"] for one in data["contexts"]}
    if other := changes.pop("like", None):
        contexts["gke"].update(contexts[other])
    if server := changes.pop("server", None):
        cluster = next(one for one in data["clusters"] if one["name"] == contexts["gke"]["cluster"])
        cluster["cluster"]["server"] = server
    if token := changes.pop("token", None):
        data["users"].append({"name": "limited", "user": {"token": token}})
        contexts["gke"]["user"] = "limited"
    if changes.pop("without", False):
        data["contexts"] = [one for one in data["contexts"] if one["name"] != "gke"]
    target.write_text(yaml.safe_dump(data))
    return target


def settled(kubeconfig: Path) -> None:
    """Waits until the controllers have nothing to write to these objects any more: every Deployment's rollout is told
    to be complete, which its controller writes last."""
    deployments = well_known("apps/v1", "Deployment")
    with connect("gke", str(kubeconfig)) as client:
        while not all(map(rolled_out, objects.list_objects(client, deployments, "faults-app").items)):
            time.sleep(0.2)


def rolled_out(deployment: dict[str, Any]) -> bool:
    status = deployment.get("status") or {}
    reasons = {one["type"]: one.get("reason") for one in status.get("conditions") or []}
    return (
        reasons.get("Progressing") == "NewReplicaSetAvailable"
        and status.get("observedGeneration") == deployment["metadata"]["generation"]
        and status.get("readyReplicas") == deployment["spec"]["replicas"]
    )


@pytest.fixture(scope="module")
def app(
    gke: Sandbox, minikube: Sandbox, new_app: Callable[[str], App], kubectl: Kubectl, kubeconfig: Path
) -> Iterator[App]:
    """A component from a prototype and one of plain manifests, applied to gke; minikube is another cluster."""
    made = new_app("faults")
    made.do("generate", "tf-serving", "model", "--model_path=gs://a/b")
    made.write({PLAIN: WEB})
    for name in ("gke", "minikube"):
        made.do("env", "add", name, "--namespace", "faults-app")
    made.do("apply", "gke")
    settled(kubeconfig)
    yield made
    kubectl("delete", "namespace", "faults-app", "--wait=false", context="gke")


@pytest.fixture
def faulty(app: App, tmp_path: Path) -> App:
    """A copy of the app, for the test to break; it owns the same objects in the cluster."""
    shutil.copytree(app.root, tmp_path / "app")
    return type(app)(tmp_path / "app")


def broken(app: App, fault: Fault) -> None:
    if fault.change:
        path, old, new = fault.change
        text = (app.root / path).read_text() if (app.root / path).exists() else ""
        assert old in text
        app.write({path: text.replace(old, new) if old else text + new})


def refused(app: App, fault: Fault, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs the command: it says what is wrong in one sentence, with that exit code, and leaves all files alone."""
    before = app.files()
    done = app.run(*fault.command.split(), **environ)
    assert (done.returncode, app.files() == before) == (fault.code, True), done.stdout + done.stderr
    assert done.stderr.startswith(f"Error: {fault.told}"), done.stderr
    assert fault.hint in done.stderr
    return done


NAMES = [
    Fault("generate tf-cn cnn", "There is no prototype tf-cn.", "Did you mean tf-cnn?"),
    Fault("generate tf-serving other", "tf-serving needs model_path (", "--model_path=VALUE"),
    Fault("generate tf-cnn cnn --num_gpu=1", "tf-cnn has no parameter num_gpu.", "Did you mean num_gpus?"),
    Fault("generate tf-cnn cnn --num_gpus=one", "num_gpus must be an integer >= 0 (GPUs per worker), got one"),
    Fault("pkg install kubeflow/cor", "Registry kubeflow has no package cor.", "Did you mean core?"),
    Fault("apply gk", "This app has no environment gk.", "Did you mean gke?"),
    Fault("status gk", "This app has no environment gk.", "Did you mean gke?"),
    Fault("apply gke -c modle", "This app has no component modle.", "Did you mean model?"),
    Fault("delete gke -c modle", "Neither this app nor environment gke has a component modle.", "Did you mean model?"),
    Fault("component rm modle", "This app has no component modle.", "Did you mean model?"),
    Fault("apply gke --set model.replica=2", "tf-serving has no parameter replica.", "Did you mean replicas?"),
    Fault("apply gke --set model.replicas=two", "replicas must be an integer >= 0 (pods), got two"),
    Fault("param set modle replicas 2", "This app has no component modle.", "Did you mean model?"),
    Fault("param set model replica 2", "tf-serving has no parameter replica.", "Did you mean replicas?"),
    Fault("param set model replicas two", "replicas must be an integer >= 0 (pods), got two"),
    Fault("param set --env=gk model replicas 2", "This app has no environment gk.", "Did you mean gke?"),
    Fault("param set --env=gke model replicas -1", "replicas must be an integer >= 0 (pods), got -1"),
    Fault("env add other --context none", "There is no context none in the kubeconfig.", "There are: "),
    Fault("env add gke", "The environment gke is there already", "mlstack env set gke"),
    Fault("aply gke", "There is no command aply.", code=2),
]
FILES = [
    Fault("apply gke", f"{MODEL}:", "not valid YAML", change=(MODEL, "", "a: [\n")),
    Fault("apply gke", f"{MODEL}:8: replicas must be", "an integer >= 0", change=(MODEL, "", "  replicas: two\n")),
    Fault("apply gke", f"{MODEL}:8: model: tf-serving has no parameter re", change=(MODEL, "", "  replica: 2\n")),
    Fault("apply gke", "model needs model_path (", "param set model mo", change=(MODEL, "  model_path: gs://a/b", "")),
    Fault("apply gke", f"{MODEL}:4: kubeflow/tf-serving has no prototy", change=(MODEL, "/tf-serving\nv", "/tf\nv")),
    Fault("apply gke", f"{MODEL}:2: mlstack.dev/v9 is newer than this", change=(MODEL, "dev/v1", "dev/v9")),
    Fault("apply gke", f"{GKE}:9: a tab stands where YAML wants spaces", change=(GKE, "", "params:\n\ta: 1\n")),
    Fault("apply gke", f"{GKE}:8: namspace is not known", "Did you mean namespace", change=(GKE, "", "namspace: a\n")),
    Fault("apply gke", f"{GKE}:8: namespace stands twice", change=(GKE, "", "namespace: other\n")),
    Fault("apply gke", "mlstack.yaml:", "not valid YAML", change=("mlstack.yaml", "", "a: 'b\n")),
    Fault("apply gke", "mlstack.lock:", "not valid YAML", change=("mlstack.lock", "", "a: [\n")),
    Fault("apply gke", f"{PLAIN}:", "broken YAML", change=(PLAIN, "{color: blue}", "{color: blue")),
    Fault("apply gke", f"{PLAIN}:1: a Kubernetes object needs kind", change=(PLAIN, "kind: ConfigMap\n", "")),
    Fault(
        "apply gke",
        f"{PLAIN}:",
        "Secret/login has its data in the app's files.",
        change=(PLAIN, "", "---\napiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {a: hunter2}\n"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("fault", [*NAMES, *FILES], ids=lambda fault: f"{fault.command}: {fault.told[:40]}")
def test_what_is_wrong_in_words_or_files(faulty: App, fault: Fault, kubeconfig: Path) -> None:
    broken(faulty, fault)
    before = everything(kubeconfig, "gke")
    if fault.code == 2:
        done = faulty.run(*fault.command.split())
        assert (done.returncode, fault.told in done.stderr) == (2, True)
    else:
        done = refused(faulty, fault)
        assert "hunter2" not in done.stdout + done.stderr
    assert done.stdout == ""  # it is seen before any cluster is spoken to
    assert everything(kubeconfig, "gke") == before


LEADING = ["apply gke", "diff gke", "status gke", "wait gke", "delete gke", "notebook gke", "port-forward gke model"]


@pytest.mark.parametrize("command", LEADING)
def test_another_cluster_behind_the_context(faulty: App, command: str, kubeconfig: Path, tmp_path: Path) -> None:
    other = context_of(kubeconfig, tmp_path / "kubeconfig", like="minikube")
    before = everything(kubeconfig, "gke"), everything(kubeconfig, "minikube")
    fault = Fault(command, "Environment gke is pinned to cluster ", "Nothing was written to it.")
    done = refused(faulty, fault, KUBECONFIG=str(other))
    assert "mlstack env pin gke" in done.stderr
    assert (everything(kubeconfig, "gke"), everything(kubeconfig, "minikube")) == before


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nothing listens on, and nothing else takes meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.mark.parametrize("command", ["apply gke", "status gke", "delete gke", "env pin gke"])
def test_a_cluster_that_does_not_answer(
    faulty: App, command: str, kubeconfig: Path, tmp_path: Path, closed_port: int
) -> None:
    server = f"https://127.0.0.1:{closed_port}"
    gone = context_of(kubeconfig, tmp_path / "kubeconfig", server=server)
    told = f"The cluster of context 'gke' ({server}) does not answer: connection refused."
    refused(faulty, Fault(command, told, "Is it running"), KUBECONFIG=str(gone))


CONTEXTS = {
    "other contexts only": ("apply gke", "There is no context 'gke' in ", "There are: "),
    "no file": ("apply gke", "There is no context 'gke' in ", "mlstack sandbox up"),
    "no file, named": ("apply gke --kubeconfig nowhere", "There is no kubeconfig file nowhere", "--kubeconfig"),
    "no YAML": ("apply gke", "", "is not valid YAML"),
}


@pytest.mark.parametrize("case", CONTEXTS)
def test_a_kubeconfig_that_leads_nowhere(faulty: App, case: str, kubeconfig: Path, tmp_path: Path) -> None:
    target = tmp_path / "kubeconfig"
    if case == "other contexts only":
        context_of(kubeconfig, target, without=True)
    elif case == "no YAML":
        target.write_text("apiVersion: [\n")
    refused(faulty, Fault(*CONTEXTS[case]), KUBECONFIG=str(target))


def test_without_any_kubeconfig_an_environment_can_be_added(faulty: App, tmp_path: Path) -> None:
    done = faulty.run("env", "add", "later", KUBECONFIG=str(tmp_path / "none"))
    assert (done.returncode, "no context yet" in done.stdout) == (0, True)
    assert "mlstack env set later --context CONTEXT" in done.stdout
    names_none = Fault("apply later", "Environment later names no context.", "mlstack env set later --context CONTEXT")
    refused(faulty, names_none)


def test_a_user_who_may_only_read(
    faulty: App, kubectl: Kubectl, kubeconfig: Path, tmp_path: Path, namespace: str
) -> None:
    own = ("-n", namespace)
    kubectl("create", "namespace", namespace, context="gke")
    kubectl("create", "serviceaccount", "reader", *own, context="gke")
    account = f"--serviceaccount={namespace}:reader"
    kubectl("create", "rolebinding", "reader", "--clusterrole=view", account, *own, context="gke")
    token = kubectl("create", "token", "reader", *own, context="gke").strip()
    limited = context_of(kubeconfig, tmp_path / "kubeconfig", token=token)
    faulty.do("env", "set", "gke", "--namespace", namespace)
    user = f"User 'system:serviceaccount:{namespace}:reader' of context 'gke' may not"
    before = kubectl("get", "configmaps,secrets,deployments", "-o", "name", *own, context="gke")
    fault = Fault("apply gke", f"{user} do all that ", "--clusterrole=admin")
    refused(faulty, fault, KUBECONFIG=str(limited))
    assert kubectl("get", "configmaps,secrets,deployments", "-o", "name", *own, context="gke") == before

    assert "absent" in faulty.do("status", "gke", KUBECONFIG=str(limited))  # what may be read can be asked
    wrong = context_of(kubeconfig, tmp_path / "kubeconfig", token="not-a-token")
    refused(faulty, Fault("apply gke", "The cluster of context 'gke' (", "accept its cred"), KUBECONFIG=str(wrong))
    kubectl("delete", "namespace", namespace, "--wait=false", context="gke")


def test_a_protected_environment_is_asked_for(faulty: App, kubeconfig: Path) -> None:
    faulty.do("env", "set", "gke", "--protected")
    faulty.do("param", "set", "--env=gke", "model", "replicas", "2")
    before = everything(kubeconfig, "gke")
    told = "gke is protected, and stdin is not a terminal; nothing was changed."
    restarting = "apply gke --allow-disruption"  # its pod may run by now
    refused(faulty, Fault(restarting, told, "--yes"))
    refused(faulty, Fault("delete gke", told, "--yes"))
    faulty.do("apply", "gke", "--allow-disruption", "--dry-run")
    assert everything(kubeconfig, "gke") == before
    assert "change 1" in faulty.do("apply", "gke", "--allow-disruption", "--yes", "--no-wait")


# -- what the cluster itself does not let happen

SLOW = "    metadata: {labels: {app: web}, annotations: {sim/mode: MODE}}"
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


@pytest.fixture
def small(new_app: Callable[[str], App], gke: Sandbox, namespace: str, kubectl: Kubectl) -> Iterator[App]:
    """An app without components, its environment `gke` in the test's own namespace, which goes with the test."""
    made = new_app("small")
    made.do("env", "add", "gke", "--namespace", namespace)
    yield made
    kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false", context="gke")


def web(mode: str) -> str:
    """WEB, its pods behaving by `mode`, and ready only when they have stayed so for a while."""
    text = WEB.replace("    metadata: {labels: {app: web}}", SLOW.replace("MODE", mode))
    return text.replace("spec:\n  selector", "spec:\n  minReadySeconds: 30\n  selector")


NOT_READY = {
    "imagepull": "Deployment/web 0/1 ImagePullBackOff: image nginx:1.27",
    "crashloop": "Deployment/web 0/1 CrashLoopBackOff: web ended with exit code 1",
}


@pytest.mark.parametrize("mode", NOT_READY)
def test_pods_that_do_not_come_up(small: App, mode: str) -> None:
    small.write({PLAIN: web(mode)})
    small.do("apply", "gke", "--no-wait")
    shown = f"waiting  2/2      {NOT_READY[mode][:18]}"
    for _ in range(20):  # what crashes runs again for a second now and then, and has no reason then
        done = refused(
            small, Fault("apply gke --timeout 2s", "Not ready in time: Deployment/web 0/1", "status gke", code=3)
        )
        if NOT_READY[mode] in done.stderr and shown in small.do("status", "gke"):
            return
    raise AssertionError(done.stderr)


def test_a_quota_ends_the_wait_at_once(small: App, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "namespace", namespace, context="gke")
    kubectl("create", "quota", "tight", "--hard=pods=0", "-n", namespace, context="gke")
    small.write({PLAIN: WEB})
    told = "Cannot become ready as things stand: Deployment/web 0/1 "
    why = "ResourceQuota/tight has 0 of 0 pods left"
    done = refused(small, Fault("apply gke --fail-fast --timeout 60s", told, why, code=3))
    assert "similar events" not in done.stderr


def test_a_quota_that_nothing_fits_in(small: App, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "namespace", namespace, context="gke")
    kubectl("create", "quota", "tight", "--hard=configmaps=1", "-n", namespace, context="gke")
    small.write({PLAIN: WEB})
    told = f"Cannot create configmaps in namespace {namespace}: "
    refused(small, Fault("apply gke", told, "exceeded quota: tight"))
    assert "No resources" in kubectl("get", "deployments", "-n", namespace, context="gke", check=False)


def test_a_job_that_fails(small: App, namespace: str) -> None:
    small.write({"components/train/job.yaml": JOB})
    told = "Job/train failed: Job has reached the specified backoff limit"
    refused(small, Fault("apply gke --wait finished --timeout 60s", told, "logs gke train", code=4))
    refused(small, Fault("wait gke --for finished --timeout 60s", told, "logs gke train", code=4))
    assert "nothing to do" in small.do("apply", "gke")  # and it is not tried again by itself
    past = f"{told}. It ran before, and is not started again by itself."
    refused(small, Fault("apply gke --wait finished", past, "mlstack run gke train", code=4))


def test_objects_that_the_api_refuses(small: App, namespace: str, kubectl: Kubectl) -> None:
    small.write({PLAIN: WEB, "components/bad/a.yaml": WEB.partition("---")[0].replace("blue", "1").replace("gs", "d")})
    refused(small, Fault("apply gke", "1 object could not be applied: ConfigMap/settind.", "mlstack apply gke"))
    validated = small.run("validate", "gke")
    assert (validated.returncode, "bad: ConfigMap/settind data.color: 1 must be" in validated.stdout) == (1, True)


# -- interrupted in the middle


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_interrupted_in_the_middle_the_next_apply_converges(
    small: App, namespace: str, kubectl: Kubectl, number: signal.Signals, code: int
) -> None:
    """Its operator does not come up, so that apply stands between its stages when the signal comes."""
    group = f"{namespace}.example.com"
    old = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n"
    small.write({PLAIN: WEB + old})
    small.do("apply", "gke", "--no-wait")
    operated = together(definition(group), thing(group, "thing"), "")
    small.write({PLAIN: operated + web("pending").replace("name: web}", "name: operator}")})
    before = small.files()
    try:
        with small.start("apply", "gke", "-o", "json") as process:
            assert process.stdout is not None
            waiting = next(line for line in process.stdout if '"progress"' in line and "operator" in line)
            process.send_signal(number)
            process.communicate(timeout=60)
        assert (process.returncode, small.files() == before) == (code, True), waiting
        own = ("-n", namespace)
        assert "No resources" in kubectl("get", f"things.{group}", *own, context="gke", check=False)
        assert "configmap/old" in kubectl("get", "configmap", "-o", "name", *own, context="gke")
        # The lease is given back where that is possible; what SIGKILL leaves is taken over at once.
        assert ("lease" in kubectl("get", "leases", "-o", "name", *own, context="gke")) == (number == signal.SIGKILL)

        small.write({PLAIN: operated + WEB.replace("name: web}", "name: operator}")})
        small.do("apply", "gke", "--timeout", "60s")
        assert "nothing to do" in small.do("apply", "gke")
        assert "thing" in kubectl("get", f"things.{group}", *own, context="gke")
        left = kubectl("get", "configmaps,deployments", "-o", "name", *own, context="gke")
        assert "configmap/old" not in left
        assert "deployment.apps/operator" in left
        assert "deployment.apps/web\n" not in left
    finally:
        kubectl("delete", "crd", f"things.{group}", "--ignore-not-found", "--wait=false", context="gke")


def test_killed_among_many_writes_the_next_apply_converges(small: App, namespace: str, kubectl: Kubectl) -> None:
    """SIGKILL as soon as the first of many ConfigMaps is there."""
    many = "---\n".join(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}}}\n" for n in range(300))
    small.write({PLAIN: many})
    kubectl("create", "namespace", namespace, context="gke")
    watch = ("get", "configmaps", "-n", namespace, "-o", "name", "-l", "app.kubernetes.io/managed-by=mlstack")
    with small.start("apply", "gke") as process:
        while "configmap/c" not in kubectl(*watch, context="gke"):
            assert process.poll() is None
        process.kill()
    small.do("apply", "gke")
    assert kubectl(*watch, context="gke").count("configmap/c") == 300
    small.write({PLAIN: many.partition("---")[0]})
    assert "prune 299" in small.do("apply", "gke")
