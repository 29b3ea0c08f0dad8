"""Renders of the prototypes and platforms that this repository ships."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml

from mlstack import sandbox
from mlstack.app.packages import read_package, read_prototype
from mlstack.app.platforms import platform_names, platform_path, read_platform
from mlstack.bundled import bundled
from mlstack.compose.layers import Layer
from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Component, Rendered, Target, render

Show = Callable[..., Rendered]

REQUIRED: Mapping[str, Mapping[str, Any]] = {
    "tf-job": {"image": "registry.example.com/train:1"},
    "tf-serving": {"model_path": "gs://kubeflow-models/inception"},
}


@pytest.fixture(scope="session")
def platforms() -> dict[str, dict[str, Any]]:
    """The platforms' mappings by name."""
    return {name: read_platform(platform_path(name), f"environments/{name}.yaml") for name in platform_names()}


@pytest.fixture(scope="session")
def catalogue() -> dict[str, Prototype]:
    """The prototypes by name."""
    folders = sorted(path.parent for path in bundled("prototypes").glob("*/package.yaml"))
    packages = [read_package(folder, "kubeflow", f"prototypes/{folder.name}") for folder in folders]
    return {name: read_prototype(package, name) for package in packages for name in package.prototypes}


@pytest.fixture(scope="session")
def show(catalogue: dict[str, Prototype], platforms: dict[str, dict[str, Any]]) -> Show:
    """`show(prototype, platform="generic", **values)`: a component called x, with what it requires."""

    def show(prototype: str, platform: str = "generic", **values: Any) -> Rendered:
        given = {**REQUIRED.get(prototype, {}), **values}
        layers = (
            Layer(f"platform {platform}", platforms[platform]["params"], wide=True),
            Layer("components/x.yaml", given),
        )
        target = Target("app", "id", platform, "team", platforms[platform])
        return render(Component("x", catalogue[prototype], layers), target)

    return show


@pytest.fixture(scope="session")
def one(show: Show) -> Callable[..., dict[str, Any]]:
    """`one(kind, prototype, …)`: the object of that kind, or `kind/name`, that `show` renders."""

    def one(kind: str, *args: Any, **values: Any) -> dict[str, Any]:
        wanted, _, name = kind.partition("/")
        found = [
            manifest
            for manifest in show(*args, **values).manifests
            if manifest["kind"] == wanted and name in ("", manifest["metadata"]["name"])
        ]
        assert len(found) == 1, f"{len(found)} objects are {kind}"
        return found[0]

    return one


@pytest.fixture(scope="session")
def upstream_crds() -> dict[str, dict[str, Any]]:
    """The training operator's own definitions by kind; the sandbox's build keeps them, and is made if need be."""
    folder = sandbox.find(may_build=True, progress=lambda _: None).folder / "crds"
    found = [yaml.load(path.read_text(), yaml.CSafeLoader) for path in sorted(folder.glob("kubeflow.org_*.yaml"))]
    return {crd["spec"]["names"]["kind"]: crd for crd in found}
