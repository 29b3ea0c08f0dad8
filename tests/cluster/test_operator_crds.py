"""Our definitions of the six job kinds on a real API server, beside the real operator and its webhooks."""

from __future__ import annotations

import base64
import copy
import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from mlstack.sandbox.home import Home, home, read_json
from tests.upstream.crds import crd

if TYPE_CHECKING:
    from mlstack.sandbox import Sandbox

    from .conftest import App, Kubectl

Schema = Mapping[str, Any]

CLUSTER_KINDS = "validatingwebhookconfigurations,customresourcedefinitions,clusterroles,clusterrolebindings"


@dataclass(frozen=True)
class Kind:
    """A job kind: its replica specs' field, its container's name, the replicas of a small job, and who may scale."""

    name: str
    replicas: str
    container: str
    roles: Mapping[str, int]
    scales: bool = False

    @property
    def scheme(self) -> str:
        return self.name.lower()

    def job(self, name: str, container: str = "", mode: str = "") -> dict[str, Any]:
        """A job whose simulated pods run for a moment, or in another mode for good."""
        annotations = {"sim/run-for": "500ms"} | ({"sim/mode": mode} if mode else {})
        pod = {"containers": [{"name": container or self.container, "image": "registry.example.com/train:1"}]}
        template = {"metadata": {"annotations": annotations}, "spec": pod}
        roles = {role: {"replicas": count, "template": template} for role, count in self.roles.items()}
        metadata = {"name": name}
        return {
            "apiVersion": "kubeflow.org/v1",
            "kind": self.name,
            "metadata": metadata,
            "spec": {self.replicas: copy.deepcopy(roles)},
        }


KINDS = [
    Kind("TFJob", "tfReplicaSpecs", "tensorflow", {"Chief": 1, "Worker": 2}),
    Kind("PyTorchJob", "pytorchReplicaSpecs", "pytorch", {"Master": 1, "Worker": 1}, scales=True),
    Kind("PaddleJob", "paddleReplicaSpecs", "paddle", {"Worker": 2}, scales=True),
    Kind("MPIJob", "mpiReplicaSpecs", "mpi", {"Launcher": 1, "Worker": 2}),
    Kind("XGBoostJob", "xgbReplicaSpecs", "xgboost", {"Master": 1, "Worker": 1}),
    Kind("JAXJob", "jaxReplicaSpecs", "jax", {"Worker": 2}, scales=True),
]
EACH = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@dataclass(frozen=True)
class Place:
    """A namespace beside an operator that serves all six kinds."""

    namespace: str
    kubectl: Kubectl
    app: App

    def __call__(self, *words: str, **rest: Any) -> str:
        return self.kubectl("-n", self.namespace, *words, context="minikube", **rest)

    def create(self, manifest: Mapping[str, Any], *words: str, **rest: Any) -> str:
        sent = json.dumps(manifest)
        return self("create", "--validate=strict", "-f", "-", *words, stdin=sent, **rest)

    def read(self, *words: str) -> Any:
        return json.loads(self("get", *words, "-o", "json"))


@pytest.fixture(scope="module")
def place(
    minikube: Sandbox, new_app: Callable[[str], App], kubectl: Kubectl, session_env: dict[str, str]
) -> Iterator[Place]:
    """mlstack's training-operator with every scheme, running; all of it goes after the module."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in session_env.items():
            patch.setenv(name, value)
        namespace, app = f"test-{uuid.uuid4().hex[:8]}", new_app("operator")
        app.do("generate", "training-operator", "operator")
        app.do("param", "set", "operator", "schemes", json.dumps([kind.scheme for kind in KINDS]))
        app.do("env", "add", "minikube", "--namespace", namespace)
        app.do("apply", "minikube")
        found = Place(namespace, kubectl, app)
        try:
            _until(lambda: read_json(home(minikube.name).supervisor)["operator"]["state"] == "running")
            yield found
        finally:
            kubectl("delete", "namespace", namespace, "--wait=false", context="minikube")
            kubectl("delete", CLUSTER_KINDS, "-l", "app.kubernetes.io/managed-by=mlstack", context="minikube")


def _until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.2)


@EACH
def test_the_operator_runs_a_job_of_each_kind_to_its_end(kind: Kind, place: Place) -> None:
    place.create(kind.job(kind.scheme))
    place("wait", f"{kind.scheme}/{kind.scheme}", "--for=condition=Succeeded", "--timeout=60s")
    status = place.read(kind.scheme, kind.scheme)["status"]
    assert set(status["replicaStatuses"]) == set(kind.roles)  # status is kept as the operator writes it
    assert status["completionTime"]


@EACH
def test_the_columns_are_upstreams(kind: Kind, place: Place) -> None:
    name = f"columns-{kind.scheme}"
    place.create(kind.job(name, mode="forever"))
    _until(lambda: "Running" in place("get", kind.scheme, name))
    columns = crd(kind.name)["spec"]["versions"][0]["additionalPrinterColumns"]
    assert place("get", kind.scheme, name).split()[: 1 + len(columns)] == [
        "NAME",
        *(column["name"].upper() for column in columns),
    ]
    place("delete", kind.scheme, name)


@EACH
def test_scaling_adds_and_removes_workers_where_upstream_can(kind: Kind, place: Place) -> None:
    name = f"scale-{kind.scheme}"
    place.create(kind.job(name, mode="forever"))
    selector = f"training.kubeflow.org/job-name={name},training.kubeflow.org/replica-type=worker"

    def workers() -> int:
        return len(place("get", "pods", "-l", selector, "-o", "name").split())

    _until(lambda: workers() == kind.roles["Worker"])
    said = place("scale", f"{kind.scheme}s.kubeflow.org/{name}", "--replicas=3", check=False)
    assert ("scaled" in said) == kind.scales
    if kind.scales:
        _until(lambda: workers() == 3)
        scale = json.loads(place("get", "--raw", _path(place, kind, f"{name}/scale")))
        assert scale["spec"]["replicas"] == 3
        _until(
            lambda: json.loads(place("get", "--raw", _path(place, kind, f"{name}/scale")))["status"]["replicas"] == 3
        )
        place("scale", f"{kind.scheme}s.kubeflow.org/{name}", "--replicas=1")
        _until(lambda: workers() == 1)
    place("delete", kind.scheme, name)


def _path(place: Place, kind: Kind, rest: str) -> str:
    return f"/apis/kubeflow.org/v1/namespaces/{place.namespace}/{kind.scheme}s/{rest}"


SAMPLES: Mapping[str, Any] = {"string": "a", "integer": 3, "number": 0.5, "boolean": True}


def _sample(schema: Schema, name: str = "") -> Any:
    """A value with every field that a schema knows; a pod template has its own schema in the API server."""
    if name == "template":
        return {"spec": {"containers": [{"name": "any", "image": "a"}], "nodeSelector": {"pool": "a"}}}
    if schema.get("x-kubernetes-int-or-string"):
        return "2"
    if "properties" in schema:
        return {key: _sample(below, key) for key, below in schema["properties"].items()}
    if schema["type"] == "object":
        return {"Worker": _sample(schema["additionalProperties"])} if "additionalProperties" in schema else {}
    return [_sample(schema["items"])] if schema["type"] == "array" else schema.get("enum", [SAMPLES[schema["type"]]])[0]


@EACH
def test_every_field_of_the_upstream_definition_is_taken_and_kept(kind: Kind, place: Place) -> None:
    schema = crd(kind.name)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    spec = _sample(schema["spec"])
    assert len(json.dumps(spec)) > 400
    job = {**kind.job("whole"), "spec": spec}
    kept = json.loads(place.create(job, "--dry-run=server", "-o", "json"))
    assert kept["spec"] == spec


def test_what_upstream_does_not_know_is_refused(place: Place) -> None:
    job = KINDS[0].job("unknown")
    job["spec"]["runPolicy"] = {"cleanPods": "All"}
    assert 'unknown field "spec.runPolicy.cleanPods"' in place.create(job, "--dry-run=server", check=False)


@pytest.fixture
def hooks(minikube: Sandbox, place: Place) -> Iterator[None]:
    """The webhooks as we render them, but reached at the process's own port: no pod listens behind a Service here."""
    shown = yaml.safe_load_all(place.app.do("show", "minikube", "--set", "operator.webhook=true"))
    (hooks,) = [manifest for manifest in shown if manifest["kind"] == "ValidatingWebhookConfiguration"]
    folder = home(minikube.name)
    authority = base64.b64encode((folder.operator / "certificate" / "tls.crt").read_bytes()).decode()
    for hook in hooks["webhooks"]:
        url = f"https://127.0.0.1:{_port(folder)}{hook['clientConfig']['service']['path']}"
        hook["clientConfig"] = {"url": url, "caBundle": authority}
    place("create", "-f", "-", stdin=json.dumps(hooks))
    yield
    place("delete", "validatingwebhookconfiguration", hooks["metadata"]["name"])


def _port(folder: Home) -> int:
    """Where the operator's process serves its webhooks, as its command line says."""
    pid = read_json(folder.supervisor)["operator"]["pid"]
    words = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(words.stdout.partition("--webhook-server-port=")[2].split()[0])


def test_the_operators_webhooks_are_asked_about_each_kind(hooks: None, place: Place) -> None:
    good, bad = KINDS[0].job("hooked"), KINDS[0].job("hooked", container="other")
    _until(lambda: "denied the request" in place.create(bad, "--dry-run=server", check=False))
    assert "created" in place.create(good, "--dry-run=server")
    for kind in KINDS:
        assert "created" in place.create(kind.job("hooked"), "--dry-run=server")
        said = place.create(kind.job("hooked", container="other"), "--dry-run=server", check=False)
        # The operator has no webhook for MPIJobs.
        assert (f"validator.{kind.scheme}.training-operator.kubeflow.org" in said) == (kind.name != "MPIJob"), said


def test_an_mpi_job_of_ours_runs_with_rights_of_its_own_only(place: Place) -> None:
    quick = json.dumps({"sim/run-for": "3s"})
    image = "--image=registry.example.com/pi:1"
    small = ("--cpu=50m", "--memory=64Mi", "--launcher_cpu=50m", "--launcher_memory=64Mi")
    place.app.do("generate", "mpi-job", "pi", image, "--command=mpirun,/pi", f"--annotations={quick}", *small)
    place.app.do("param", "set", "pi", "num_workers", "2")
    place.app.do("apply", "minikube", "-c", "pi")
    launcher = place.read("pod", "pi-launcher")
    assert launcher["spec"]["serviceAccountName"] == "pi-launcher"  # made by the operator
    (kubectl,) = launcher["spec"]["initContainers"]
    assert kubectl["image"].endswith("/kubectl-delivery:v1-93c5489")  # as our operator was told
    assert place.read("configmap", "pi-config")["data"]["hostfile"] == "pi-worker-0 slots=1\npi-worker-1 slots=1\n"
    rules = place.read("role", "pi-launcher")["rules"]
    assert [rule.get("resourceNames") for rule in rules if rule["resources"] == ["pods/exec"]] == [
        ["pi-worker-0", "pi-worker-1"]
    ]
    place.app.do("wait", "minikube", "-c", "pi", "--for", "finished")
    assert place.read("mpijob", "pi")["status"]["replicaStatuses"]["Launcher"]["succeeded"] == 1
    assert "nothing to do" in place.app.do("apply", "minikube", "-c", "pi")
    place.app.do("delete", "minikube", "-c", "pi", "--yes")
    _until(lambda: "pi-" not in place("get", "pods,configmaps,roles,rolebindings,serviceaccounts", "-o", "name"))


def test_a_number_of_paddle_workers_that_kubectl_set_is_left_alone(place: Place) -> None:
    forever = json.dumps({"sim/mode": "forever"})
    image = "--image=registry.example.com/ocr:1"
    small = ("--cpu=50m", "--memory=64Mi")
    place.app.do("generate", "paddle-job", "ocr", image, "--elastic_max=8", f"--annotations={forever}", *small)
    place.app.do("param", "set", "ocr", "num_workers", "2")
    assert "ready" in place.app.do("apply", "minikube", "-c", "ocr")
    place("scale", "paddlejobs.kubeflow.org/ocr", "--replicas=4")
    selector = "training.kubeflow.org/job-name=ocr"
    _until(lambda: len(place("get", "pods", "-l", selector, "-o", "name").split()) == 4)
    place.app.do("wait", "minikube", "-c", "ocr")
    assert "nothing to do" in place.app.do("apply", "minikube", "-c", "ocr")
    assert "no difference" in place.app.run("diff", "minikube", "-c", "ocr").stdout.lower()
    spec = place.read("paddlejob", "ocr")["spec"]
    assert spec["paddleReplicaSpecs"]["Worker"]["replicas"] == 4
    assert spec["elasticPolicy"] == {"minReplicas": 1, "maxReplicas": 8}
    place.app.do("delete", "minikube", "-c", "ocr", "--yes")
