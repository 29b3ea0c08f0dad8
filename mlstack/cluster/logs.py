"""What containers say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known
from mlstack.cluster.request import Request
from mlstack.cluster.wire import NoAnswerError

_POD = well_known("v1", "Pod")


def pod_logs(
    client: Client,
    namespace: str,
    pod: str,
    container: str = "",
    *,
    tail: int | None = None,
    previous: bool = False,
    limit_bytes: int | None = None,
) -> str:
    """The last `tail` lines (None: all; at most `limit_bytes`) of a pod's container, or of its former run. Raises
    NotFoundError, InvalidError (a container that has not started, or several and none named)."""
    request = _request(namespace, pod, container, tail, previous=previous, limit_bytes=limit_bytes)
    return client.send(request).decode("utf-8", "replace")


def follow_logs(
    client: Client, namespace: str, pod: str, container: str = "", *, tail: int | None = None
) -> Iterator[bytes]:
    """The log as it grows, in parts as they come, until the container ends or its node breaks off."""
    with (
        suppress(NoAnswerError),  # a pod that is deleted ends its log in the middle of a chunk
        client.stream(_request(namespace, pod, container, tail, follow="true")) as answer,
    ):
        yield from filter(None, answer.parts())


def _request(
    namespace: str,
    pod: str,
    container: str,
    tail: int | None,
    *,
    previous: bool = False,
    follow: str = "",
    limit_bytes: int | None = None,
) -> Request:
    query: dict[str, Any] = {
        "container": container,
        "tailLines": "" if tail is None else str(tail),
        "previous": "true" if previous else "",
        "follow": follow,
        "limitBytes": str(limit_bytes or ""),
    }
    query = {key: value for key, value in query.items() if value}
    path = _POD.path(namespace, pod, "log")
    return Request("GET", path, query, accept="*/*", timeout=None if follow else 60.0)
