"""Small prototypes to build on, written where they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mlstack.compose.prototypes import Prototype, parse_prototype
from mlstack.compose.render import Target

MakePrototype = Callable[..., Prototype]


@pytest.fixture
def make_prototype() -> MakePrototype:
    """A prototype tf-cnn from parameters and templates; more keys of prototype.yaml by name."""

    def make(
        parameters: Mapping[str, Any] | None = None,
        templates: Mapping[str, str] | str = "",
        *,
        files: Mapping[str, str] | None = None,
        library: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Prototype:
        head = {"apiVersion": "mlstack.dev/v1", "kind": "Prototype", "name": "tf-cnn", "version": "0.1.0"}
        texts = {"a.yaml": templates} if isinstance(templates, str) else templates
        data = {**head, "parameters": parameters or {}, **more}
        folder = "vendor/kubeflow/tf-job/tf-cnn"
        return parse_prototype(data, texts, files or {}, library or {}, "kubeflow", "tf-job", folder)

    return make


@pytest.fixture
def target() -> Target:
    """Environment gke of the app demo, namespace default."""
    platform = {"gpu": {"resource": "nvidia.com/gpu"}}
    return Target(app="demo", app_id="demo-1a2b", environment="gke", namespace="default", platform=platform)
