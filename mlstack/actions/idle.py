"""Notebooks that hold GPUs and that nobody uses: named, never stopped.

The proxy beside the hub knows when each notebook last had a request; the hub's own culling goes by the same times.
Source: configurable-http-proxy, `GET /api/routes`; KubeSpawner's labels and annotations.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.fit.nodes import holds
from mlstack.plan.fit.requests import pod_requests

IDLE_SECONDS = 3600.0
PROXY_PORT = 8001
SECRET, TOKEN = "jupyterhub-secret", "proxy-token"
USER = "hub.jupyter.org/username"
SERVER = "hub.jupyter.org/servername"
PATIENCE_SECONDS = 5.0  # a status does not wait longer for a hub

Used = Mapping[tuple[str, str], datetime]
"""When a user's server last had a request."""


@dataclass(frozen=True)
class IdleNotebook:
    """A notebook's pod with GPUs of which `user` has made no use since `since`, at least an hour."""

    pod: str
    user: str
    gpus: int
    since: str


def idle_notebooks(
    client: Client, namespace: str, pods: Sequence[Manifest], resource: str, now: datetime
) -> tuple[IdleNotebook, ...]:
    """Those of a namespace; none where that cannot be known. No request where no notebook holds a GPU."""
    notebooks = [pod for pod in pods if _is_notebook(pod, namespace) and pod_requests(pod).get(resource)]
    if not notebooks:
        return ()
    try:
        used = last_used(client, namespace)
    except MlstackError:
        return ()  # no right to read the token or to forward, or no hub: a status stands without
    return idle_of(notebooks, used, resource, now)


def idle_of(notebooks: Sequence[Manifest], used: Used, resource: str, now: datetime) -> tuple[IdleNotebook, ...]:
    """The notebooks whose last use is long past."""
    found = []
    for pod in notebooks:
        about = pod["metadata"].get("annotations") or {}
        last = used.get((about.get(USER, ""), about.get(SERVER, "")))
        if last and (now - last).total_seconds() >= IDLE_SECONDS:
            gpus = pod_requests(pod)[resource]
            found.append(IdleNotebook(pod["metadata"]["name"], about[USER], gpus, f"{last:%Y-%m-%d %H:%M}Z"))
    return tuple(found)


def last_used(client: Client, namespace: str) -> Used:
    """What the hub's proxy says of its routes. Raises MlstackError where it cannot be asked."""
    from mlstack.actions.forward import HUB, forward  # only now: most clusters have no notebook with GPUs

    secret = objects.get(client, well_known("v1", "Secret"), namespace, SECRET)
    token = base64.b64decode((secret.get("data") or {}).get(TOKEN, "")).decode("ascii", "replace")
    with forward(client, namespace, f"pod/{HUB}-0", [f":{PROXY_PORT}"]) as forwarding:
        return routes_used(_routes(f"http://{forwarding.address}/api/routes", token))


def _routes(address: str, token: str) -> str:
    import urllib3

    headers = {"Authorization": f"token {token}"}
    try:
        with urllib3.PoolManager() as pool:
            answer = pool.request("GET", address, headers=headers, timeout=PATIENCE_SECONDS, retries=False)
    except urllib3.exceptions.HTTPError as error:
        raise MlstackError(f"The hub's proxy does not answer: {error}.") from error
    return answer.data.decode("utf-8", "replace") if answer.status == 200 else "{}"


def routes_used(text: str) -> Used:
    """The times in the proxy's answer: {"/user/ann/": {"user": "ann", "last_activity": "2026-11-23T12:17:31.000Z"}}.

    A route without a user or a time that can be read counts as unknown, and so does an answer of another shape.
    """
    try:
        routes = json.loads(text)
    except ValueError:
        return {}
    known = [route for route in routes.values() if isinstance(route, dict)] if isinstance(routes, dict) else []
    found = {_server(route): _instant(route.get("last_activity")) for route in known if route.get("user")}
    return {server: last for server, last in found.items() if last}


def _server(route: Mapping[str, object]) -> tuple[str, str]:
    return str(route["user"]), str(route.get("server_name") or "")


def _instant(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_notebook(pod: Manifest, namespace: str) -> bool:
    metadata = pod["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    ours = metadata.get("namespace") == namespace and labels.get("component") == "singleuser-server"
    return ours and USER in annotations and holds(pod)
