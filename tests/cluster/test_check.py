"""check on real control planes: each thing that can be in an app's way, with the sentence that tells of it.

docs/check.md holds a session that is typed here; MLSTACK_UPDATE_DOCS=1 writes what was printed into it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster.shell import wait_established

if TYPE_CHECKING:
    from mlstack.sandbox import Sandbox

    from .conftest import App, Kubectl

DOC = Path(__file__).parents[2] / "docs/check.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
KINDS = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: {kind}, plural: {plural}}}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: robot
      priorityClassName: high
      runtimeClassName: gvisor
      imagePullSecrets: [{name: registry}]
      containers:
        - name: web
          image: web
          env:
            - {name: TOKEN, valueFrom: {secretKeyRef: {name: hub, key: token}}}
            - {name: MAYBE, valueFrom: {secretKeyRef: {name: none, key: token, optional: true}}}
          envFrom: [{configMapRef: {name: settings}}]
          volumeMounts: [{name: data, mountPath: /data}]
      volumes:
        - {name: data, persistentVolumeClaim: {claimName: images}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: scratch}
spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {ingressClassName: traefik, defaultBackend: {service: {name: web, port: {number: 80}}}}
---
apiVersion: example.com/v1
kind: Gadget
metadata: {name: gadget}
"""
# What has to be said of WEB in a namespace with nothing in it: (what begins the problem, what the advice says).
WEB_LACKS = [
    ("web: Secret hub, for variable TOKEN, is not there in namespace NS.", "mlstack secret set dev hub token"),
    (
        "web: Secret registry, from which images are pulled, is not there in namespace NS, "
        "and the kubelet pulls without it: images that need a password are not pulled.",
        "kubectl create secret docker-registry registry -n NS",
    ),
    (
        "web: ConfigMap settings, for variables, is not there in namespace NS.",
        "kubectl create configmap settings -n NS --from-file=FILE",
    ),
    (
        "web: PersistentVolumeClaim images, for volume data, is not there in namespace NS, "
        "so that its pods would stay pending.",
        "Make it, or put a manifest of it into components/.",
    ),
    ("web: StorageClass fast is not there, so that claims of it would stay pending.", "There are: standard"),
    ("web: ServiceAccount robot is not there in namespace NS, so that no pod could be made.", "create serviceaccount"),
    ("web: PriorityClass high is not there, so that no pod could be made.", "system-cluster-critical"),
    ("web: RuntimeClass gvisor is not there, so that no pod could be made.", "The cluster's owner makes them."),
    ("web: IngressClass traefik is not there.", "The cluster's owner makes them."),
    (
        "web: the cluster does not serve Gadget (example.com/v1): its CRD is not there.",
        "Install what brings it.",
    ),
]

Namespaced = Callable[..., str]


@pytest.fixture
def inside(namespace: str, kubectl: Kubectl, minikube: Sandbox) -> Iterator[Namespaced]:
    """`inside("get", "pods")`: kubectl in the test's namespace."""

    def run(*words: str, **rest: Any) -> str:
        return kubectl("-n", namespace, *words, context="minikube", **rest)

    kubectl("create", "namespace", namespace, context="minikube")
    yield run
    run("delete", "namespace", namespace, "--wait=false", "--ignore-not-found")


@pytest.fixture
def app(new_app: Callable[[str], App], namespace: str, inside: Namespaced) -> App:
    """An app with the environment dev: minikube, the test's namespace."""
    typed = new_app("shop")
    typed.do("env", "add", "dev", "--context=minikube", f"--namespace={namespace}", "--platform=minikube")
    return typed


@pytest.fixture
def kinds(kubectl: Kubectl, minikube: Sandbox) -> Iterator[Callable[[str, str, str], None]]:
    """`kinds(kind, plural, group)`: a kind that the cluster serves while the test runs."""
    made = []

    def make(kind: str, plural: str, group: str) -> None:
        text = KINDS.format(kind=kind, plural=plural, group=group)
        kubectl("apply", "-f", "-", context="minikube", stdin=text)
        made.append(f"{plural}.{group}")
        wait_established(kubectl, "minikube", made[-1])
        while f"{plural}." not in kubectl("api-resources", f"--api-group={group}", "-o", "name", context="minikube"):
            time.sleep(0.1)

    yield make
    for name in made:
        kubectl("delete", "crd", name, context="minikube")


def checked(app: App, *words: str) -> dict[str, Any]:
    """What check says, as data; its exit code tells whether there is an error."""
    done = app.run("check", "dev", *words, "-o", "json")
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    errors = [one for one in found["findings"] if one["severity"] == "error"]
    assert done.returncode == (1 if errors else 0), done.stderr
    return found


def told(found: dict[str, Any]) -> list[tuple[str, str]]:
    """(severity, problem) of each finding."""
    return [(one["severity"], one["problem"]) for one in found["findings"]]


def states(found: dict[str, Any]) -> dict[str, str]:
    """The state of each topic."""
    return {row["topic"]: row["state"] for row in found["checks"]}


def test_all_that_an_app_refers_to_and_that_is_not_there(app: App, namespace: str, inside: Namespaced) -> None:
    app.write({"components/web/web.yaml": WEB})
    found = checked(app)
    assert {problem for _, problem in told(found)} == {text.replace("NS", namespace) for text, _ in WEB_LACKS}
    advice = {one["problem"]: one["advice"] for one in found["findings"]}
    for problem, said in WEB_LACKS:
        assert said.replace("NS", namespace) in advice[problem.replace("NS", namespace)]
    refused = app.run("apply", "dev")
    assert (refused.returncode, refused.stdout.count("applied")) == (1, 0)
    certain = [text.replace("NS", namespace) for text, _ in WEB_LACKS if "images are pulled" not in text]
    assert f"{len(certain)} things are in the way in dev; nothing was written." in refused.stderr
    assert all(text in refused.stderr for text in certain)
    assert inside("get", "deployment,pvc,ingress", "-o", "name") == ""


def test_a_key_that_a_secret_lacks_and_what_the_app_brings_itself(app: App, namespace: str, inside: Namespaced) -> None:
    inside("create", "secret", "generic", "hub", "--from-literal=user=x")
    app.write({"components/web/web.yaml": WEB.split("---")[0]})
    brought = [
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
        for kind, name in (("ServiceAccount", "robot"), ("ConfigMap", "settings"))
    ]
    app.write({"components/more/more.yaml": yaml.safe_dump_all(brought)})
    problems = [problem for _, problem in told(checked(app, "web"))]
    assert f"web: Secret hub in namespace {namespace} has no key token for variable TOKEN: it has user." in problems
    assert not [text for text in problems if "robot" in text or "settings" in text]


def test_a_namespace_that_lets_no_such_pods_in(app: App, namespace: str, inside: Namespaced) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "x", "image": "x"}]}}
    spec = {"selector": {"matchLabels": {"app": "x"}}, "template": template}
    workload = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": pod["metadata"], "spec": spec}
    app.write({"components/x/x.yaml": yaml.safe_dump(workload)})
    assert states(checked(app))["namespace"] == "ok"
    inside("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    ((severity, problem),) = told(checked(app))
    assert severity == "error"
    assert problem.startswith(f"x: namespace {namespace} enforces Pod Security level restricted, which its pods do not")
    assert "allowPrivilegeEscalation != false" in problem
    assert problem.removesuffix(".") in app.run("apply", "dev").stderr
    inside("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=privileged", "--overwrite")
    assert told(checked(app)) == []


def test_kinds_without_anybody_who_works_on_them(
    app: App, namespace: str, inside: Namespaced, kinds: Callable[[str, str, str], None]
) -> None:
    kinds("Gadget", "gadgets", "trainer.kubeflow.org")
    thing = {"apiVersion": "trainer.kubeflow.org/v1", "kind": "Gadget", "metadata": {"name": "x"}}
    app.write({"components/x/x.yaml": yaml.safe_dump(thing)})
    sign = "a Deployment with label app.kubernetes.io/name=trainer"
    absent = f"x: no Kubeflow Trainer was found ({sign}): its Gadget may stay as it is, without pods."
    assert told(checked(app)) == [("warning", absent)]
    assert absent in app.do("apply", "dev", "--dry-run")
    inside("create", "deployment", "trainer", "--image=trainer", "--replicas=0")
    inside("label", "deployment", "trainer", "app.kubernetes.io/name=trainer")
    unready = f"x: Kubeflow Trainer is not ready (namespace {namespace}): its Gadget may wait for it."
    assert told(checked(app)) == [("warning", unready)]
    inside("scale", "deployment", "trainer", "--replicas=1")
    inside("wait", "--for=condition=Available", "deployment/trainer")
    assert told(checked(app)) == []


def test_queues(app: App, namespace: str, inside: Namespaced, kinds: Callable[[str, str, str], None]) -> None:
    app.do("generate", "tf-job", "cnn", "--image=x", "--command=train", "--runner=native")
    app.do("param", "set", "cnn", "queue", "team-a")
    unheard = "cnn: queue team-a has no effect: Kueue is not there, and the job would start at once."
    assert told(checked(app)) == [("warning", unheard)]
    kinds("LocalQueue", "localqueues", "kueue.x-k8s.io")
    absent = f"cnn: LocalQueue team-a is not there in namespace {namespace}, so that the job would never be let in."
    queue = {"apiVersion": "kueue.x-k8s.io/v1", "kind": "LocalQueue", "metadata": {"name": "team-b"}}
    inside("create", "-f", "-", stdin=yaml.safe_dump(queue))
    found = next(one for one in checked(app)["findings"] if one["problem"] == absent)
    assert found["advice"].startswith("queue = team-a, at components/cnn.yaml:")
    assert "There are: team-b." in found["advice"]
    app.do("param", "set", "--env=dev", "cnn", "queue", "team-b")
    assert absent not in [problem for _, problem in told(checked(app))]


def test_no_class_is_the_default_one(app: App, kubectl: Kubectl) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    data = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": claim}
    app.write({"components/data/data.yaml": yaml.safe_dump(data)})
    mark = "storageclass.kubernetes.io/is-default-class"
    assert states(checked(app))["storage"] == "ok"
    kubectl("annotate", "storageclass", "standard", f"{mark}=false", "--overwrite", context="minikube")
    try:
        found = checked(app)
    finally:
        kubectl("annotate", "storageclass", "standard", f"{mark}=true", "--overwrite", context="minikube")
    said = "data: no StorageClass is the default one, so that claims which name none would stay pending."
    assert told(found) == [("error", said)]
    assert found["findings"][0]["advice"].startswith("There are: standard.")


def test_volumes_made_by_hand_need_no_class(app: App, namespace: str, kubectl: Kubectl) -> None:
    asked = {"accessModes": ["ReadWriteOnce"], "storageClassName": namespace}
    claim = {**asked, "resources": {"requests": {"storage": "1Gi"}}}
    data = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": claim}
    app.write({"components/data/data.yaml": yaml.safe_dump(data)})
    assert [severity for severity, _ in told(checked(app))] == ["error"]
    spec = {**asked, "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/data"}}
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": namespace}, "spec": spec}
    kubectl("create", "-f", "-", context="minikube", stdin=yaml.safe_dump(volume))
    try:
        assert told(checked(app)) == []
    finally:
        kubectl("delete", "persistentvolume", namespace, "--wait=false", context="minikube")


def test_nodes_whose_device_plugin_is_missing(app: App, namespace: str, kubectl: Kubectl) -> None:
    app.do("generate", "tf-job", "cnn", "--image=x", "--command=train", "--runner=native", "--num_gpus=1")
    app.do("param", "set", "cnn", "memory", "1Gi")
    app.do("param", "set", "cnn", "cpu", "1")
    never = "cnn can never fit in dev: each worker asks 1 nvidia.com/gpu, and no node has any"
    assert told(checked(app)) == [("error", f"{never}, and dev says autoscaling: none.")]
    labels = {"nvidia.com/gpu.product": "NVIDIA-L4"}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": namespace, "labels": labels}}
    kubectl("create", "-f", "-", context="minikube", stdin=yaml.safe_dump(node))
    try:
        found = checked(app)
    finally:
        kubectl("delete", "node", namespace, context="minikube")
    said = (
        "cnn: 1 node is labelled as having NVIDIA-L4, but no node offers nvidia.com/gpu: "
        "the device plugin or the driver is missing, or not ready yet."
    )
    assert told(found) == [("error", said)]
    assert "minikube addons enable nvidia-device-plugin" in found["findings"][0]["advice"]


def test_few_requests(app: App) -> None:
    """Who the cluster is, the inventory, the rights, and the quotas: all, where nothing outside is referred to."""
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    app.write({"components/web/web.yaml": yaml.safe_dump(settings)})
    found = checked(app)
    assert (found["requests"], told(found)) == (4, [])
    assert found["checks"] == [
        {"topic": "cluster", "state": "ok", "what": "the one that dev is pinned to"},
        {"topic": "rights", "state": "ok", "what": "all 6 that it takes"},
    ]


def test_a_namespace_that_goes(app: App, namespace: str, inside: Namespaced, kubectl: Kubectl) -> None:
    app.write({"components/web/web.yaml": WEB.split("---")[0]})
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/x"]}}
    inside("create", "-f", "-", stdin=yaml.safe_dump(config))
    kubectl("delete", "namespace", namespace, "--wait=false", context="minikube")
    problems = [problem for _, problem in told(checked(app))]
    inside("patch", "configmap", "held", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    assert f"Namespace {namespace} is being deleted: nothing can be made in it until it is gone." in problems


# -- the page


@pytest.fixture
def shown(gke: Sandbox, new_app: Callable[[str], App], namespace: str, kubectl: Kubectl) -> Iterator[App]:
    """The app of docs/check.md: kubeflow-core, a language model's server and a job, on GKE."""
    left = [f"{kind}.kubeflow.org" for kind in ("tfjobs", "pytorchjobs", "paddlejobs", "mpijobs")]  # by other tests
    kubectl("delete", "crd", *left, "--ignore-not-found", context="gke")
    typed = new_app("shop")
    typed.do("env", "add", "gke", f"--namespace={namespace}")
    typed.do("generate", "kubeflow-core", "core")
    typed.do("generate", "vllm", "llm", "--model=hub/llama", "--token=hub/token")
    typed.do("generate", "tf-cnn", "cnn", "--num_gpus=1", "--priority_class=high")
    yield typed
    kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false", context="gke")


def typed_in(app: App, line: str, namespace: str) -> str:
    """What a line prints in a shell, with what differs from run to run replaced."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=app.root,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    text = re.sub(r"https://127\.0\.0\.1:\d+", "https://34.1.2.3", done.stdout.replace(namespace, "ml"))
    text = re.sub(r"cluster [0-9a-f]{8}\b", "cluster 2b91c22b", text)
    text = re.sub(r"\ball \d+ that it", "all 58 that it", text)  # grows with the prototypes
    return re.sub(r"\(\d+ requests\)", "(16 requests)", text)


def test_the_page_shows_what_is_printed(shown: App, namespace: str) -> None:
    def block(found: re.Match[str]) -> str:
        lines = [line[2:] for line in found[1].splitlines() if line.startswith("$ ")]
        return "```console\n" + "".join(f"$ {line}\n{typed_in(shown, line, namespace)}" for line in lines) + "```"

    before = DOC.read_text("utf-8")
    after = BLOCK.sub(block, before)
    if os.environ.get("MLSTACK_UPDATE_DOCS"):
        DOC.write_text(after, "utf-8")
    else:
        assert after == before


SHARED = """\
apiVersion: batch/v1
kind: Job
metadata: {name: NAME}
spec:
  parallelism: PODS
  completions: PODS
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: x, volumeMounts: [{name: data, mountPath: /data}]}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"""
START = "those on another node than the first do not start."


def test_a_claim_for_one_node_that_several_pods_mount(
    new_app: Callable[[str], App], gke: Sandbox, namespace: str, kubectl: Kubectl
) -> None:
    """F18: in check and before an apply, without GPUs as well: of one job, of several, and of a hub's notebooks."""
    app = new_app("shop")
    app.do("env", "add", "dev", "--context=gke", f"--namespace={namespace}", "--platform=gke")
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}
    kubectl("create", "namespace", namespace, context="gke")
    kubectl("create", "-n", namespace, "-f", "-", context="gke", stdin=yaml.safe_dump(claim))
    try:
        of_pods = f"PersistentVolumeClaim/data is ReadWriteOnce and 2 pods mount it: {START}"
        app.write({"components/one/job.yaml": SHARED.replace("NAME", "one").replace("PODS", "1")})
        assert told(checked(app)) == []
        assert "ReadWriteOnce" not in app.do("apply", "dev", "--no-wait")
        wait_for_a_pod(kubectl, namespace)
        app.write({"components/two/job.yaml": SHARED.replace("NAME", "two").replace("PODS", "1")})
        assert told(checked(app)) == [("warning", of_pods)]
        assert told(checked(app, "two")) == [("warning", of_pods)], "the pod of `one` is there"
        assert of_pods in app.do("apply", "dev", "--no-wait")
        app.do("generate", "jupyterhub", "hub", "--shared_claims=[data]")
        of_notebooks = f"PersistentVolumeClaim/data is ReadWriteOnce and every notebook mounts it: {START}"
        assert told(checked(app, "hub")) == [("warning", of_notebooks)]
        assert of_notebooks in app.do("apply", "dev", "-c", "hub", "--no-wait")
        app.do("param", "set", "hub", "shared_claims", "[gone]")
        gone = (
            f"hub: PersistentVolumeClaim gone, for every notebook, is not there in namespace {namespace}, so that its"
        )
        ((severity, problem),) = told(checked(app, "hub"))
        assert (severity, problem[: len(gone)]) == ("error", gone)
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false", context="gke")


def wait_for_a_pod(kubectl: Callable[..., str], namespace: str) -> None:
    """Until the Job controller has made one."""
    deadline = time.monotonic() + 120
    while not kubectl("get", "pods", "-n", namespace, "-o", "name", context="gke").strip():
        assert time.monotonic() < deadline, "the Job has no pod"
        time.sleep(0.3)


def test_a_quota_counts_what_an_app_without_pods_has(app: App, inside: Namespaced) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    app.write({"components/conf/conf.yaml": yaml.safe_dump(config)})
    assert told(checked(app)) == []
    inside("create", "quota", "tight", "--hard=configmaps=0")
    wait_until_counted(inside)
    ((severity, problem),) = told(checked(app))
    assert severity == "error"
    assert problem.startswith("conf: the namespace refuses its objects: ResourceQuota/tight has 0 of 0 configmaps left")


def wait_until_counted(inside: Namespaced) -> None:
    while not inside("get", "quota", "tight", "-o", "jsonpath={.status.used.configmaps}"):
        time.sleep(0.2)
