from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlstack.compose.layers import Setting
from mlstack.compose.objects import refuse_bad_names, refuse_duplicates, refuse_secret_data
from mlstack.compose.places import Place
from mlstack.errors import MlstackError

NAME = Setting("name", "x", "components/x.yaml", Place("components/x.yaml", 4))


def manifest(name: str, api_version: str = "v1", kind: str = "ConfigMap", **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **more}


@pytest.mark.parametrize(
    "good",
    [
        manifest("a"),
        manifest("a-1"),
        manifest("n" * 63),
        manifest("n" * 253),
        manifest("tfjobs.kubeflow.org"),
        manifest("a." * 100 + "b"),
        manifest("system:thing", "rbac.authorization.k8s.io/v1", "ClusterRole"),
    ],
)
def test_good_names(good: dict[str, Any]) -> None:
    refuse_bad_names([good], "x", NAME)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("A", "is no DNS name"),
        ("a_b", "is no DNS name"),
        ("a-", "is no DNS name"),
        ("a..b", "is no DNS name"),
        ("a\n", "is no DNS name"),
    ],
)
def test_bad_names(name: str, reason: str) -> None:
    with pytest.raises(MlstackError) as caught:
        refuse_bad_names([manifest(name)], "x (a/b/c)", NAME)
    assert caught.value.message.startswith(f"components/x.yaml:4: x (a/b/c): ConfigMap/{name} {reason}")
    assert "(parameter name = x)" in caught.value.message


@pytest.mark.parametrize(
    ("kind", "name", "most"),
    [("Service", "x" + "n" * 66, 59), ("ConfigMap", "x" + "a." * 130 + "b", 54), ("ConfigMap", "x" + "n" * 256, 59)],
)
def test_the_most_that_a_name_may_have_is_told_once(kind: str, name: str, most: int) -> None:
    setting = replace(NAME, value="x" * 63)
    with pytest.raises(MlstackError) as caught:
        refuse_bad_names([manifest("n" * 64, kind="Service"), manifest(name, kind=kind)], "x (a/b/c)", setting)
    start = f"components/x.yaml:4: x (a/b/c): name must have at most {most} characters, got xxx"
    assert caught.value.message.startswith(start)
    assert f"({kind}/{name} is too long)" in caught.value.message


def test_secrets_without_data_and_other_kinds_pass() -> None:
    refuse_secret_data([manifest("a", kind="Secret"), manifest("a", data={"b": "c"})], "x")
    refuse_secret_data([manifest("a", "example.com/v1", "Secret", data={"b": "c"})], "x")


def test_an_error_about_a_secret_does_not_repeat_it() -> None:
    with pytest.raises(MlstackError) as caught:
        refuse_secret_data([manifest("a", kind="Secret", stringData={"key": "hunter2"})], "here")
    assert "hunter2" not in str(caught.value)


def test_same_names_of_other_kinds_groups_and_namespaces_pass() -> None:
    other = {**manifest("a"), "metadata": {"name": "a", "namespace": "n"}}
    kinds = [manifest("a"), manifest("a", kind="Service"), manifest("a", "x.io/v1"), other]
    refuse_duplicates({"one": kinds, "two": [manifest("b")]})


def test_two_versions_of_an_object_are_the_same_object() -> None:
    with pytest.raises(MlstackError, match="Components one and two both make Job/a"):
        refuse_duplicates({"one": [manifest("a", "b/v1", "Job")], "two": [manifest("a", "b/v2", "Job")]})
