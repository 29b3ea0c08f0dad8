from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlstack.actions.registries import add_registry, describe_registry, list_registries
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample

OLD = "github.com/google/kubeflow/tree/master/kubeflow"


def test_the_old_address_means_the_built_in_packages(empty_app: Sample) -> None:
    done = add_registry(empty_app.project(), "kubeflow", OLD)
    assert done.summary == (f"Registry kubeflow: {OLD} means the built-in packages; added, no network needed.",)
    assert empty_app.project().app.string("registries", "kubeflow") == "built-in"
    before = empty_app.tree()
    again = add_registry(empty_app.project(), "kubeflow", OLD)
    assert (again.changed, empty_app.tree()) == (False, before)
    assert "known already" in again.summary[0]


def test_a_folder_is_stored_as_others_can_use_it(empty_app: Sample) -> None:
    done = add_registry(empty_app.project(), "mine", str(empty_app.registry))
    assert done.address == "../registry"
    assert describe_registry(empty_app.project(), "mine").packages == (("hubs", "0.2.0", ""), ("jobs", "0.1.0", "Jobs"))


def test_the_same_address_twice_is_nothing_and_another_is_refused(empty_app: Sample) -> None:
    before = empty_app.tree()
    assert add_registry(empty_app.project(), "demo", str(empty_app.registry)).summary == (
        "Registry demo is known already: ../registry.",
    )
    with pytest.raises(MlstackError, match=r"Registry demo is \.\./registry already \(mlstack\.yaml:6\)"):
        add_registry(empty_app.project(), "demo", "https://example.com/x.git")
    assert empty_app.tree() == before


def test_git_and_oci_are_stored_for_later(empty_app: Sample) -> None:
    done = add_registry(empty_app.project(), "far", "oci://example.com/x")
    assert done.summary == ("Added registry far: oci://example.com/x. Installing from this kind is not supported yet.",)
    infos = {info.name: info for info in list_registries(empty_app.project())}
    assert (infos["far"].kind, infos["far"].packages) == ("oci", ())
    assert infos["demo"].description == "For tests"


@pytest.mark.parametrize(
    ("name", "address", "sentence"),
    [
        ("x", "./nope", r"\./nope is no folder, and no address that is known"),
        ("x", ".", r"there is no registry\.yaml"),
        ("X Y", "built-in", "cannot be the name of a registry"),
    ],
)
def test_what_is_no_registry(
    empty_app: Sample, name: str, address: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(empty_app.root)
    before = empty_app.tree()
    with pytest.raises(MlstackError, match=sentence):
        add_registry(empty_app.project(), name, address)
    assert empty_app.tree() == before


def test_a_registry_that_is_gone(empty_app: Sample) -> None:
    empty_app.registry.rename(empty_app.registry.with_name("moved"))
    assert list_registries(empty_app.project())[0].packages == ()
    with pytest.raises(MlstackError, match=r"there is no registry\.yaml in \.\./registry"):
        describe_registry(empty_app.project(), "demo")
