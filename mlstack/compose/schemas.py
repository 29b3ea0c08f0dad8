"""Checking objects offline: Kubernetes' own schemas (strictly), those of the app's CRDs, and pod templates in jobs.

The schemas are kubernetes-validate's data files, read without that package's code: it takes 0.5 s to check one
object, jsonschema-rs 0.01 s. They are constants of the installation, so this room stays pure in effect.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack.compose.customkinds import custom_schemas, unreadable_patterns
from mlstack.compose.formats import QUANTITY_PATTERN
from mlstack.compose.manifests import Key, Manifest, group_of, key_of, pod_templates, without_nulls
from mlstack.compose.paths import Step, path_text
from mlstack.compose.shapes import POD_TEMPLATE_GROUPS
from mlstack.errors import did_you_mean

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, Registry, ValidationError

_ADDRESS = "file:///api/_definitions.json"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_POD_TEMPLATE = "io.k8s.api.core.v1.PodTemplateSpec"
# These two say oneOf(string, integer) there, and let any text pass for a quantity.
_CORRECTED = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"], "pattern": QUANTITY_PATTERN},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
}


@dataclass(frozen=True)
class Problem:
    """What is wrong in one object. `unchecked`: nothing is known to be wrong, but the kind has no schema here."""

    component: str
    key: Key
    path: str
    message: str
    unchecked: bool = False

    def __str__(self) -> str:
        at = f" {self.path}" if self.path else ""
        return f"{self.component}: {self.key}{at}: {self.message}"


def validate(manifests: Sequence[Manifest], crds: Iterable[Manifest] = ()) -> list[Problem]:
    """All problems of `manifests`, in their order. `crds` are known beside those among `manifests`."""
    checker = _Checker([*crds, *(m for m in manifests if m["kind"] == "CustomResourceDefinition")])
    # A pod template of a job can fail by its CRD and by PodTemplateSpec: once is enough.
    return list(dict.fromkeys(problem for manifest in manifests for problem in checker.problems(manifest)))


class _Checker:
    """Validators by kind, compiled when first needed."""

    def __init__(self, crds: Sequence[Manifest]) -> None:
        self._custom = custom_schemas(crds, _reference(_META))
        self._validators: dict[str, Draft202012Validator] = {}

    def problems(self, manifest: Manifest) -> Iterator[Problem]:
        version, kind = manifest["apiVersion"], manifest["kind"]
        tidy = without_nulls(manifest)
        if kind == "CustomResourceDefinition":
            for pattern in unreadable_patterns(tidy):
                message = f"not checked: the pattern {pattern}, whose regular expression only the server reads"
                yield Problem(_component(manifest), key_of(manifest), "", message, unchecked=True)
        name = _builtin().kinds.get((version, kind))
        if name is not None:
            yield from self._found(manifest, _reference(name), tidy, ())
            return
        if (version, kind) in self._custom:
            yield from self._found(manifest, self._custom[version, kind], tidy, ())
        else:
            message = f"not checked: no schema is known of {kind} in {version}"
            yield Problem(_component(manifest), key_of(manifest), "", message, unchecked=True)
        for path, template in pod_templates(tidy) if group_of(manifest) in POD_TEMPLATE_GROUPS else ():
            yield from self._found(manifest, _reference(_POD_TEMPLATE), template, path)

    def _found(
        self, manifest: Manifest, schema: Mapping[str, Any], value: Any, prefix: Sequence[Step]
    ) -> Iterator[Problem]:
        for error in self._validator(schema).iter_errors(value):
            steps = [*prefix, *error.instance_path]
            path = path_text(without_nulls(manifest), steps)
            yield Problem(_component(manifest), key_of(manifest), path, _message(error, schema))

    def _validator(self, schema: Mapping[str, Any]) -> Draft202012Validator:
        from jsonschema_rs import Draft202012Validator

        key = schema.get("$ref") or str(id(schema))
        if key not in self._validators:
            self._validators[key] = Draft202012Validator(dict(schema), registry=_builtin().registry)
        return self._validators[key]


@dataclass(frozen=True)
class _Builtin:
    """Kubernetes' definitions: (apiVersion, kind) -> name, the schemas by name, and the registry that holds them."""

    kinds: Mapping[tuple[str, str], str]
    definitions: Mapping[str, Any]
    registry: Registry


@lru_cache(maxsize=1)
def _builtin() -> _Builtin:
    from jsonschema_rs import Registry

    document = json.loads((_newest() / "_definitions.json").read_text())
    definitions = document["$defs"]
    definitions.update(_CORRECTED)
    kinds = {}
    for name, schema in definitions.items():
        for gvk in schema.get("x-kubernetes-group-version-kind", ()):
            version = "/".join(part for part in (gvk["group"], gvk["version"]) if part)
            kinds[version, gvk["kind"]] = name
    return _Builtin(kinds, definitions, Registry([(_ADDRESS, document)]))


def _newest() -> Path:
    """The folder of the newest Kubernetes version's strict schemas."""
    spec = importlib.util.find_spec("kubernetes_validate")
    assert spec is not None, "kubernetes-validate is a dependency of mlstack"
    assert spec.submodule_search_locations, "kubernetes-validate is a package"
    folders = Path(spec.submodule_search_locations[0]).glob("kubernetes-json-schema/v*-local-strict")
    return max(folders, key=lambda folder: [int(n) for n in folder.name[1:].partition("-")[0].split(".")])


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"{_ADDRESS}#/$defs/{name}"}


def _component(manifest: Manifest) -> str:
    labels = manifest["metadata"].get("labels") or {}
    return str(labels.get("app.kubernetes.io/instance", ""))


def _message(error: ValidationError, schema: Mapping[str, Any]) -> str:
    kind: Any = error.kind  # the stubs do not tell the kinds' own attributes
    match type(kind).__name__:
        case "AdditionalProperties":
            unknown = sorted(kind.unexpected)
            return f"unknown field {', '.join(unknown)}{_nearest(unknown[0], _known_fields(error, schema))}"
        case "Required":
            return f"needs {kind.property}"
        case "Type":
            words = " or ".join(sorted(t for t in kind.types if t != "null"))
            return f"{json.dumps(error.instance)[:80]} must be of type {words}"
        case "Pattern" if kind.pattern == QUANTITY_PATTERN:
            return f"{json.dumps(error.instance)[:80]} is no quantity such as 500m, 2 or 4Gi"
        case _:
            return error.message


def _nearest(wrong: str, known: Mapping[str, Any]) -> str:
    # A Pod's spec has 40 fields: only a near one, or few, are worth reading.
    hint = did_you_mean(wrong, known)
    return f". {hint}" if hint and (len(known) <= 8 or hint.startswith("Did")) else ""


def _known_fields(error: ValidationError, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties beside the keyword that failed; empty where its path leads nowhere."""
    steps = list(error.schema_path)[:-1]
    node: Any = {"$defs": _builtin().definitions} if steps[:1] == ["$defs"] else schema
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node.get(step, {})
    found = node.get("properties", {}) if isinstance(node, Mapping) else {}
    return found if isinstance(found, Mapping) else {}
