"""The catalogue of this repository, and what its prototypes render; read once per process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from mlstack.app.packages import read_package, read_prototype
from mlstack.app.platforms import platform_names, platform_path, read_platform
from mlstack.bundled import bundled
from mlstack.compose.layers import Layer
from mlstack.compose.manifests import Manifest
from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Component, Rendered, Target, render
from mlstack.compose.trees import SourceFile, Tree
from mlstack.errors import MlstackError
from tests.prototypes.pairs import Rows, Values, bare, pairwise, variants

FULLEST = "gke"  # the platform that has GPU models and spot nodes
CODE = Tree("train/", {"train.py": SourceFile(b"print('trained')\n"), "data.bin": SourceFile(b"\xff\x00")})


@lru_cache
def platforms() -> dict[str, dict[str, Any]]:
    """The platforms' mappings by name."""
    return {name: read_platform(platform_path(name), f"environments/{name}.yaml") for name in platform_names()}


@lru_cache
def catalogue() -> dict[str, Prototype]:
    """The prototypes by name."""
    folders = sorted(path.parent for path in bundled("prototypes").glob("*/package.yaml"))
    packages = [read_package(folder, "kubeflow", f"prototypes/{folder.name}") for folder in folders]
    return {name: read_prototype(package, name) for package in packages for name in package.prototypes}


PROTOTYPES = sorted(path.parent.name for path in bundled("prototypes").glob("*/*/prototype.yaml"))
PLATFORMS = sorted(path.stem for path in bundled("environments").glob("*.yaml"))


def required(prototype: str) -> Values:
    """Values for what a prototype requires."""
    one = catalogue()[prototype]
    return {name: variants(parameter)[0] for name, parameter in one.parameters.items() if parameter.required}


def show(prototype: str, platform: str = "generic", **values: Any) -> Rendered:
    """A component called x of a prototype, with what it requires. Raises MlstackError for what is refused."""
    data, one = platforms()[platform], catalogue()[prototype]
    given = {**required(prototype), **values}
    layers = (Layer(f"platform {platform}", data["params"], wide=True), Layer("components/x.yaml", given))
    paths = [name for name, parameter in one.parameters.items() if parameter.format == "path"]
    trees = {name: CODE for name in paths if given.get(name)}
    component = Component("x", one, layers, trees=trees)
    return render(component, Target("app", "id", platform, "team", data))


@lru_cache
def sets(prototype: str) -> Rows:
    """The pairwise sets of a prototype, as it takes them on the platform that has most."""
    return pairwise(catalogue()[prototype], lambda values: refusal(prototype, FULLEST, values) == "")


def refusal(prototype: str, platform: str, values: Mapping[str, Any]) -> str:
    """Why a prototype does not render with these values; "" where it does."""
    try:
        show(prototype, platform, **values)
    except MlstackError as error:
        return str(error)
    return ""


def on(values: Values, platform: str) -> Values:
    """A set without what a platform does not have: names of GPU models, spot nodes."""
    data = platforms()[platform]
    lacking = {"accelerator_type": "" if not data["gpu"]["types"] else None, "spot": None if data["spot"] else False}
    return {name: value if lacking.get(bare(name)) is None else lacking[bare(name)] for name, value in values.items()}


def rendered_sets(prototype: str, platform: str) -> Iterator[tuple[Values, Rendered]]:
    """The defaults and every pairwise set of a prototype, rendered on a platform."""
    for values in ({}, *sets(prototype).rows):
        fitting = on(values, platform)
        yield fitting, show(prototype, platform, **fitting)


@lru_cache
def on_fullest(prototype: str) -> tuple[tuple[Values, Rendered], ...]:
    """`rendered_sets` on the platform that has most, which several tests look at."""
    return tuple(rendered_sets(prototype, FULLEST))


@lru_cache
def objects(prototype: str) -> dict[str, tuple[str, Manifest]]:
    """Every different object of a prototype's sets on all platforms, with the set that it came from."""
    found: dict[str, tuple[str, Manifest]] = {}
    for platform in PLATFORMS:
        for values, rendered in on_fullest(prototype) if platform == FULLEST else rendered_sets(prototype, platform):
            for manifest in rendered.manifests:
                text = json.dumps(manifest, sort_keys=True)
                if text not in found:
                    found[text] = (f"on {platform} with {values}", manifest)
    return found
