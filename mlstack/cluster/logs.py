"""What containers say."""

from __future__ import annotations

from typing import Any

from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known
from mlstack.cluster.request import Request

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
    request = log_request(
        namespace, pod, container, tail=tail, previous=previous, limit_bytes=limit_bytes, timestamps=False
    )
    return client.send(request).decode("utf-8", "replace")


def log_request(
    namespace: str,
    pod: str,
    container: str,
    *,
    tail: int | None = None,
    since_s: float | None = None,
    previous: bool = False,
    follow: bool = False,
    limit_bytes: int | None = None,
    timestamps: bool = True,
) -> Request:
    """The request for a log, each line with the time it was written at (RFC 3339 and a space).

    `since_s` seconds ago by the node's clock;
    `follow`: it goes on until the container ends.
    """
    query: dict[str, Any] = {
        "container": container,
        "tailLines": "" if tail is None else str(tail),
        "sinceSeconds": "" if since_s is None else str(max(1, round(since_s))),
        "previous": "true" if previous else "",
        "follow": "true" if follow else "",
        "timestamps": "true" if timestamps else "",
        "limitBytes": str(limit_bytes or ""),
    }
    query = {key: value for key, value in query.items() if value}
    path = _POD.path(namespace, pod, "log")
    return Request("GET", path, query, accept="*/*", timeout=None if follow else 60.0)
