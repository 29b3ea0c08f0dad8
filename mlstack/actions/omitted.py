"""The Secrets that `show` leaves out, because apply generates their values in the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlstack.compose.manifests import Manifest, group_of
from mlstack.plan.generated import GENERATE


def is_generated(manifest: Manifest) -> bool:
    """Test for a Secret whose values only the cluster has."""
    annotations = manifest["metadata"].get("annotations") or {}
    return manifest["kind"] == "Secret" and not group_of(manifest) and GENERATE in annotations


def omission_notes(manifests: Iterable[Manifest]) -> Iterator[str]:
    """A sentence for each generated Secret that another object reads: applied without mlstack, that object waits."""
    manifests = tuple(manifests)
    for secret in filter(is_generated, manifests):
        name = secret["metadata"]["name"]
        readers = [f"{one['kind']}/{one['metadata']['name']}" for one in manifests if _reads(one.get("spec"), name)]
        if readers:
            yield (
                f"Note: Secret/{name} is not printed, because its values are generated in the cluster, by apply. "
                f"{' and '.join(readers)} cannot start without it."
            )


def _reads(value: Any, secret: str) -> bool:
    if isinstance(value, list):
        return any(_reads(item, secret) for item in value)
    if not isinstance(value, Mapping):
        return False
    named = (value.get("secretKeyRef") or value.get("secretRef") or {}, {"name": value.get("secretName")})
    return any(one.get("name") == secret for one in named) or any(_reads(item, secret) for item in value.values())
