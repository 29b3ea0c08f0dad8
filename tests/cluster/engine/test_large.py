"""Many objects, large objects, many namespaces, and kinds that are served strangely, on a real API server."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlstack.actions.apply import ApplyFailedError
from mlstack.actions.delete import delete
from mlstack.actions.events import Event, Notice
from mlstack.actions.planning import NOTHING_MORE, plan_session
from mlstack.actions.session import open_session
from mlstack.cluster.discovery import Discovery
from mlstack.errors import NotReadyError
from mlstack.plan.model import Action
from tests.cluster.engine.manifests import config, definition, deployment, thing, together
from tests.cluster.shell import wait_established

if TYPE_CHECKING:
    from mlstack.cluster.client import Client

    from .conftest import Stack

Kubectl = Callable[..., str]
CLUSTER_ADMINISTRATION = frozenset({"pvc", "crd", "namespace"})


@contextmanager
def timed(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{what}: {time.monotonic() - began:.2f} s, peak memory {peak} MB")


@pytest.mark.parametrize("number", [300, pytest.param(5000, marks=pytest.mark.slow)])
def test_many_objects(stack: Stack, namespace: str, kubectl: Kubectl, number: int) -> None:
    names = [f"config-{index:05}" for index in range(number)]
    stack.write("many", together(*(config(name, value=name) for name in names)))
    with timed(f"{number} objects, plan"):
        plan = plan_session(open_session(stack.scope()), NOTHING_MORE).plan
    assert len(plan.writes) == number + 1
    with timed(f"{number} objects, first apply"):
        assert stack.counts(wait="none") == {"create": number + 1}
    assert stack.sent()["PATCH configmaps"] == number
    with timed(f"{number} objects, nothing changed"):
        assert stack.counts(wait="none") == {"unchanged": number}
    assert stack.writes() == {}
    assert sum(stack.sent().values()) == 3  # identity, inventory, one LIST
    found = json.loads(
        kubectl("get", "configmap", "-n", namespace, "-l", "applyset.kubernetes.io/id", "-o", "json", context="gke")
    )
    (parent,) = found["items"]
    size = len(json.dumps(parent))
    print(f"{number} objects: inventory of {size} bytes")
    # A digest and a short UID for each, with its name; packed where they are many.
    assert size < min(130 * number, 250_000)
    with timed(f"{number} objects, delete"):
        assert len(delete(stack.scope(), timeout_s=300).removed) == number


def test_objects_near_a_mebibyte(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    large = "x" * 1_040_000
    stack.write("large", config("large", value=large))
    assert stack.counts(wait="none") == {"create": 2}
    assert stack.counts(wait="none") == {"unchanged": 1}
    assert stack.writes() == {}
    stack.write("large", config("large", value=large.replace("x", "y")))
    assert stack.counts(wait="none") == {"change": 1}
    stack.write("larger", config("larger", value="x" * 1_600_000))
    with pytest.raises(ApplyFailedError, match=r"ConfigMap/larger: .*1048576 bytes") as caught:
        stack.apply(wait="none")
    assert len(str(caught.value)) < 1000


@pytest.mark.slow
def test_the_operators_own_definitions(stack: Stack, binaries: Path) -> None:
    files = sorted((binaries / "crds").glob("*.yaml"))
    assert max(path.stat().st_size for path in files) > 600_000
    for path in files:
        stack.write("crds", path.read_text(), path.name)
    try:
        with timed(f"{len(files)} CRDs, first apply"):
            outcome = stack.apply()
        created = outcome.plan.count(*{change.action for change in outcome.plan.writes})
        with timed(f"{len(files)} CRDs, nothing changed"):
            assert set(stack.counts(wait="none")) == {"unchanged"}
        assert stack.writes() == {}
    finally:
        with timed(f"{len(files)} CRDs, delete"):
            gone = delete(stack.scope(), include=CLUSTER_ADMINISTRATION)
    assert len(gone.removed) == created - 1  # the namespace was created too


@pytest.mark.parametrize("number", [8, pytest.param(50, marks=pytest.mark.slow)])
def test_many_namespaces_are_listed_at_once(stack: Stack, namespace: str, kubectl: Kubectl, number: int) -> None:
    names = [f"{namespace}-{index}" for index in range(number)]
    secret = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: NAME}\n"
    documents = [text for name in names for text in (config("a", name), secret.replace("NAME", name))]
    stack.write("many", "\n---\n".join(documents))
    try:
        assert stack.counts(wait="none") == {"create": 3 * number + 1}
        assert stack.sent()["LIST namespaces"] == 1
        with timed(f"{number} namespaces, nothing changed"):
            assert stack.counts(wait="none") == {"unchanged": 2 * number}
        assert stack.sent() == {
            "GET namespaces": 1,
            "GET configmaps": 1,
            "LIST configmaps": 1,
            "LIST serviceaccounts": 1,
        }
        stack.write("many", "\n---\n".join(documents[:-2]))
        assert stack.counts(wait="none") == {"unchanged": 2 * number - 2, "prune": 2}
        assert len(delete(stack.scope()).removed) == 2 * number - 2
    finally:
        kubectl("delete", "namespace", *names, "--wait=false", "--ignore-not-found", context="gke")


def administrator_of(kubectl: Kubectl, namespaces: list[str]) -> None:
    """A context `tenant` whose user may do everything in these namespaces, and nothing in the whole cluster."""
    home = namespaces[0]
    kubectl("create", "serviceaccount", "tenant", "-n", home, context="gke")
    for name in namespaces:
        account = f"--serviceaccount={home}:tenant"
        kubectl("create", "rolebinding", "tenant", "--clusterrole=cluster-admin", account, "-n", name, context="gke")
    token = kubectl("create", "token", "tenant", "-n", home, context="gke").strip()
    kubectl("config", "set-credentials", "tenant", f"--token={token}")
    cluster = kubectl("config", "view", "-o", 'jsonpath={.contexts[?(@.name=="gke")].context.cluster}')
    kubectl("config", "set-context", "tenant", f"--cluster={cluster}", "--user=tenant")


def test_many_namespaces_are_watched_at_once_or_one_by_one(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    names = [namespace, *(f"{namespace}-{index}" for index in range(4))]
    for name in names:
        kubectl("create", "namespace", name, context="gke")
    stack.write("web", together(*(deployment(namespace=name) for name in names)))
    try:
        assert stack.apply().plan.count(Action.CREATE) == len(names)
        assert stack.sent()["WATCH deployments"] == 1
        assert stack.sent()["WATCH pods"] <= 1
        delete(stack.scope(), timeout_s=60)

        administrator_of(kubectl, names)
        stack.environment("limited", "tenant", namespace)
        assert stack.apply(environment="limited").plan.count(Action.CREATE) == len(names)
        assert stack.sent()["WATCH deployments"] == len(names)
        stack.apply(environment="limited")
        assert stack.writes() == {}
        assert stack.sent()["LIST deployments"] == 1 + len(names)  # the whole cluster is refused
    finally:
        kubectl("delete", "namespace", *names, "--wait=false", context="gke")


HELD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, finalizers: [example.com/hold]}\n"


def release(kubectl: Kubectl, namespace: str) -> None:
    patch = '{"metadata":{"finalizers":null}}'
    kubectl("patch", "configmap", "held", "-n", namespace, "--type=merge", "-p", patch, context="gke")


def test_what_a_finalizer_holds_is_told_and_hangs_nothing(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("free", config("free"))
    stack.write("held", HELD)
    stack.apply(wait="none")
    stack.drop("held")
    assert stack.counts(wait="none") == {"unchanged": 1, "prune": 1}
    told = [event.text for event in stack.events if isinstance(event, Notice)]
    assert told == ["Pruned, and still being deleted: ConfigMap/held (waits for finalizer example.com/hold)."]
    assert stack.counts(wait="none") == {"unchanged": 1, "keep": 1}  # nothing more can be done
    assert stack.writes() == {}
    events: list[Event] = []
    with pytest.raises(NotReadyError, match=r"held \(waits for finalizer example\.com/hold\)"):
        delete(stack.scope(), timeout_s=1, on_event=events.append)
    release(kubectl, namespace)
    delete(stack.scope(), timeout_s=20)
    assert "NotFound" in kubectl("get", "configmap", "held", "-n", namespace, context="gke", check=False)


SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"type": "integer"},
                "rules": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"a": {"type": "string"}, "b": {"type": "string", "default": "c"}},
                    },
                },
            },
        }
    },
}
VERSIONS = ("v1", "v1beta1")


def things(group: str, **versions: str) -> str:
    """Things by name and version."""
    return together(*(thing(group, name, version, rules=[{"a": "x"}]) for name, version in versions.items()))


def test_a_kind_served_in_two_versions(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    """And with a default in an atomic list: the server adds to what we sent, and that is no change."""
    group = f"{namespace}.example.com"
    stack.write("crd", definition(group, SCHEMA, VERSIONS))
    stack.write("things", things(group, one="v1beta1", two="v1"))
    try:
        assert stack.counts(wait="none") == {"create": 4}
        assert stack.counts(wait="none") == {"unchanged": 3}
        assert stack.writes() == {}
        stack.write("things", things(group, one="v1", two="v1"))
        first = stack.counts(wait="none")
        assert first in ({"unchanged": 3}, {"unchanged": 2, "change": 1})
        assert stack.counts(wait="none") == {"unchanged": 3}
        assert stack.writes() == {}
        stack.write("things", things(group, two="v1beta1"))
        assert stack.counts(wait="none")["prune"] == 1
        assert "/one" not in kubectl("get", f"things.{group}", "-n", namespace, "-o", "name", context="gke")
    finally:
        kubectl("delete", "crd", f"things.{group}", "--ignore-not-found", context="gke")


APISERVICE = """
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.GROUP}
spec:
  group: GROUP
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: nowhere, namespace: default}
"""


def until_down(stack: Stack, group: str) -> None:
    client: Client = stack.clients[-1]
    for _ in range(100):
        discovery = Discovery(client)
        if discovery.all() and f"{group}/v1" in discovery.unavailable:
            return
        time.sleep(0.1)
    raise AssertionError(f"{group} is not down")


def test_an_api_that_is_down_is_told_and_its_objects_are_not_forgotten(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    """A CRD's group whose APIService is made to lead nowhere, as that of an aggregated server that broke."""
    group = f"{namespace}.example.com"
    service = APISERVICE.replace("GROUP", group)
    kubectl("apply", "-f", "-", context="gke", stdin=definition(group, SCHEMA, VERSIONS))
    wait_established(kubectl, "gke", f"things.{group}")
    try:
        stack.write("things", things(group, one="v1"))
        stack.write("web", config("web"))
        stack.apply(wait="none")
        kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", context="gke", stdin=service)
        until_down(stack, group)
        stack.drop("things")
        stack.write("web", config("web", a="b"))
        outcome = stack.apply(wait="none")
        assert {str(action) for action in outcome.plan.counts} == {"change"}
        said = f"The API of Thing.{group} does not answer (kubectl get apiservices): left as it is, not pruned."
        assert said in outcome.plan.notices
        kubectl("delete", "apiservice", f"v1.{group}", context="gke")
        for _ in range(100):  # the CRD's own comes back by itself
            if stack.counts(wait="none").get("prune"):
                break
            time.sleep(0.2)
        assert "/one" not in kubectl("get", f"things.{group}", "-n", namespace, "-o", "name", context="gke")
    finally:
        kubectl("delete", "crd", f"things.{group}", "--ignore-not-found", context="gke")
        kubectl("delete", "apiservice", f"v1.{group}", "--ignore-not-found", context="gke")


RENAMED = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: hub}
spec:
  serviceName: hub
  selector: {matchLabels: {app: hub}}
  template:
    metadata: {labels: {app: hub}}
    spec: {containers: [{name: hub, image: hub}]}
  volumeClaimTemplates:
    - metadata: {name: home}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: train}
spec:
  template:
    metadata: {annotations: {sim/run-for: 1s}}
    spec: {restartPolicy: Never, containers: [{name: train, image: busybox}]}
"""


def uids(kubectl: Kubectl, namespace: str) -> dict[str, str]:
    found = kubectl("get", "pvc,statefulset,job", "-n", namespace, "-o", "json", context="gke")
    return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["uid"] for one in json.loads(found)["items"]}


def test_a_renamed_component_moves_without_loss(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("old", RENAMED)
    stack.apply(wait="finished", timeout_s=60)
    before = uids(kubectl, namespace)
    assert {"PersistentVolumeClaim/data", "PersistentVolumeClaim/home-hub-0", "StatefulSet/hub", "Job/train"} <= set(
        before
    )
    stack.drop("old")
    stack.write("new", RENAMED)
    outcome = stack.apply(wait="none", disruption=True)
    assert {str(action) for action in outcome.plan.counts} <= {"change", "done"}
    assert uids(kubectl, namespace) == before
    assert set(stack.counts(wait="none")) <= {"unchanged", "done"}
    assert stack.writes() == {}
    assert stack.counts(disruption=True, wait="none") == stack.counts(wait="none")
    stack.drop("new")
    stack.write("other", config("other"))
    assert stack.counts(wait="none") == {"create": 1, "prune": 2, "keep": 1}
