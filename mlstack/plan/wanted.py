"""The desired objects of an apply, made ready to be sent: labelled as ours, staged, runs marked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlstack.compose.manifests import Key, Manifest, key_of, without_nulls
from mlstack.errors import MlstackError
from mlstack.plan.compare import digest
from mlstack.plan.generated import plain_data
from mlstack.plan.inventory import Owner, labelled
from mlstack.plan.runpolicy import with_last_words
from mlstack.plan.runs import is_run, marked, run_hashes
from mlstack.plan.stages import stages

SHARED = "mlstack.dev/shared"  # "true": left alone where somebody else provides it
SHARED_WITH = "mlstack.dev/shared-with"  # "Kind/name": of use only beside our own copy of that object


@dataclass(frozen=True)
class Wanted:
    """One desired object as it will be sent. `run`: its run's hash, "" for a state; `digest` changes when it does;
    `sized`: an HPA of ours decides how many pods it has."""

    key: Key
    component: str
    manifest: Manifest = field(repr=False)  # may hold a generated secret
    stage: int
    run: str = ""
    digest: str = ""
    sized: bool = False

    @property
    def shared(self) -> bool:
        """Whether another's copy does as well."""
        return _annotation(self.manifest, SHARED) == "true"

    @property
    def shared_with(self) -> str:
        """The object ("Kind/name") without which this one is of no use, "" if none."""
        return _annotation(self.manifest, SHARED_WITH)

    def sending(self, manifest: Manifest) -> Wanted:
        """The same with another manifest to send."""
        return replace(self, manifest=manifest)


def _annotation(manifest: Manifest, name: str) -> str:
    return str((manifest["metadata"].get("annotations") or {}).get(name, ""))


def wanted_objects(components: Mapping[str, Sequence[Manifest]], owner: Owner) -> list[Wanted]:
    """All desired objects in the order of their stages. `components`: rendered manifests by component."""
    order = stages({name: [without_nulls(one) for one in manifests] for name, manifests in components.items()})
    everything = [manifest for manifests in components.values() for manifest in manifests]
    hashes = run_hashes(everything, everything)
    scaled = _scaled(everything)
    found = [
        _wanted(manifest, component, order, hashes, owner, scaled)
        for component, manifests in components.items()
        for manifest in manifests
    ]
    _check_unique(found)
    return sorted(found, key=lambda one: (one.stage, one.key))


def _wanted(
    manifest: Manifest,
    component: str,
    order: Mapping[Key, int],
    hashes: Mapping[Key, str],
    owner: Owner,
    scaled: Collection[tuple[str, str, str]],
) -> Wanted:
    key = key_of(manifest)
    sized = (key.kind, key.namespace, key.name) in scaled
    ready = labelled(plain_data(_unsized(manifest) if sized else manifest), owner, component)
    if not is_run(key):
        return Wanted(key, component, ready, order[key], "", digest(ready), sized)
    ready = marked(ready, hashes[key])
    return Wanted(key, component, with_last_words(ready), order[key], hashes[key], digest(ready), sized)


def _scaled(manifests: Iterable[Manifest]) -> set[tuple[str, str, str]]:
    """(kind, namespace, name) of what our own HPAs size."""
    targets = [
        (m["metadata"].get("namespace", ""), (m.get("spec") or {}).get("scaleTargetRef") or {})
        for m in manifests
        if m["kind"] == "HorizontalPodAutoscaler"
    ]
    return {(str(target.get("kind")), namespace, str(target.get("name"))) for namespace, target in targets}


def _unsized(manifest: Manifest) -> Manifest:
    """Without `spec.replicas`: its HPA decides it (decisions.md, 20)."""
    spec = manifest.get("spec") or {}
    return {**manifest, "spec": {key: value for key, value in spec.items() if key != "replicas"}}


def _check_unique(found: Iterable[Wanted]) -> None:
    seen: dict[Key, str] = {}
    for one in found:
        if one.key in seen:
            raise MlstackError(
                f"{one.key} is rendered twice: by component {seen[one.key]} and by {one.component}.",
                "Give one of them another name.",
            )
        seen[one.key] = one.component
