"""What an apply has to be allowed to do, what a user's rules cover of it, and what to ask for where they do not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlstack.compose.manifests import Manifest, key_of
from mlstack.plan.model import Action, Change
from mlstack.plan.readiness import waits

Plurals = Mapping[tuple[str, str], str]  # resources by (group, kind)
Rules = Sequence[Mapping[str, Any]]  # the resourceRules of a SelfSubjectRulesReview

# In the order in which they are told.
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "escalate", "bind")
MAKING = ("create", "patch")  # a server-side apply creates what is not there, and is asked for both
# The kinds that an administrator of one namespace may handle by Kubernetes' own ClusterRole `admin`.
ADMIN_GROUPS = frozenset(
    {"", "apps", "batch", "autoscaling", "policy", "networking.k8s.io", "rbac.authorization.k8s.io"}
)
ADMIN_KINDS = frozenset({"roles", "rolebindings"})  # of the group rbac.authorization.k8s.io
NOT_ADMIN = frozenset({"resourcequotas", "limitranges", "namespaces", "nodes", "persistentvolumes"})


@dataclass(frozen=True, order=True)
class Right:
    """To `verb` objects of a resource ("deployments") in a namespace, "" for the whole cluster."""

    namespace: str
    group: str
    resource: str
    verb: str

    @property
    def what(self) -> str:
        """The resource as RBAC's own tools write it: deployments.apps."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


@dataclass(frozen=True)
class Lot:
    """The same verbs on several resources in one place."""

    namespace: str
    verbs: tuple[str, ...]
    resources: tuple[str, ...]

    def __str__(self) -> str:
        where = f"in namespace {self.namespace}" if self.namespace else "in the whole cluster"
        return f"{where}: {', '.join(self.verbs)} {', '.join(self.resources)}"


def rights(manifests: Iterable[Manifest], plurals: Plurals) -> set[Right]:
    """What these objects take in all their life. Kinds that are not among the `plurals` are left out."""
    return {
        right
        for manifest in manifests
        for right in _on(manifest, ["list", *MAKING, *(["watch"] if waits(manifest) else []), "delete"], plurals)
    }


def rights_of(changes: Iterable[Change], plurals: Plurals) -> set[Right]:
    """What carrying out these changes takes."""
    return {
        right
        for change in changes
        if (subject := change.manifest or change.live) is not None
        for right in _on(subject, _verbs(change), plurals)
    }


def _verbs(change: Change) -> Sequence[str]:
    if change.action is Action.PRUNE:
        return ("delete",)
    if change.action in (Action.CHANGE, Action.ADOPT):
        return ("patch",)
    return MAKING if change.live is None else (*MAKING, "delete")


def _on(manifest: Manifest, verbs: Iterable[str], plurals: Plurals) -> Iterator[Right]:
    key = key_of(manifest)
    if (key.group, key.kind) in plurals:
        yield from (Right(key.namespace, key.group, plurals[key.group, key.kind], verb) for verb in verbs)


def own_rights(namespace: str) -> set[Right]:
    """What mlstack cannot do without there: its inventory."""
    return {Right(namespace, "", "configmaps", verb) for verb in ("get", "create", "update")}


def covered(right: Right, rules: Rules) -> bool:
    """Whether one of the rules grants it for objects of any name."""
    return any(
        not rule.get("resourceNames")
        and _has(rule.get("verbs"), right.verb)
        and _has(rule.get("apiGroups"), right.group)
        and _has(rule.get("resources"), right.resource)
        for rule in rules
    )


def _has(granted: Collection[str] | None, wanted: str) -> bool:
    return wanted in (granted or ()) or "*" in (granted or ())


def lots(missing: Iterable[Right]) -> list[Lot]:
    """Rights grouped for people: by place, the same verbs together."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in sorted(missing, key=lambda one: (one.namespace, one.what, _rank(one.verb))):
        verbs.setdefault((right.namespace, right.what), []).append(right.verb)
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (namespace, what), own in verbs.items():
        groups.setdefault((namespace, tuple(own)), []).append(what)
    return [Lot(namespace, own, tuple(resources)) for (namespace, own), resources in groups.items()]


def _rank(verb: str) -> int:
    return VERBS.index(verb)


def commands(missing: Collection[Right], user: str, name: str) -> list[str]:
    """The kubectl commands by which the cluster's owner grants what is missing to `user`; `name` names the roles."""
    found: list[str] = []
    for namespace in sorted({right.namespace for right in missing}):
        own = [right for right in missing if right.namespace == namespace]
        found += _in_namespace(own, namespace, user, name) if namespace else _in_cluster(own, user, name)
    return found


def _in_cluster(missing: Collection[Right], user: str, name: str) -> list[str]:
    return _granted(missing, user, name, "clusterrole", "")


def _in_namespace(missing: Collection[Right], namespace: str, user: str, name: str) -> list[str]:
    if all(map(_of_admin, missing)):
        return [f"kubectl create rolebinding {name} -n {namespace} --clusterrole=admin {subject(user)}"]
    return _granted(missing, user, name, "role", f" -n {namespace}")


def _granted(missing: Collection[Right], user: str, name: str, role: str, place: str) -> list[str]:
    """A role a lot, for a role made by kubectl has one set of verbs, and what binds each."""
    named = [(name + _suffix(number), lot) for number, lot in enumerate(lots(missing))]
    return [
        *(
            f"kubectl create {role} {own}{place} --verb={','.join(lot.verbs)} --resource={','.join(lot.resources)}"
            for own, lot in named
        ),
        *(f"kubectl create {role}binding {own}{place} --{role}={own} {subject(user)}" for own, _ in named),
    ]


def _suffix(number: int) -> str:
    return f"-{number + 1}" if number else ""


def _of_admin(right: Right) -> bool:
    if right.group == "rbac.authorization.k8s.io":
        return right.resource in ADMIN_KINDS
    return right.group in ADMIN_GROUPS and right.resource not in NOT_ADMIN and right.verb not in ("bind", "escalate")


def subject(user: str) -> str:
    """How kubectl's commands name a user."""
    parts = user.split(":")
    if parts[:2] == ["system", "serviceaccount"]:
        return f"--serviceaccount={parts[2]}:{parts[3]}"
    return f"--user={user}"
