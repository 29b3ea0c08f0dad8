"""What the context's user may not do of all that an app needs, found out at once and told together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mlstack.actions.listing import all_or_raise
from mlstack.actions.session import Session, render_scope
from mlstack.cluster import objects
from mlstack.cluster.access import Permission, may, rules, whoami
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError, ForbiddenError
from mlstack.cluster.kinds import Resource, well_known
from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Manifest, group_of, key_of
from mlstack.errors import MlstackError
from mlstack.plan.findings import RIGHTS, Finding, Look
from mlstack.plan.missing import LESS
from mlstack.plan.outside import Components
from mlstack.plan.rights import Plurals, Right, commands, covered, lots, rights

EVERYTHING = Permission("*", Resource("*", "*", "*", "*", False))
RBAC = "rbac.authorization.k8s.io"
GRANTING = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
NOT_HELD = "attempting to grant RBAC permissions not currently held"


@dataclass(frozen=True)
class Survey:
    """What the user lacks of what was `wanted`. `admin`: who may do everything lacks nothing."""

    wanted: frozenset[Right]
    missing: frozenset[Right] = frozenset()
    admin: bool = False


def look_at_rights(session: Session, components: Components, wanted: Collection[Right]) -> list[Look]:
    """Whether the user has the rights that are `wanted`, for these objects: one look for all that is missing."""
    manifests = [manifest for own in components.values() for manifest in own]
    try:
        found = survey(session.connection.client, wanted)
    except ForbiddenError:  # everybody may ask, unless somebody took even that away
        return [Look(RIGHTS, "", unseen="what you may do may not be asked for")]
    if not found.admin:
        found = replace(found, missing=found.missing | _ungranted(session, manifests, found))
    if not found.missing:
        return [Look(RIGHTS, f"all {len(wanted)} that it takes")]
    return [Look(RIGHTS, f"{len(found.missing)} are missing", _finding(session, components, found))]


def plurals(session: Session, manifests: Iterable[Manifest]) -> dict[tuple[str, str], str]:
    """The resources of the manifests' kinds, by (group, kind): as served, or as a CRD among them will have them."""
    items = list(manifests)
    specs = [one["spec"] for one in items if one["kind"] == "CustomResourceDefinition"]
    coming = {(spec["group"], spec["names"]["kind"]): str(spec["names"]["plural"]) for spec in specs}
    kinds = {(one["apiVersion"], one["kind"]): (group_of(one), one["kind"]) for one in items}
    discovery = session.connection.discovery
    others = {known: kind for known, kind in kinds.items() if kind not in coming}
    served = {kind: discovery.find(*known, refresh=False) for known, kind in others.items()}
    return coming | {kind: resource.plural for kind, resource in served.items() if resource is not None}


def survey(client: Client, wanted: Collection[Right]) -> Survey:
    """Those of `wanted` that the user does not have.

    Who may do everything is known by one request. Else each namespace's rules are read, and what they do not cover is
    asked for one by one: rules may be incomplete where something else than RBAC decides, too.
    """
    if may(client, EVERYTHING):
        return Survey(frozenset(wanted), admin=True)
    namespaces = sorted({right.namespace for right in wanted} - {""})
    found = dict(zip(namespaces, all_or_raise(client.map(lambda name: rules(client, name), namespaces)), strict=True))
    # A namespace's rules hold cluster-wide ones, too, but do not say which of them are.
    unsure = sorted(right for right in wanted if not covered(right, found.get(right.namespace, ())))
    answers = all_or_raise(client.map(lambda right: may(client, _permission(right)), unsure))
    lacking = (right for right, allowed in zip(unsure, answers, strict=True) if not allowed)
    return Survey(frozenset(wanted), frozenset(lacking))


def _permission(right: Right) -> Permission:
    return Permission(
        right.verb, Resource(right.group, "*", "", right.resource, bool(right.namespace)), right.namespace
    )


def _ungranted(session: Session, manifests: Sequence[Manifest], found: Survey) -> set[Right]:
    """To hand out rights that one does not have takes a right, too: the server says so to a dry-run of each role.

    Who may not even make such a role is taken to need it: whoever is given the one has to be given the other.
    """
    own = {(m["kind"], m["metadata"]["name"]) for m in manifests}
    granting = [m for m in manifests if m["kind"] in GRANTING]
    refused = {_to_grant(m) for m in granting if not _may_make(m, found)}
    asked = [m for m in granting if _may_make(m, found) and not _of_own_role(m, own)]
    answers = session.connection.client.map(lambda m: _is_refused(session, m), asked)
    return refused | {_to_grant(m) for m, answer in zip(asked, answers, strict=True) if answer is True}


def _of_own_role(manifest: Manifest, own: Collection[tuple[str, str]]) -> bool:
    """A binding of a role that comes with it: the server cannot look that up yet, and who may make it may bind it."""
    reference = manifest.get("roleRef") or {}
    return (reference.get("kind"), reference.get("name")) in own


def _may_make(manifest: Manifest, found: Survey) -> bool:
    key = key_of(manifest)
    kind = f"{key.kind.lower()}s"
    return not any(right.namespace == key.namespace and right.resource == kind for right in found.missing)


def _is_refused(session: Session, manifest: Manifest) -> bool:
    resource = well_known(manifest["apiVersion"], manifest["kind"])
    client, manager = session.connection.client, session.owner.manager
    try:
        objects.apply(client, resource, manifest, manager=manager, force=True, dry_run=True)
    except ClusterError as error:
        return NOT_HELD in error.message
    return False


def _to_grant(manifest: Manifest) -> Right:
    namespace = manifest["metadata"].get("namespace", "")
    if manifest["kind"].endswith("Binding"):
        return Right(namespace, RBAC, f"{manifest['roleRef']['kind'].lower()}s", "bind")
    return Right(namespace, RBAC, f"{manifest['kind'].lower()}s", "escalate")


def _finding(session: Session, components: Components, found: Survey) -> Finding:
    client = session.connection.client
    user = whoami(client)
    known = plurals(session, [manifest for own in components.values() for manifest in own])
    concerned = [name for name, own in components.items() if rights(own, known) & found.missing]
    who = f"User {user!r} of context {client.context!r}"
    problem = f"{who} may not do all that {_names(concerned)}. Missing are:{_listed(lots(found.missing))}"
    grants = _listed(commands(found.missing, user, f"mlstack-{session.scope.project.name}"))
    ways = "".join(f"\n  {way}" for way in _ways(session, concerned, found, known))
    certain = any(right.verb != "delete" for right in found.missing)  # without it things come, and do not go
    return Finding(problem, f"Ask the cluster's owner for:{grants}{ways}", certain)


def _names(concerned: Sequence[str]) -> str:
    names = " and ".join(filter(None, (", ".join(concerned[:-1]), *concerned[-1:])))
    return f"{names or 'mlstack itself'} {'take' if len(concerned) > 1 else 'takes'}"


def _listed(lines: Iterable[object]) -> str:
    return "".join(f"\n    {line}" for line in lines)


def _ways(session: Session, concerned: Iterable[str], found: Survey, known: Plurals) -> list[str]:
    """What can be applied alone with the rights that are there: settings that were tried."""
    env = session.scope.environment
    return [
        f"{name} can be applied with these permissions {words}: "
        f"mlstack param set --env={env} {name} {parameter} {value}"
        for name in concerned
        for parameter, (value, words) in LESS.items()
        if _differs(session.settings(name), parameter, value)
        and _suffices(session, name, f"{name}.{parameter}={value}", found, known)
    ]


def _differs(settings: Mapping[str, Setting], parameter: str, value: str) -> bool:
    return parameter in settings and str(settings[parameter].value).lower() != value


def _suffices(session: Session, name: str, setting: str, found: Survey, known: Plurals) -> bool:
    """Whether nothing would be missing with another value."""
    try:
        (one,), _ = render_scope(replace(session.scope, components=(name,), sets=(*session.scope.sets, setting)))
    except MlstackError:
        return False  # another of its settings does not go with it
    wanted = rights(one.manifests, {**known, **plurals(session, one.manifests)})
    unknown = wanted - found.wanted
    return not wanted & found.missing and not (unknown and survey(session.connection.client, unknown).missing)
