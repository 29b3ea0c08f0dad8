"""The hash of a run in three parts: its spec as it is written, its spec by meaning, and the files that it mounts.

The first alone is the hash that earlier versions stored. A run whose spec is spelled otherwise and means the same is
the same run; where only the spec moved, the API server can tell (decision 18).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlstack.compose.manifests import Manifest, copied, group_of, pod_templates
from mlstack.compose.shapes import POD_TEMPLATE_GROUPS
from mlstack.plan.quantities import amount

BETWEEN = "-"  # the parts of a hash
OR = "~"  # hashes that the server found to mean the same run


def full_hash(written: str, manifest: Manifest, files: Any) -> str:
    """The three parts. `written`: the first of them; `files`: what the run mounts."""
    return BETWEEN.join((written, hashed(meaning(manifest)), hashed(files)))


def hashed(facts: Any) -> str:
    """Ten hex digits over plain data."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:10]


def same_run(stored: str, wanted: str) -> bool | None:
    """Whether both are hashes of the same run; None where only the spec differs, so that the server may know."""
    written, *parts = wanted.split(BETWEEN)
    known = [each.split(BETWEEN) for each in stored.split(OR)]
    if any(own[0] == written or (parts and own[1:] == parts) for own in known):
        return True
    return None if parts and any(own[2:] == parts[1:] for own in known) else False


def joined(wanted: str, stored: str) -> str:
    """A hash that stands for both, once the server has found them to mean the same."""
    return f"{wanted}{OR}{stored.rpartition(OR)[2]}"


def stands_for(stored: str, written: str) -> bool:
    """Whether a stored hash stands for the one that a live object carries, too."""
    return written in stored.split(OR)


def meaning(manifest: Manifest) -> Any:
    """The spec without metadata, in the spelling that is certain: each quantity of its pod templates by its amount."""
    copy = copied(manifest)
    if group_of(copy) in POD_TEMPLATE_GROUPS or group_of(copy) == "batch":
        for _, template in pod_templates(copy):
            _respell(template.get("spec") or {})
    return without_metadata(copy.get("spec"))


def _respell(spec: Mapping[str, Any]) -> None:
    for name in ("containers", "initContainers"):
        for container in _maps(spec.get(name)):
            _resources(container.get("resources"))
            for variable in _maps(container.get("env")):
                _amount(_map(_map(variable.get("valueFrom")).get("resourceFieldRef")), "divisor")
    _resources(spec.get("resources"))
    _amounts(spec.get("overhead"))
    for volume in _maps(spec.get("volumes")):
        _amount(_map(volume.get("emptyDir")), "sizeLimit")
        claim = _map(_map(volume.get("ephemeral")).get("volumeClaimTemplate"))
        _resources(_map(claim.get("spec")).get("resources"))


def _resources(resources: Any) -> None:
    for name in ("limits", "requests"):
        _amounts(_map(resources).get(name))


def _amounts(quantities: Any) -> None:
    for name in _map(quantities):
        _amount(quantities, name)


def _amount(holder: Any, name: str) -> None:
    size = amount(holder.get(name))
    if size is not None:
        holder[name] = f"{size.normalize():f}"


def _map(value: Any) -> Any:
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> Iterable[Any]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def without_metadata(value: Any) -> Any:
    """The spec with the metadata of its pod templates left out."""
    if isinstance(value, Mapping):
        return {key: without_metadata(below) for key, below in value.items() if key != "metadata"}
    if isinstance(value, list):
        return [without_metadata(entry) for entry in value]
    return value


def question(manifest: Manifest, live: Manifest, switch: Sequence[str]) -> Manifest:
    """The run to ask the server about: with the live metadata of its pod templates and the live `switch` that suspends
    it, which make no other run."""
    asked = {**manifest, "spec": _with_metadata(manifest.get("spec"), live.get("spec"))}
    found: Manifest = _switched_as(asked, live, switch)
    return found


def _switched_as(value: Any, live: Any, path: Sequence[str]) -> Any:
    name, *below = path
    there = _map(live)
    if not isinstance(value, Mapping) or (below and name not in value) or (not below and name not in there):
        return value
    return {**value, name: _switched_as(value[name], there.get(name), below) if below else there[name]}


def _with_metadata(value: Any, live: Any) -> Any:
    if isinstance(value, Mapping):
        there = _map(live)
        found = {key: _with_metadata(below, there.get(key)) for key, below in value.items() if key != "metadata"}
        return found | ({"metadata": there["metadata"]} if "metadata" in there else {})
    if isinstance(value, list):
        others = live if isinstance(live, list) and len(live) == len(value) else [None] * len(value)
        return [_with_metadata(entry, other) for entry, other in zip(value, others, strict=True)]
    return value
