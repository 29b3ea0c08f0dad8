"""Who we are to the cluster, and what we may do there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import Resource, well_known

_REVIEW = well_known("authorization.k8s.io/v1", "SelfSubjectAccessReview")
_RULES = well_known("authorization.k8s.io/v1", "SelfSubjectRulesReview")
_SELF = well_known("authentication.k8s.io/v1", "SelfSubjectReview")


@dataclass(frozen=True)
class Permission:
    """One thing to do. An empty namespace means all of them, an empty name any; pods/log is subresource "log"."""

    verb: str
    resource: Resource
    namespace: str = ""
    subresource: str = ""
    name: str = ""

    def __str__(self) -> str:
        thing = "/".join(part for part in (self.resource.plural, self.subresource) if part)
        group = f" of API group {self.resource.group}" if self.resource.group else ""
        return f"{self.verb} {thing}{group}" + (f" in namespace {self.namespace}" if self.namespace else "")


def may(client: Client, permission: Permission) -> bool:
    """Whether the context's user may do this, by a SelfSubjectAccessReview (which everybody may ask)."""
    attributes = {
        "verb": permission.verb,
        "group": permission.resource.group,
        "version": permission.resource.version,
        "resource": permission.resource.plural,
        "subresource": permission.subresource,
        "namespace": permission.namespace,
        "name": permission.name,
    }
    asked = {"resourceAttributes": {key: value for key, value in attributes.items() if value}}
    answer = objects.review(client, _REVIEW, asked)
    return bool(answer["status"].get("allowed"))


def rules(client: Client, namespace: str) -> Sequence[Mapping[str, Any]]:
    """What the context's user may do in a namespace, as RBAC's rules; cluster-wide grants are not told from its own.

    It may not be all: other authorizers than RBAC need not be able to list what they allow.
    """
    answer = objects.review(client, _RULES, {"namespace": namespace})
    return answer["status"].get("resourceRules") or ()


def whoami(client: Client) -> str:
    """The name that the cluster knows the context's user by, as RBAC rules spell it."""
    answer = objects.review(client, _SELF, {})
    return str(answer["status"]["userInfo"].get("username") or "")
