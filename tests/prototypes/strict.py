"""Kubernetes' own schemas of several versions, strictly, and the operators' own definitions: a checker for tests.

Beside mlstack's `validate`, which knows the newest version and the app's own definitions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import kubernetes_validate
from jsonschema_rs import Draft202012Validator, Registry

from mlstack.compose.customkinds import custom_schemas
from mlstack.compose.formats import QUANTITY_PATTERN
from mlstack.compose.manifests import Manifest, pod_templates
from tests.upstream.crds import FILES, crd

VERSIONS = ("1.33", "1.34", "1.35", "1.36", "1.37")
ADDRESS = "file:///api/_definitions.json"
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
POD_TEMPLATE = "io.k8s.api.core.v1.PodTemplateSpec"
# The project's schemas say oneOf(string, integer) of these, which an integer as text fits twice.
CORRECTED = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"], "pattern": QUANTITY_PATTERN},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
}


class Strict:
    """The schemas of one Kubernetes version."""

    def __init__(self, version: str) -> None:
        folder = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema" / f"v{version}.0-local-strict"
        document = json.loads((folder / "_definitions.json").read_text("utf-8"))
        document["$defs"].update(CORRECTED)
        self._registry = Registry([(ADDRESS, document)])
        self._names = {
            ("/".join(part for part in (gvk["group"], gvk["version"]) if part), gvk["kind"]): name
            for name, schema in document["$defs"].items()
            for gvk in schema.get("x-kubernetes-group-version-kind", ())
        }
        self._validators: dict[str, Draft202012Validator] = {}

    def problems(self, manifest: Manifest) -> Iterator[str]:
        """What is wrong with an object, a sentence each. A kind that nobody defines is wrong."""
        version, kind = manifest["apiVersion"], manifest["kind"]
        name = self._names.get((version, kind))
        if name is not None:
            yield from self._found(name, reference(name), manifest)
            return
        custom = custom_of(version, kind)
        if custom is None:
            yield f"nobody defines {kind} in {version}"
            return
        yield from self._found(f"{kind} in {version}", custom, manifest)
        for path, template in pod_templates(manifest):
            for problem in self._found(POD_TEMPLATE, reference(POD_TEMPLATE), template):
                yield f"{'.'.join(path)}: {problem}"

    def _found(self, key: str, schema: Mapping[str, Any], value: Any) -> Iterator[str]:
        if key not in self._validators:
            self._validators[key] = Draft202012Validator(dict(schema), registry=self._registry)
        for error in self._validators[key].iter_errors(value):
            yield f"{'.'.join(map(str, error.instance_path))}: {error.message[:300]}"


def reference(name: str) -> dict[str, str]:
    """A schema that is one of Kubernetes' own."""
    return {"$ref": f"{ADDRESS}#/$defs/{name}"}


@cache
def custom_of(version: str, kind: str) -> Mapping[str, Any] | None:
    """The schema of an operator's kind; None where no operator defines it."""
    return custom_schemas([crd(kind)] if kind in FILES else [], reference(META)).get((version, kind))


@lru_cache
def strict(version: str) -> Strict:
    """The checker of one version, made once."""
    return Strict(version)
