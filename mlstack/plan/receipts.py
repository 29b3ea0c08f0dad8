"""What an apply leaves behind: who applied what, when and from which parameters, kept in Secrets beside the app.

A receipt is one Secret: a summary in an annotation, so that a metadata-only LIST tells the history, and the contents
compressed; more Secrets only where the manifests are many. Its label is none of the app's objects': never pruned.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from typing import Any

from mlstack.compose.layers import DEFAULT, Setting
from mlstack.compose.manifests import Manifest
from mlstack.plan.inventory import Owner

HISTORY = "mlstack.dev/history"  # label: whose receipt it is, as the ApplySet's id
REVISION = "mlstack.dev/revision"  # label: its number
SUMMARY = "mlstack.dev/receipt"  # annotation: the Receipt as JSON; on the first Secret only
KEPT_REVISIONS = 20
CHUNK_BYTES = 900_000  # a Secret holds 1 MiB, its metadata included
MAX_CHUNKS = 8


@dataclass(frozen=True)
class Receipt:
    """One revision in a few words. `former`: the revision it went back to (0: none); `when`: RFC 3339.

    `components` were chosen with -c (none: all). `commit` is git's, "" outside; `dirty`: files differed from it.
    `chunks` counts the Secrets that hold the manifests; 0: they were too many, so no rollback.
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
    return {key: value for key, value in manifest.items() if key not in ("data", "stringData")}


def receipt_name(owner: Owner, revision: int, chunk: int = 0) -> str:
    """The name of the Secret that holds a receipt's part."""
    return f"{owner.name}-r{revision}" + (f"-{chunk}" if chunk else "")


def to_secrets(receipt: Receipt, contents: Contents, owner: Owner) -> list[Manifest]:
    """The Secrets to create, the one with the summary last: where that stands, the others do."""
    chunks = _chunks({name: [without_values(m) for m in found] for name, found in contents.manifests.items()})
    summary = {**asdict(receipt), "chunks": len(chunks)}
    details = _packed({name: getattr(contents, name) for name in ("prototypes", "params", "packages", "files")})
    data = {"details": details} if len(details) < CHUNK_BYTES // 4 else {}
    first = {**data, **({"manifests": chunks[0]} if chunks else {})}
    more = [_secret(owner, receipt.revision, {"manifests": chunk}, at) for at, chunk in enumerate(chunks[1:], 1)]
    return [*more, _secret(owner, receipt.revision, first, 0, json.dumps(summary))]


def _secret(owner: Owner, revision: int, data: Mapping[str, bytes], chunk: int, summary: str = "") -> Manifest:
    labels = {"app.kubernetes.io/managed-by": "mlstack", HISTORY: owner.set_id, REVISION: str(revision)}
    metadata: dict[str, Any] = {"name": receipt_name(owner, revision, chunk), "namespace": owner.namespace}
    metadata |= {"labels": labels, **({"annotations": {SUMMARY: summary}} if summary else {})}
    encoded = {name: base64.b64encode(value).decode() for name, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "type": SUMMARY, "metadata": metadata, "data": encoded}


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
    """The receipts among listed Secrets (their metadata is enough), the newest first."""
    texts = [(item["metadata"].get("annotations") or {}).get(SUMMARY) for item in items]
    return sorted((_receipt(json.loads(text)) for text in texts if text), key=lambda one: -one.revision)


def _receipt(read: Mapping[str, Any]) -> Receipt:
    known = {one.name: read[one.name] for one in fields(Receipt) if one.name in read}
    return Receipt(**{**known, "components": tuple(known.get("components", ()))})


def to_contents(secrets: Sequence[Manifest]) -> Contents:
    """What a receipt's Secrets, in order, hold. One without manifests gives none."""
    parts = [{name: base64.b64decode(text) for name, text in (one.get("data") or {}).items()} for one in secrets]
    first = parts[0] if parts else {}
    whole = b"".join(part.get("manifests", b"") for part in parts)
    details = json.loads(gzip.decompress(first["details"])) if "details" in first else {}
    images = json.loads(first.get("images", b"{}"))
    return Contents(json.loads(gzip.decompress(whole)) if whole else {}, **details, images=images)


def image_digests(pods: Iterable[Manifest]) -> dict[str, str]:
    """{image: digest} as the pods' containers report them; an image without a digest is left out."""
    statuses = [status for pod in pods for status in (pod.get("status") or {}).get("containerStatuses") or []]
    found = {str(one.get("image")): str(one.get("imageID", "")) for one in statuses}
    return {image: "sha256:" + ref.partition("sha256:")[2] for image, ref in sorted(found.items()) if "sha256:" in ref}


def one_before(found: Sequence[Receipt], current: int) -> Receipt | None:
    """The newest revision before `current` that went well, None if there is none. `found`: the newest first."""
    return next((one for one in found if one.revision < current and one.outcome == "applied"), None)
