"""Objects in a cluster: read, list, apply, create, patch, delete. Plain data in and out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mlstack.cluster.client import Client, encode
from mlstack.cluster.failures import NotFoundError
from mlstack.cluster.kinds import Resource
from mlstack.cluster.request import APPLY_PATCH, JSON, Request

Manifest = dict[str, Any]

METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_PATCHES = {"merge": "application/merge-patch+json", "json": "application/json-patch+json"}


@dataclass(frozen=True)
class Listing:
    """What a LIST found, and the version to watch from."""

    items: list[Manifest]
    resource_version: str


def get(
    client: Client, resource: Resource, namespace: str | None, name: str, *, metadata_only: bool = False
) -> Manifest:
    """One object; with `metadata_only` its metadata alone. Raises NotFoundError."""
    return client.json("GET", resource.path(namespace, name), accept=METADATA if metadata_only else JSON)


def find(
    client: Client, resource: Resource, namespace: str | None, name: str, *, metadata_only: bool = False
) -> Manifest | None:
    """As `get`, but None where there is no such object (or no such namespace or kind)."""
    try:
        return get(client, resource, namespace, name, metadata_only=metadata_only)
    except NotFoundError:
        return None


def list_objects(
    client: Client,
    resource: Resource,
    namespace: str | None = None,
    *,
    labels: str = "",
    fields: str = "",
    metadata_only: bool = False,
    page: int = 0,
) -> Listing:
    """All objects of a kind in a namespace (None: in all), selected by labels and fields.

    One request unless `page` bounds the objects per request. Every item gets its apiVersion and kind, which the server
    leaves out of lists.
    """
    items: list[Manifest] = []
    version = ""
    for found in _pages(client, resource, namespace, labels, fields, metadata_only, page):
        items += found.items
        version = found.resource_version
    return Listing(items, version)


def list_pages(
    client: Client, resource: Resource, namespace: str | None, *, page: int, labels: str = "", fields: str = ""
) -> Iterator[list[Manifest]]:
    """As `list_objects`, `page` objects at a time, for kinds too many to hold at once.

    While a page is looked at the next one is on its way.
    """
    from concurrent.futures import ThreadPoolExecutor  # only where there is so much

    pages = _pages(client, resource, namespace, labels, fields, False, page)
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(next, pages, None)
        while (found := coming.result()) is not None:
            coming = ahead.submit(next, pages, None)
            yield found.items


def _pages(
    client: Client,
    resource: Resource,
    namespace: str | None,
    labels: str,
    fields: str,
    metadata_only: bool,
    page: int,
) -> Iterator[Listing]:
    query: dict[str, Any] = {"labelSelector": labels, "fieldSelector": fields, "limit": page}
    query = {key: value for key, value in query.items() if value}
    accept = METADATA_LIST if metadata_only else JSON
    while True:
        answer = client.json("GET", resource.path(namespace), query, accept=accept)
        items = [_typed(item, resource) for item in answer.get("items") or []]
        yield Listing(items, answer["metadata"].get("resourceVersion", ""))
        query["continue"] = answer["metadata"].get("continue")
        if not query["continue"]:
            return


def apply(
    client: Client,
    resource: Resource,
    manifest: Manifest,
    *,
    manager: str,
    force: bool = False,
    dry_run: bool = False,
    metadata_only: bool = False,
) -> Manifest:
    """Server-side apply, strict; the object as it is then (its metadata alone, on demand: less to send and read).

    Raises ConflictError with the fields of other managers (unless `force`), InvalidError, DeniedError, WebhookError …
    """
    metadata = manifest["metadata"]
    query = {"fieldManager": manager, "force": "true" if force else "false", **_strict(dry_run)}
    path = resource.path(metadata.get("namespace"), metadata["name"])
    accept = METADATA if metadata_only else JSON
    return _answer(client, Request("PATCH", path, query, encode(manifest), APPLY_PATCH, accept))


def create(client: Client, resource: Resource, manifest: Manifest, *, manager: str, dry_run: bool = False) -> Manifest:
    """A new object, strict. Raises AlreadyExistsError if its name is taken."""
    path = resource.path(manifest["metadata"].get("namespace"))
    query = {"fieldManager": manager, **_strict(dry_run)}
    return _answer(client, Request("POST", path, query, encode(manifest), repeatable=dry_run))


def update(client: Client, resource: Resource, manifest: Manifest, *, manager: str) -> Manifest:
    """Replaces an object; ConflictError (without causes) if it is not at the manifest's resourceVersion any more."""
    metadata = manifest["metadata"]
    path = resource.path(metadata.get("namespace"), metadata["name"])
    return _answer(client, Request("PUT", path, {"fieldManager": manager, **_strict(False)}, encode(manifest)))


def patch(
    client: Client,
    resource: Resource,
    namespace: str | None,
    name: str,
    change: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    manager: str,
    kind: Literal["merge", "json"] = "merge",
    subresource: str = "",
    dry_run: bool = False,
) -> Manifest:
    """A merge patch (a mapping) or a JSON 6902 patch (a list) of one object or its subresource ("scale")."""
    path = resource.path(namespace, name, subresource)
    query = {"fieldManager": manager, **_strict(dry_run)}
    # A JSON patch may add to a list: sent twice it would add twice.
    repeatable = kind == "merge" or dry_run
    return _answer(client, Request("PATCH", path, query, encode(change), _PATCHES[kind], repeatable=repeatable))


def delete(
    client: Client,
    resource: Resource,
    namespace: str | None,
    name: str,
    *,
    uid: str = "",
    version: str = "",
    propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
    dry_run: bool = False,
) -> bool:
    """Deletes one object: False if it is gone already.

    With `uid`, ConflictError if another one has its name now; with `version`, if it is not at that resourceVersion.
    """
    options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
    conditions = {"uid": uid, "resourceVersion": version}
    if uid or version:
        options["preconditions"] = {name: value for name, value in conditions.items() if value}
    if dry_run:  # in the body: the server ignores a delete's query when there is a body, and deletes for real
        options["dryRun"] = ["All"]
    try:
        client.send(Request("DELETE", resource.path(namespace, name), body=encode(options)))
    except NotFoundError:
        return False
    return True


def review(client: Client, resource: Resource, spec: Mapping[str, Any]) -> Manifest:
    """Asks a question that is posted but not stored (SelfSubjectAccessReview and its like); the answer."""
    body = {"apiVersion": resource.api_version, "kind": resource.kind, "spec": spec}
    return _answer(client, Request("POST", resource.path(), {}, encode(body), repeatable=True))


def _answer(client: Client, request: Request) -> Manifest:
    answer: Manifest = json.loads(client.send(request))
    return answer


def _strict(dry_run: bool) -> dict[str, str]:
    return {"fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}


def _typed(item: Manifest, resource: Resource) -> Manifest:
    item["apiVersion"] = resource.api_version
    item["kind"] = resource.kind
    return item
