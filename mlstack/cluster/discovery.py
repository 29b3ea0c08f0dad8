"""Which kinds the cluster serves: the well-known ones without asking, the others by aggregated discovery."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Iterator
from typing import Any

from mlstack.cluster.client import Client
from mlstack.cluster.failures import UnservedError
from mlstack.cluster.kinds import WELL_KNOWN, Resource

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

# The group that Kubernetes took apart in 1.16 and 1.22, and where its kinds are since.
MOVED_FROM, MOVED_TO = "extensions", ("apps", "networking.k8s.io", "policy")

__all__ = ["Discovery", "Resource"]


class Discovery:
    """The kinds of one cluster. Asks at most twice (2 requests each): at the first kind that is not well-known, and
    again at one that it did not know then, for a CRD may have come meanwhile.

    `unavailable` are the API groups ("metrics.k8s.io/v1beta1") whose aggregated server did not answer.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._served: dict[tuple[str, str], Resource] | None = None
        self._lock = threading.Lock()
        self.unavailable: tuple[str, ...] = ()

    def resource(self, api_version: str, kind: str) -> Resource:
        """The resource of a manifest's apiVersion and kind. Raises UnservedError if the cluster does not serve it."""
        found = self.find(api_version, kind)
        if not found:
            raise self._unserved(api_version, kind)
        return found

    def find(self, api_version: str, kind: str, *, refresh: bool = True) -> Resource | None:
        """As `resource`, but None for a kind that is not served. `refresh=False` trusts what is known by now."""
        key = api_version, kind
        if key in WELL_KNOWN:
            return WELL_KNOWN[key]
        known = self._served
        served = self.all()
        if key not in served and refresh and known is not None:
            self.refresh()
            served = self.all()
        return served.get(key)

    def all(self) -> dict[tuple[str, str], Resource]:
        """Every kind that is served, by apiVersion and kind."""
        with self._lock:
            if self._served is None:
                self._served = self._discover()
            return self._served

    def refresh(self) -> None:
        """Forgets what is known, as after applying a CRD."""
        with self._lock:
            self._served = None

    def _discover(self) -> dict[tuple[str, str], Resource]:
        unavailable: list[str] = []
        served = {}
        for path in ("/api", "/apis"):
            answer = self._client.json("GET", path, accept=_AGGREGATED)
            for resource in _resources(answer, unavailable):
                served[resource.api_version, resource.kind] = resource
        self.unavailable = tuple(unavailable)
        return served

    def _unserved(self, api_version: str, kind: str) -> UnservedError:
        context = self._client.context
        problem = f"The cluster of context {context!r} does not serve {kind} ({api_version})."
        if api_version in self.unavailable:
            return UnservedError(problem, "Its API server is down: kubectl get apiservices tells why.")
        if others := self.other_versions(api_version, kind):
            return UnservedError(problem, f"The cluster serves it as {', '.join(others)}: change apiVersion.")
        near = self.meant(api_version, kind)
        return UnservedError(problem, f"Did you mean {near}?" if near else "Its CRD is not installed there.")

    def other_versions(self, api_version: str, kind: str) -> list[str]:
        """The versions of the group that serve the kind; those of its present group where Kubernetes moved it."""
        group = _group(api_version)
        groups = MOVED_TO if group == MOVED_FROM else (group,)
        return sorted(version for version, served in self.all() if served == kind and _group(version) in groups)

    def meant(self, api_version: str, kind: str) -> str:
        """The served kind that was probably meant: its plural, other letter case, a slip; "" if none is near."""
        here = {served: found.plural for (version, served), found in self.all().items() if version == api_version}
        same = [served for served, plural in here.items() if kind.lower() in (served.lower(), plural)]
        near = same or difflib.get_close_matches(kind, here, 1)
        return near[0] if near else ""


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def _resources(answer: dict[str, Any], unavailable: list[str]) -> Iterator[Resource]:
    for item in answer.get("items") or []:
        group = item["metadata"].get("name", "")
        for version in item.get("versions") or []:
            if version.get("freshness") == "Stale":
                unavailable.append(f"{group}/{version['version']}")
            for served in version.get("resources") or []:
                yield _resource(group, version["version"], served)


def _resource(group: str, version: str, served: dict[str, Any]) -> Resource:
    kind = (served.get("responseKind") or {}).get("kind", "")
    return Resource(group, version, kind, served["resource"], served.get("scope") == "Namespaced")
