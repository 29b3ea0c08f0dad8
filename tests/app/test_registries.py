from __future__ import annotations

from pathlib import Path

import pytest

from mlstack.app.registries import address_kind, open_registry
from mlstack.errors import MlstackError


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("built-in", "built-in"),
        ("github.com/google/kubeflow/tree/master/kubeflow", "built-in"),
        ("https://github.com/google/kubeflow/tree/master/kubeflow/", "built-in"),
        ("http://www.github.com/kubeflow/kubeflow/tree/v0.1.2/kubeflow", "built-in"),
        ("github.com/kubeflow/kubeflow", "built-in"),
        ("github.com/kubeflow/kubeflow.git", "built-in"),
        ("github.com/kubeflow/manifests", "git"),
        ("https://example.com/prototypes.git", "git"),
        ("git@example.com:team/prototypes", "git"),
        ("oci://example.com/prototypes", "oci"),
        ("./registry", "folder"),
        ("/srv/registry", "folder"),
        ("~/registry", "folder"),
    ],
)
def test_what_an_address_is(address: str, kind: str) -> None:
    assert address_kind(address) == kind


def test_the_built_in_registry_has_the_packages_of_2017() -> None:
    packages = {package.name for package in open_registry("kubeflow", "built-in", Path()).packages()}
    assert {"core", "tf-job", "tf-serving"} <= packages


def test_a_folder_is_a_registry(registry_folder: Path) -> None:
    registry = open_registry("demo", "./registry", registry_folder.parent)
    assert [package.name for package in registry.packages()] == ["hubs", "jobs"]
    assert registry.description() == "For tests"
    with pytest.raises(MlstackError, match=r"Registry demo has no package job\. Did you mean jobs\?"):
        registry.package("job")


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(MlstackError, match=r"there is no registry\.yaml in \./x"):
        open_registry("demo", "./x", tmp_path).packages()


@pytest.mark.parametrize("address", ["https://example.com/p.git", "oci://example.com/p"])
def test_other_kinds_are_said_not_to_be_supported_yet(address: str) -> None:
    with pytest.raises(MlstackError, match="installs from the built-in registry and from folders only"):
        open_registry("far", address, Path()).package("jobs")
