"""Patches: what no parameter exposes, changed in rendered objects (strategic merge or JSON 6902)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlstack.compose.documents import as_manifests
from mlstack.compose.manifests import Manifest, group_of
from mlstack.compose.places import Place
from mlstack.compose.strategic import DELETED, strategic_merge
from mlstack.errors import MlstackError, did_you_mean

_SHAPES = (
    "A patch is a part of the object (kind, metadata.name and what changes), "
    "or target: {kind, name} with JSON 6902 operations."
)


@dataclass(frozen=True)
class Patch:
    """A change of the object `kind`/`name`: a `body` to merge, or JSON 6902 `operations`.

    `group` and `namespace` narrow the match where the patch names them.
    """

    place: Place
    kind: str
    name: str
    group: str | None = None
    namespace: str | None = None
    body: Mapping[str, Any] | None = field(default=None, hash=False)
    operations: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)

    def matches(self, manifest: Manifest) -> bool:
        """Whether the patch is for this object."""
        metadata = manifest["metadata"]
        return (
            (self.kind, self.name) == (manifest["kind"], metadata["name"])
            and self.group in (None, group_of(manifest))
            and self.namespace in (None, metadata.get("namespace"))
        )


def parse_patch(data: Any, place: Place) -> Patch:
    """The patch that an entry of `patches:` describes. Raises MlstackError with the place."""
    if not isinstance(data, Mapping):
        raise MlstackError(f"{place}: this patch is no map.", _SHAPES)
    operations = data.get("operations", data.get("patch"))
    about = data.get("target") if operations is not None else {**data, **_mapping(data.get("metadata"))}
    about = _mapping(about)
    if not about.get("kind") or not about.get("name"):
        raise MlstackError(f"{place}: this patch does not say the kind and name of its object.", _SHAPES)
    if operations is not None and not _are_operations(operations):
        raise MlstackError(f"{place}: operations must be a list of maps with op and path.", _SHAPES)
    version = about.get("apiVersion")
    return Patch(
        place=place,
        kind=about["kind"],
        name=about["name"],
        group=str(version).rpartition("/")[0] if version else about.get("group"),
        namespace=about.get("namespace"),
        body=None if operations is not None else dict(data),
        operations=tuple(operations or ()),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _are_operations(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, Mapping) and {"op", "path"} <= set(v) for v in value)


def apply_patches(manifests: Sequence[Manifest], patches: Sequence[Patch]) -> list[Manifest]:
    """`manifests` with all patches applied in order. Raises MlstackError with the place of one that fits nothing."""
    found = list(manifests)
    for patch in patches:
        if not any(patch.matches(manifest) for manifest in found):
            names = [f"{manifest['kind']}/{manifest['metadata']['name']}" for manifest in found]
            target = f"{patch.kind}/{patch.name}"
            raise MlstackError(f"{patch.place}: there is no {target} to patch.", did_you_mean(target, names))
        found = [
            patched
            for manifest in found
            for patched in ([manifest] if not patch.matches(manifest) else _patched(manifest, patch))
        ]
    return found


def _patched(manifest: Manifest, patch: Patch) -> list[Manifest]:
    if patch.body is None:
        return as_manifests(_operated(manifest, patch), patch.place)
    result = strategic_merge(manifest, patch.body, patch.place)
    return [] if result is DELETED else as_manifests(result, patch.place)


def _operated(manifest: Manifest, patch: Patch) -> Any:
    import jsonpatch  # few apps have such patches

    try:
        return jsonpatch.JsonPatch([dict(o) for o in patch.operations]).apply(copy.deepcopy(manifest))
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise MlstackError(f"{patch.place}: {patch.kind}/{patch.name} does not take this patch: {error}.") from error
