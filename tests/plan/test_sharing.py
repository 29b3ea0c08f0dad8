from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.plan.inventory import COMPONENT, Inventory, Owner, entry, shrunk, to_stored
from mlstack.plan.model import Action, Change
from mlstack.plan.sharing import Neighbor, kept_for, may_be_relied_on, neighbors, relied_on

OWNER = Owner("shop", "prod", "mlstack-1-2", "n", "mlstack-1-2")
OTHER = Owner("shop", "staging", "mlstack-1-3", "m", "mlstack-1-3")
SHARED = {"mlstack.dev/shared": "true"}


def make(kind: str, api: str = "v1", component: str = "operator", annotations: Any = None, **more: Any) -> Manifest:
    metadata = {"name": f"{kind.lower()}-x", "labels": {COMPONENT: component}, "annotations": annotations or {}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


CRD = make(
    "CustomResourceDefinition",
    "apiextensions.k8s.io/v1",
    annotations=SHARED,
    spec={"group": "kubeflow.org", "names": {"kind": "TFJob"}},
)
ROLE = make("ClusterRole", "rbac.authorization.k8s.io/v1", annotations=SHARED)
OPERATOR = make("Deployment", "apps/v1", annotations={"mlstack.dev/shared-with": "ClusterRole/clusterrole-x"})
ELSEWHERE = make("PriorityClass", "scheduling.k8s.io/v1", component="other", annotations=SHARED)
PLAIN = make("ConfigMap")
SPACE = make("Namespace")
ALL = {key_of(one): one for one in (CRD, ROLE, OPERATOR, ELSEWHERE, PLAIN, SPACE)}
JOBS = Neighbor("staging", frozenset({("kubeflow.org", "TFJob")}), frozenset({"m"}))


def parent(owner: Owner, *keys: Key, uses: tuple[Key, ...] = ()) -> Manifest:
    inventory = shrunk(Inventory(uses=frozenset(map(entry, uses))), dict.fromkeys(keys, ""), {}, {})
    stored = to_stored(inventory, owner)
    head = {"name": owner.name, "namespace": owner.namespace}
    return {"metadata": {**head, "labels": dict(stored.labels), "annotations": dict(stored.annotations)}}


def test_the_other_environments_by_the_metadata_of_their_inventories() -> None:
    job, role = Key("kubeflow.org", "TFJob", "jobs", "cnn"), key_of(ROLE)
    (found,) = neighbors([parent(OWNER), parent(OTHER, job, uses=(role,))], OWNER)
    assert found == Neighbor(
        "mlstack app shop, environment staging",
        frozenset({("kubeflow.org", "TFJob")}),
        frozenset({"m", "jobs"}),
        frozenset({entry(role)}),
    )
    former = {"metadata": {"name": "mlstack-9-9", "namespace": "m"}}
    (found,) = neighbors([former], OWNER)
    assert found == Neighbor(
        "another mlstack environment (inventory mlstack-9-9 in namespace m)", namespaces=frozenset({"m"})
    )


@pytest.mark.parametrize(
    ("other", "names"),
    [
        (Neighbor("x"), []),
        (Neighbor("x", frozenset({("", "ConfigMap")})), []),
        (JOBS, ["clusterrole-x", "customresourcedefinition-x", "deployment-x"]),
        (Neighbor("x", uses=frozenset({entry(key_of(ELSEWHERE))})), ["priorityclass-x"]),
        (Neighbor("x", uses=frozenset({entry(key_of(ROLE))})), ["clusterrole-x", "deployment-x"]),
        (Neighbor("x", namespaces=frozenset({"namespace-x"})), ["namespace-x"]),
    ],
)
def test_what_is_relied_on(other: Neighbor, names: list[str]) -> None:
    found = relied_on(ALL, ALL, [Neighbor("nobody"), other])
    assert sorted(key.name for key in found) == names
    assert set(found.values()) <= {other.name}


def test_an_operator_is_relied_on_by_the_kinds_of_definitions_that_stay() -> None:
    assert list(relied_on({key_of(ROLE): ROLE}, ALL, [JOBS])) == [key_of(ROLE)]
    assert relied_on({key_of(ROLE): ROLE}, {key_of(ROLE): ROLE}, [JOBS]) == {}


def test_for_most_removals_nobody_need_be_asked() -> None:
    asked = [live["kind"] for key, live in ALL.items() if may_be_relied_on(key, live)]
    assert asked == ["CustomResourceDefinition", "ClusterRole", "Deployment", "PriorityClass", "Namespace"]


def test_a_prune_of_it_becomes_a_keep() -> None:
    removals = [Change(key_of(one), Action.PRUNE, "operator") for one in (ROLE, PLAIN)]
    kept, gone = kept_for(removals, {key_of(ROLE): "staging"})
    assert (kept.action, kept.reason) == (Action.KEEP, "kept: staging relies on it; --include shared removes it")
    assert gone is removals[1]
