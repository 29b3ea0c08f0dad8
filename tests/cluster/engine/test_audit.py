"""Two apps, an autoscaler, a mutating webhook and foreign objects of the same names on one cluster: its audit log says
who wrote what."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from mlstack import sandbox
from mlstack.sandbox import Sandbox

if TYPE_CHECKING:
    from ..conftest import App, Kubectl

CONTEXT = "audited"
POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n"
WRITES = ("create", "update", "patch", "delete", "deletecollection")

SHARED = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: shared-reader, annotations: {mlstack.dev/shared: "true"}}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.audit.example, annotations: {mlstack.dev/shared: "true"}}
spec:
  group: audit.example
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: audit.example/v1
kind: Thing
metadata: {name: thing}
"""
WEB = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.27", resources: {requests: {cpu: 10m}}}]}
"""
OLD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n"
HPA = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 3
  maxReplicas: 5
"""
HOOK = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: audit}
webhooks:
  - name: audit.example.com
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Fail
    clientConfig: {url: "https://127.0.0.1:PORT/", caBundle: BUNDLE}
    namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [one, two]}]}
    rules:
      - {apiGroups: ["", apps, audit.example], apiVersions: ["*"], operations: [CREATE, UPDATE],
         resources: [configmaps, services, deployments, things], scope: "*"}
"""
FOREIGN_KINDS = "configmaps,services,deployments.apps"


@pytest.fixture(scope="module")
def audited(session_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A control plane that keeps an audit log; kwokctl hands the policy of its environment on to the API server."""
    policy = tmp_path_factory.mktemp("audit") / "policy.yaml"
    policy.write_text(POLICY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KWOK_KUBE_AUDIT_POLICY", str(policy))
        try:
            yield sandbox.up(CONTEXT, like="minikube", context=CONTEXT)
        finally:
            sandbox.down(CONTEXT)


class Hook(BaseHTTPRequestHandler):
    """Gives every object that it is asked about a mark of its own."""

    asked = 0
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        type(self).asked += 1
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        there = request["object"]["metadata"].get("annotations") or {}
        patch = [{"op": "add", "path": "/metadata/annotations", "value": {**there, "audit.example.com": "seen"}}]
        answer = {"uid": request["uid"], "allowed": True, "patchType": "JSONPatch"}
        answer["patch"] = base64.b64encode(json.dumps(patch).encode()).decode()
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Says nothing."""


@pytest.fixture
def webhook(audited: Sandbox, kubectl: Kubectl) -> Iterator[type[Hook]]:
    """A mutating webhook that the API server obeys; its certificate is one of the sandbox's own authority."""
    pki = audited.admin_kubeconfig.parent / "pki"
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    server = HTTPServer(("127.0.0.1", 0), Hook)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    bundle = base64.b64encode((pki / "ca.crt").read_bytes()).decode()
    kubectl(
        "apply",
        "-f",
        "-",
        context=CONTEXT,
        stdin=HOOK.replace("PORT", str(server.server_port)).replace("BUNDLE", bundle),
    )
    probe = ("create", "configmap", "probe", "-n", "one", "--dry-run=server", "-o", "yaml")
    until = time.monotonic() + 60
    while "audit.example.com: seen" not in kubectl(*probe, context=CONTEXT):  # it obeys after a second or two
        assert time.monotonic() < until
        time.sleep(0.25)
    Hook.asked = 0
    yield Hook
    kubectl("delete", "mutatingwebhookconfiguration", "audit", context=CONTEXT)
    server.shutdown()
    server.server_close()


@dataclass(frozen=True, order=True)
class Write:
    """A line of the audit log that changed something."""

    verb: str
    resource: str
    namespace: str
    name: str
    manager: str
    agent: str

    @property
    def by_mlstack(self) -> bool:
        return self.agent.startswith("mlstack/")


class Audit:
    """The audit log of a sandbox, read in parts."""

    def __init__(self, folder: Path, kubectl: Kubectl) -> None:
        self.file = folder / "logs" / "audit.log"
        self.kubectl = kubectl
        self.at = 0

    def writes(self) -> list[Write]:
        """What changed something since the last call; dry-runs and refused requests change nothing."""
        self.kubectl("get", "--raw", "/version", context=CONTEXT)  # once that is answered, all before it is written
        with self.file.open() as text:
            text.seek(self.at)
            events = [json.loads(line) for line in text]
            self.at = text.tell()
        return [_write(event) for event in events if _writes(event)]


def _writes(event: dict[str, Any]) -> bool:
    reference, code = event.get("objectRef") or {}, (event.get("responseStatus") or {}).get("code", 0)
    resource = str(reference.get("resource"))
    kept = resource != "events" and not resource.endswith("reviews")
    return event["verb"] in WRITES and kept and code < 400 and "dryRun" not in event["requestURI"]


def _write(event: dict[str, Any]) -> Write:
    reference = event["objectRef"]
    manager = parse_qs(urlsplit(event["requestURI"]).query).get("fieldManager", [""])[0]
    resource = "/".join(filter(None, (reference["resource"], reference.get("subresource"))))
    place = reference.get("namespace", ""), reference.get("name", "")
    return Write(event["verb"], resource, *place, manager, event.get("userAgent", ""))


@pytest.fixture
def foreign(audited: Sandbox, kubectl: Kubectl) -> Callable[[], dict[str, str]]:
    """Objects by kubectl that have the names of ours in another namespace, and of another kind in the same ones; how
    they stand, all of them."""
    for name in ("one", "two", "others"):
        kubectl("create", "namespace", name, context=CONTEXT)
    kubectl("apply", "-n", "others", "-f", "-", context=CONTEXT, stdin=f"{WEB}---\n{OLD}")
    for name in ("one", "two"):
        kubectl("create", "serviceaccount", "web", "-n", name, context=CONTEXT)
        kubectl("create", "secret", "generic", "settings", "-n", name, context=CONTEXT)
        kubectl("apply", "-n", name, "-f", "-", context=CONTEXT, stdin=HPA)
    kubectl("create", "clusterrole", "web", "--verb=get", "--resource=pods", context=CONTEXT)
    kubectl("rollout", "status", "deployment/web", "-n", "others", context=CONTEXT)

    def stand() -> dict[str, str]:
        words = f"{FOREIGN_KINDS},serviceaccounts,secrets,horizontalpodautoscalers,clusterroles"
        unlabelled = ("-l", "app.kubernetes.io/managed-by!=mlstack", "-o", "json")
        found = json.loads(kubectl("get", words, "-A", *unlabelled, context=CONTEXT))["items"]
        return {_name(item): f"{item['metadata']['uid']} {_content(item)}" for item in found if _of_test(item)}

    return stand


def _name(item: dict[str, Any]) -> str:
    return f"{item['metadata'].get('namespace', '')} {item['kind']}/{item['metadata']['name']}"


def _content(item: dict[str, Any]) -> str:
    """Everything but the status, and the metadata that goes with it."""
    moving = ("resourceVersion", "managedFields", "generation")
    metadata = {name: value for name, value in item["metadata"].items() if name not in moving}
    return json.dumps({**item, "metadata": metadata, "status": None}, sort_keys=True)


def _of_test(item: dict[str, Any]) -> bool:
    namespace, name = item["metadata"].get("namespace", ""), item["metadata"]["name"]
    return name == "web" or (namespace in ("one", "two", "others") and name not in ("kube-root-ca.crt", "default"))


def made(new_app: Callable[[str], App], name: str) -> App:
    app = new_app(name)
    app.do("env", "add", CONTEXT, "--namespace", name)
    app.write({"components/shared/a.yaml": SHARED, "components/web/a.yaml": WEB, "components/old/a.yaml": OLD})
    return app


def of_app(name: str) -> set[tuple[str, str, str]]:
    """(resource, namespace, name) of what an app may write; what it keeps for itself is called as its inventory."""
    own = [("things", "thing"), ("configmaps", "settings"), ("configmaps", "old"), ("services", "web")]
    wide = {("clusterroles", "", "shared-reader"), ("customresourcedefinitions", "", "things.audit.example")}
    return {(resource, name, one) for resource, one in [*own, ("deployments", "web")]} | wide


def manager_of(app: App) -> str:
    """The field manager of the app's environment, which is also what its inventory is called."""
    files = ("mlstack.yaml", f"environments/{CONTEXT}.yaml")
    return "-".join(["mlstack", *(yaml.safe_load((app.root / file).read_text())["id"] for file in files)])


def of_engine(write: Write, namespace: str, name: str) -> bool:
    """Inventory, lease and receipts."""
    kinds = ("configmaps", "leases", "secrets")
    return write.resource in kinds and write.namespace == namespace and write.name.startswith(name)


def table(steps: dict[str, list[Write]]) -> str:
    """Our writes and the autoscaler's by step, verb and resource; the control plane's own in one number."""
    lines = [f"  {'step':24} {'who':11} {'verb':7} {'resource':18} writes"]
    for step, writes in steps.items():
        ours = Counter(("mlstack", write.verb, write.resource) for write in writes if write.by_mlstack)
        scaled = [write for write in writes if write.resource == "deployments/scale"]
        counts = ours + Counter(("autoscaler", write.verb, write.resource) for write in scaled)
        others = len(writes) - counts.total()
        rows = [(*row, count) for row, count in sorted(counts.items())] or [("mlstack", "-", "-", 0)]
        lines += [f"  {step:24} {who:11} {verb:7} {resource:18} {count}" for who, verb, resource, count in rows]
        lines.append(f"  {step:24} {'controllers':11} {'':7} {'':18} {others}")
    return "\n".join(lines)


@pytest.mark.slow
def test_the_audit_log_of_two_apps_among_others(
    audited: Sandbox,
    new_app: Callable[[str], App],
    kubectl: Kubectl,
    foreign: Callable[[], dict[str, str]],
    webhook: type[Hook],
    capsys: pytest.CaptureFixture[str],
) -> None:
    apps = {name: made(new_app, name) for name in ("one", "two")}
    before = foreign()
    assert len(before) == 11
    audit = Audit(audited.admin_kubeconfig.parent, kubectl)
    audit.writes()
    steps: dict[str, list[Write]] = {}

    def step(title: str, app: str, *words: str, code: int = 0) -> str:
        done = apps[app].run(*words)
        assert done.returncode == code, done.stdout + done.stderr
        steps[f"{app}: {title}"] = written = audit.writes()
        mine = [write for write in written if write.by_mlstack]
        own, manager = of_app(app), manager_of(apps[app])
        places = [w for w in mine if not of_engine(w, app, manager)]
        assert {(w.resource, w.namespace, w.name) for w in places} <= own, title
        assert {write.manager for write in mine if write.verb in ("patch", "create")} <= {manager}
        assert foreign() == before, title
        return done.stdout + done.stderr

    def silent(title: str, app: str, *words: str, code: int = 0) -> str:
        told = step(title, app, *words, code=code)
        assert [write for write in steps[f"{app}: {title}"] if write.by_mlstack] == []
        return told

    first = step("first apply", "one", "apply", CONTEXT)
    assert "create 7" in first
    second = step("first apply", "two", "apply", CONTEXT)
    assert "create 5   change 0   unchanged 0   prune 0   shared 2" in second
    wide = [w for w in steps["two: first apply"] if w.by_mlstack and not w.namespace]
    assert wide == []
    assert webhook.asked >= 10

    for name in apps:  # the autoscalers' minimum is more than the apps ask for
        kubectl(
            "wait", "deployment/web", "-n", name, "--for=jsonpath={.spec.replicas}=3", "--timeout=60s", context=CONTEXT
        )
        kubectl("rollout", "status", "deployment/web", "-n", name, context=CONTEXT)
    steps["-: autoscaler"] = scaled = audit.writes()
    every = [write for writes in steps.values() for write in writes]
    assert {w.namespace for w in every if w.resource == "deployments/scale"} == {"one", "two"}
    assert not [write for write in scaled if write.by_mlstack]

    for name in apps:
        assert "nothing to do" in silent("second apply", name, "apply", CONTEXT)
        live = json.loads(kubectl("get", "deployment/web", "-n", name, "-o", "json", context=CONTEXT))
        assert live["spec"]["replicas"] == 3
        assert live["metadata"]["annotations"]["audit.example.com"] == "seen"

    apps["one"].write({"components/old/a.yaml": OLD.replace("old", "web")})
    kubectl("create", "configmap", "web", "-n", "one", "--from-literal=a=theirs", context=CONTEXT)
    before = foreign()
    audit.writes()
    told = silent("a name that is taken", "one", "apply", CONTEXT, code=1)
    assert "ConfigMap/web: exists, not ours: it belongs to kubectl-create" in told

    unchanged = {"one": 5, "two": 3}  # the shared ones are the first one's
    for name, app in apps.items():
        (app.root / "components/old/a.yaml").unlink()
        (app.root / "components/old").rmdir()
        app.write({"components/web/a.yaml": WEB.replace("blue", "green")})
        printed = step("a change, a prune", name, "apply", CONTEXT)
        assert f"change 1   unchanged {unchanged[name]}   prune 1" in printed
        deleted = [
            write for write in steps[f"{name}: a change, a prune"] if write.by_mlstack and write.verb == "delete"
        ]
        assert [(w.resource, w.name) for w in deleted if w.resource != "leases"] == [("configmaps", "old")]

    two = owned(kubectl, "two")
    step("delete", "one", "delete", CONTEXT, "--yes")
    assert owned(kubectl, "two") == two
    with capsys.disabled():
        print(f"\n{table(steps)}")


def owned(kubectl: Kubectl, app: str) -> dict[str, str]:
    """UID and generation of what belongs to an app."""
    words = (f"{FOREIGN_KINDS},things.audit.example", "-A", "-l", f"app.kubernetes.io/part-of={app}", "-o", "json")
    found = json.loads(kubectl("get", *words, context=CONTEXT))["items"]
    return {_name(item): f"{item['metadata']['uid']} {item['metadata'].get('generation')}" for item in found}
