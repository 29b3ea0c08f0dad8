"""What an apply leaves behind: who applied what, when, from which parameters, and whether it became ready.

A receipt is one ConfigMap: a summary in an annotation, so that a metadata-only LIST gives the history, and the contents
compressed; more ConfigMaps only where the manifests are many. It has none of the labels of the app's objects: it is
never pruned. Former versions of mlstack kept receipts in Secrets of the same names; those are read, too.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from typing import Any

from mlstack.compose.layers import DEFAULT, Setting
from mlstack.compose.manifests import Manifest
from mlstack.plan.inventory import Owner

HISTORY = "mlstack.dev/history"  # label: whose receipt it is, as the ApplySet's id
REVISION = "mlstack.dev/revision"  # label: its number
SUMMARY = "mlstack.dev/receipt"  # annotation: the Receipt as JSON; on the first ConfigMap only
OUTCOMES = "mlstack.dev/outcomes"  # annotation: what became of each component, as JSON; written once it is known
KEPT_REVISIONS = 20
CHUNK_BYTES = 900_000  # bytes, as base64 at most 1 MiB with the metadata, the API server's limit for a ConfigMap
MAX_CHUNKS = 8
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # of a Secret: its values once more

READY, NOT_READY, UNKNOWN, FAILED = "ready", "not ready", "unknown", "failed"


DETAILS = ("prototypes", "params", "packages", "files")


@dataclass(frozen=True)
class Receipt:
    """One revision in a few words. `former`: the revision it went back to (0: none); `when`: RFC 3339.

    `components` were chosen with -c (none: all). `commit` is git's, "" outside; `dirty`: files differed from it.
    `chunks` counts the ConfigMaps that hold the manifests; 0: they were too many, so no rollback. `outcome`: "applied",
    or "failed" where the cluster refused objects; `outcomes`: ready, not ready or unknown by component.
    """

    revision: int
    when: str
    who: str
    outcome: str = "applied"
    version: str = ""
    commit: str = ""
    dirty: bool = False
    components: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict, hash=False)
    former: int = 0
    chunks: int = 0
    outcomes: Mapping[str, str] = field(default_factory=dict, hash=False)

    def state(self, components: Collection[str] = ()) -> str:
        """What became of it, or of these components of it: ready, not ready, unknown or failed."""
        if self.outcome != "applied":
            return FAILED
        found = [self.outcomes.get(name, UNKNOWN) for name in components or self.outcomes]
        return NOT_READY if NOT_READY in found else READY if found and UNKNOWN not in found else UNKNOWN

    def not_ready(self) -> list[str]:
        """The components that were seen not ready."""
        return sorted(name for name, found in self.outcomes.items() if found == NOT_READY)


@dataclass(frozen=True)
class Contents:
    """The state of the whole environment as a revision left it, all by component name but `packages` and `files`.

    `params`: {name: {"value", "place"}} of what is not a default; `packages`: digests of what is vendored; `files`: the
    values that stood in the app's files, by file; `images`: digests by image, as pods reported them.
    """

    manifests: Mapping[str, Sequence[Manifest]] = field(default_factory=dict, hash=False)
    prototypes: Mapping[str, str] = field(default_factory=dict, hash=False)
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    packages: Mapping[str, str] = field(default_factory=dict, hash=False)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    images: Mapping[str, str] = field(default_factory=dict, hash=False)

    def over(self, before: Contents) -> Contents:
        """These contents with what `before` says of components that these do not speak of."""
        return Contents(
            {**before.manifests, **self.manifests},
            {**before.prototypes, **self.prototypes},
            {**before.params, **self.params},
            self.packages,
            self.files,
            self.images,
        )


def given_params(settings: Mapping[str, Setting]) -> dict[str, Any]:
    """The values that somebody gave, each with its place, and the digest of files that it names.

    The defaults are the package's, whose digest is kept.
    """
    return {
        name: {"value": setting.value, "place": str(setting.place or setting.layer)}
        | ({"digest": setting.digest} if setting.digest else {})
        for name, setting in sorted(settings.items())
        if setting.layer != DEFAULT
    }


def told_value(given: Mapping[str, Any]) -> Any:
    """A value of `given_params` as a history tells it: files with their digest, so that changed ones differ."""
    digest = given.get("digest")
    return f"{given['value']} ({digest})" if digest else given["value"]


def without_values(manifest: Manifest) -> Manifest:
    """The manifest, a Secret's values left out."""
    if manifest["kind"] != "Secret":
        return manifest
    metadata = dict(manifest["metadata"])
    if LAST_APPLIED in (metadata.get("annotations") or {}):
        metadata["annotations"] = {key: value for key, value in metadata["annotations"].items() if key != LAST_APPLIED}
    return {
        key: metadata if key == "metadata" else value
        for key, value in manifest.items()
        if key not in ("data", "stringData")
    }


def receipt_name(owner: Owner, revision: int, chunk: int = 0) -> str:
    """The name of the ConfigMap that holds a receipt's part."""
    return f"{owner.name}-r{revision}" + (f"-{chunk}" if chunk else "")


def to_config_maps(receipt: Receipt, contents: Contents, owner: Owner) -> list[Manifest]:
    """The ConfigMaps to create, the one with the summary last: where that exists, the others do."""
    chunks = _chunks({name: [without_values(m) for m in found] for name, found in contents.manifests.items()})
    summary = {**asdict(receipt), "chunks": len(chunks)}
    del summary["outcomes"]
    details = _packed({name: getattr(contents, name) for name in DETAILS})
    data = {"details": details} if len(details) < CHUNK_BYTES // 4 else {}
    first = {**data, **({"manifests": chunks[0]} if chunks else {})}
    more = [_config_map(owner, receipt.revision, {"manifests": chunk}, at) for at, chunk in enumerate(chunks[1:], 1)]
    annotations = {SUMMARY: json.dumps(summary), OUTCOMES: outcomes_text(receipt.outcomes)}
    return [*more, _config_map(owner, receipt.revision, first, 0, annotations)]


def outcomes_text(outcomes: Mapping[str, str]) -> str:
    """The annotation's value."""
    return json.dumps(dict(outcomes), sort_keys=True, separators=(",", ":"))


def _config_map(
    owner: Owner, revision: int, data: Mapping[str, bytes], chunk: int, annotations: Mapping[str, str] | None = None
) -> Manifest:
    labels = {"app.kubernetes.io/managed-by": "mlstack", HISTORY: owner.set_id, REVISION: str(revision)}
    metadata: dict[str, Any] = {"name": receipt_name(owner, revision, chunk), "namespace": owner.namespace}
    metadata |= {"labels": labels, **({"annotations": dict(annotations)} if annotations else {})}
    encoded = {name: base64.b64encode(value).decode() for name, value in data.items()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "binaryData": encoded}


def _chunks(manifests: Mapping[str, Sequence[Manifest]]) -> list[bytes]:
    """The packed manifests in parts, the first one smaller to leave room for the details; none if too many."""
    whole = _packed(manifests)
    ends = [0, CHUNK_BYTES * 3 // 4]
    while ends[-1] < len(whole):
        ends.append(ends[-1] + CHUNK_BYTES)
    parts = [whole[start:end] for start, end in pairwise(ends)]
    return parts if len(parts) <= MAX_CHUNKS else []


def _packed(value: Any) -> bytes:
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, default=str)
    return gzip.compress(text.encode(), 6, mtime=0)


def receipts(items: Iterable[Manifest]) -> list[Receipt]:
    """The receipts among listed objects (their metadata is enough), the newest first."""
    found = [one for one in map(receipt_of_object, items) if one is not None]
    return sorted({one.revision: one for one in found}.values(), key=lambda one: -one.revision)


def receipt_of_object(item: Manifest) -> Receipt | None:
    """The receipt whose summary an object carries, None if it carries none that can be read."""
    annotations = item["metadata"].get("annotations") or {}
    try:
        read, outcomes = json.loads(annotations[SUMMARY]), json.loads(annotations.get(OUTCOMES) or "{}")
        known = {one.name: read[one.name] for one in fields(Receipt) if one.name in read}
        return Receipt(**{**known, "components": tuple(known.get("components", ())), "outcomes": dict(outcomes)})
    except (KeyError, ValueError, TypeError):  # another part of a receipt, or a person edited it
        return None


def to_contents(parts: Sequence[Manifest]) -> Contents:
    """The contents of a receipt's objects, in order: ConfigMaps, or Secrets of a former version."""
    decoded = [
        {name: base64.b64decode(text) for name, text in (one.get("binaryData") or one.get("data") or {}).items()}
        for one in parts
    ]
    first = decoded[0] if decoded else {}
    whole = b"".join(part.get("manifests", b"") for part in decoded)
    details = json.loads(gzip.decompress(first["details"])) if "details" in first else {}
    known = {name: value for name, value in details.items() if name in DETAILS}
    images = json.loads(first.get("images", b"{}"))
    return Contents(json.loads(gzip.decompress(whole)) if whole else {}, **known, images=images)


def image_digests(pods: Iterable[Manifest]) -> dict[str, str]:
    """{image: digest} as the pods' containers report them; an image without a digest is left out."""
    statuses = [status for pod in pods for status in (pod.get("status") or {}).get("containerStatuses") or []]
    found = {str(one.get("image")): str(one.get("imageID", "")) for one in statuses}
    return {image: "sha256:" + ref.partition("sha256:")[2] for image, ref in sorted(found.items()) if "sha256:" in ref}


def last_ready(found: Sequence[Receipt], current: int, components: Collection[str] = ()) -> Receipt | None:
    """The newest revision before `current` whose components (these, or all) were ready, None if there is none.

    `found`: the newest first.
    """
    return next((one for one in found if one.revision < current and one.state(components) == READY), None)


def better_outcomes(before: Mapping[str, str], seen: Mapping[str, str]) -> dict[str, str]:
    """The outcomes with what was seen since: a component that was ready once stays so, as others may break it later."""
    return {name: found if found == READY else seen.get(name, found) for name, found in before.items()}
