from __future__ import annotations

import copy
from typing import Any

import pytest

from mlstack.compose.patches import Patch, apply_patches, parse_patch
from mlstack.compose.places import Place
from mlstack.errors import MlstackError

PLACE = Place("environments/gke.yaml", 12)


def deployment() -> dict[str, Any]:
    containers = [{"name": "main", "image": "a:1", "args": ["x", "y"]}, {"name": "side", "image": "b:1"}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "team"},
        "spec": {"replicas": 1, "template": {"spec": {"containers": containers}}},
    }


def service() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}


def patched(*patches: Any) -> list[dict[str, Any]]:
    return apply_patches([deployment(), service()], [parse_patch(data, PLACE) for data in patches])


def test_a_part_of_the_object_is_merged_into_it() -> None:
    body = {
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "a:2"}]}}},
    }
    web, other = patched(body)
    expected = deployment()
    expected["spec"]["template"]["spec"]["containers"][0]["image"] = "a:2"
    assert (web, other) == (expected, service())


def test_json_6902_operations() -> None:
    operations = [
        {"op": "test", "path": "/spec/replicas", "value": 1},
        {"op": "replace", "path": "/spec/replicas", "value": 3},
        {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "z"},
        {"op": "remove", "path": "/spec/template/spec/containers/1"},
        {"op": "copy", "from": "/spec/replicas", "path": "/spec/copied"},
        {"op": "move", "from": "/spec/copied", "path": "/spec/moved"},
    ]
    web, _ = patched({"target": {"kind": "Deployment", "name": "web"}, "operations": operations})
    [container] = web["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["x", "y", "z"]
    assert (web["spec"]["replicas"], web["spec"]["moved"]) == (3, 3)
    assert "copied" not in web["spec"]


def test_the_key_patch_is_another_word_for_operations() -> None:
    patch = [{"op": "replace", "path": "/spec/replicas", "value": 2}]
    web, _ = patched({"target": {"kind": "Deployment", "name": "web"}, "patch": patch})
    assert web["spec"]["replicas"] == 2


def test_patches_come_one_after_the_other() -> None:
    def body(replicas: int) -> dict[str, Any]:
        return {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": replicas}}

    web, _ = patched(body(2), body(3))
    assert web["spec"]["replicas"] == 3


def test_an_object_can_be_taken_away() -> None:
    assert patched({"kind": "Deployment", "metadata": {"name": "web"}, "$patch": "delete"}) == [service()]


@pytest.mark.parametrize(
    ("about", "matches"),
    [
        ({"kind": "Deployment"}, True),
        ({"kind": "Deployment", "apiVersion": "apps/v1"}, True),
        ({"kind": "Deployment", "apiVersion": "apps/v1beta1"}, True),
        ({"kind": "Deployment", "apiVersion": "v1"}, False),
        ({"kind": "Deployment", "metadata": {"namespace": "team"}}, True),
        ({"kind": "Deployment", "metadata": {"namespace": "other"}}, False),
        ({"kind": "StatefulSet"}, False),
    ],
)
def test_what_a_patch_matches(about: dict[str, Any], matches: bool) -> None:
    data = {**about, "metadata": {"name": "web", **about.get("metadata", {})}}
    assert parse_patch(data, PLACE).matches(deployment()) is matches


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("text", "this patch is no map"),
        ({"spec": {}}, "this patch does not say the kind and name"),
        ({"kind": "A", "metadata": "b"}, "this patch does not say the kind and name"),
        ({"operations": []}, "this patch does not say the kind and name"),
        ({"target": {"kind": "A"}, "operations": []}, "this patch does not say the kind and name"),
        ({"target": {"kind": "A", "name": "b"}, "operations": {}}, "operations must be a list"),
        ({"target": {"kind": "A", "name": "b"}, "operations": [{"op": "add"}]}, "operations must be a list"),
    ],
)
def test_what_is_no_patch_is_refused_by_its_place(data: Any, problem: str) -> None:
    with pytest.raises(MlstackError) as caught:
        parse_patch(data, PLACE)
    assert caught.value.message.startswith(f"environments/gke.yaml:12: {problem}")


def test_a_patch_that_fits_nothing_is_an_error() -> None:
    with pytest.raises(MlstackError) as caught:
        patched({"kind": "Deployment", "metadata": {"name": "wep"}})
    assert str(caught.value) == (
        "environments/gke.yaml:12: there is no Deployment/wep to patch. Did you mean Deployment/web?"
    )


@pytest.mark.parametrize(
    ("operations", "reason"),
    [
        ([{"op": "remove", "path": "/spec/nothing"}], "nothing"),
        ([{"op": "test", "path": "/spec/replicas", "value": 9}], "9"),
        ([{"op": "jump", "path": "/spec"}], "jump"),
        ([{"op": "add", "path": "/spec/x/y/z", "value": 1}], "x"),
        ([{"op": "add", "path": "spec", "value": 1}], "start with"),
        ([{"op": "replace", "path": "/spec/replicas"}], "value"),
    ],
)
def test_operations_that_fail_are_told_by_their_place(operations: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(MlstackError) as caught:
        patched({"target": {"kind": "Deployment", "name": "web"}, "operations": operations})
    assert caught.value.message.startswith("environments/gke.yaml:12: Deployment/web does not take this patch: ")
    assert reason in caught.value.message


def test_what_a_patch_leaves_must_be_an_object() -> None:
    operations = [{"op": "remove", "path": "/metadata/name"}]
    with pytest.raises(MlstackError, match="this Deployment needs a metadata"):
        patched({"target": {"kind": "Deployment", "name": "web"}, "operations": operations})


def test_the_given_objects_are_not_changed() -> None:
    before = [deployment(), service()]
    given = copy.deepcopy(before)
    body = {
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": [{"name": "n"}]}}},
    }
    operations = ({"op": "remove", "path": "/spec/ports/0"},)
    apply_patches(given, [parse_patch(body, PLACE), Patch(PLACE, "Service", "web", operations=operations)])
    assert given == before
