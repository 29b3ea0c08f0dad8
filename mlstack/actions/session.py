"""What every action on a cluster begins with: the app rendered for an environment, and its cluster connected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlstack.actions.connection import Connection, connect_environment
from mlstack.actions.denied import Denied
from mlstack.actions.events import Connected
from mlstack.app.assemble import assemble
from mlstack.app.environments import save_files
from mlstack.app.project import Environment, Project
from mlstack.cluster.client import Client
from mlstack.cluster.discovery import Discovery
from mlstack.cluster.kinds import WELL_KNOWN, Resource
from mlstack.cluster.store import Parent, read
from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Manifest, pod_templates
from mlstack.compose.render import Rendered, Target, render_all
from mlstack.plan.inventory import Owner
from mlstack.plan.receipts import Contents
from mlstack.plan.scopes import defined_kinds, is_unknown, unplaced


@dataclass(frozen=True)
class Scope:
    """What an action is about: an app's environment, some of its components (none named: all), and values of --set."""

    project: Project
    environment: str
    components: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    kubeconfig: str | None = None


@dataclass(frozen=True)
class Session:
    """A scope rendered and connected. `owner` is who applies, in the cluster's eyes.

    `former`: the revision that `rendered` came from instead of the files (0: the files), with its contents; `again`:
    its runs start anew whatever became of the last; `early`: the inventory's object, read while the cluster's identity
    was found out, for the first that wants it. `unsaved`: edits of the app's files that its first contact makes, a line
    each, `resolved` those of sizes that were chosen for the cluster; the scope's project has them, `save` writes them.
    `denied` collects what the user has no permission to see where the command only reads; None: that is an error.
    """

    scope: Scope
    connection: Connection
    owner: Owner
    target: Target
    rendered: tuple[Rendered, ...] = field(hash=False)
    former: int = 0
    contents: Contents | None = field(default=None, hash=False)
    again: bool = False
    early: list[Parent] = field(default_factory=list, compare=False, repr=False)
    unsaved: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    denied: Denied | None = field(default=None, compare=False, repr=False)

    def save(self) -> None:
        """Writes what was edited: once a person has agreed, before the cluster is written to."""
        save_files(*self.scope.project.edited.values())

    @property
    def manifests(self) -> dict[str, list[Manifest]]:
        """The rendered objects by component."""
        return {one.component: list(one.manifests) for one in self.rendered}

    @property
    def pod_labels(self) -> str:
        """The selector of this app's pods; "" (all pods) where a template has labels of its author in their place."""
        wanted = {"app.kubernetes.io/part-of": self.owner.app, "app.kubernetes.io/managed-by": "mlstack"}
        every = [manifest for one in self.rendered for manifest in one.manifests]
        templates = [template for manifest in every for _, template in pod_templates(manifest)]
        if any(not wanted.items() <= template["metadata"]["labels"].items() for template in templates):
            return ""
        return ",".join(f"{name}={value}" for name, value in wanted.items())

    def settings(self, component: str) -> Mapping[str, Setting]:
        """The settings of a rendered component; empty if it is not among them."""
        return next((one.settings for one in self.rendered if one.component == component), {})

    def connected(self) -> Connected:
        """The event that tells where this session goes."""
        link = self.connection
        return Connected(self.scope.environment, link.context, link.server, link.cluster, link.namespace, link.pinned)

    def resource_of(self, group: str, kind: str) -> Resource | None:
        """How the cluster serves a kind whose version nobody said; None if it does not."""
        for (version, known), resource in WELL_KNOWN.items():
            if known == kind and version.rpartition("/")[0] == group:
                return resource
        served = self.connection.discovery.all()
        return next((found for found in served.values() if (found.group, found.kind) == (group, kind)), None)


def open_session(scope: Scope, *, pin: bool = False, denied: Denied | None = None) -> Session:
    """Renders first, so that a mistake in the app's files is told before anything is sent; then connects.

    At first contact the session's project has what `env add` would have written; with `pin` that is `unsaved`.
    """
    return replace(_opened(scope, pin=pin), denied=denied)


def _opened(scope: Scope, *, pin: bool) -> Session:
    scope, lines = _met(scope)
    rendered, target = render_scope(scope)
    connection, early = _connected(scope, pin=pin)
    owner = owner_of(scope.project, connection.environment)
    rendered = scoped(rendered, connection.discovery)
    if not connection.pinned:
        return Session(scope, connection, owner, target, rendered, early=early, unsaved=lines if pin else ())
    scope = _pinned(scope, connection)
    lines = (*lines, f"Pinned {scope.environment} to this cluster.")
    return Session(scope, connection, owner, target, rendered, early=early, unsaved=lines)


def _met(scope: Scope) -> tuple[Scope, tuple[str, ...]]:
    if scope.project.environment(scope.environment).cluster:
        return scope, ()
    from mlstack.actions.meeting import met  # only at first contact

    project, lines = met(scope.project, scope.environment, scope.kubeconfig)
    return replace(scope, project=project), lines


def _pinned(scope: Scope, link: Connection) -> Scope:
    from mlstack.actions.meeting import with_pin

    return replace(scope, project=with_pin(scope.project, scope.environment, link.cluster, link.server))


def scoped(rendered: Sequence[Rendered], discovery: Discovery) -> tuple[Rendered, ...]:
    """The objects with a namespace only where their kinds have one, as the app's CRDs say, else as the cluster does.

    Asks the cluster (2 requests, which a plan of such kinds needs anyway) only about kinds that nothing else tells of.
    """
    defined = defined_kinds(manifest for one in rendered for manifest in one.manifests)

    def resolve(manifest: Manifest) -> Manifest:
        if not is_unknown(manifest, defined):
            return manifest
        served = discovery.find(manifest["apiVersion"], manifest["kind"], refresh=False)
        return manifest if served is None or served.namespaced else unplaced(manifest)

    return tuple(replace(one, manifests=tuple(map(resolve, one.manifests))) for one in rendered)


def connect_only(scope: Scope) -> Session:
    """A session that renders nothing, for what must work however broken the app's files are."""
    connection, early = _connected(scope, pin=False)
    target = Target(scope.project.name, scope.project.id, scope.environment, connection.namespace)
    return Session(scope, connection, owner_of(scope.project, connection.environment), target, (), early=early)


def _connected(scope: Scope, *, pin: bool) -> tuple[Connection, list[Parent]]:
    early: list[Parent] = []

    def read_inventory(client: Client) -> None:
        owner = owner_of(scope.project, scope.project.environment(scope.environment))
        early.append(read(client, inventory_object(owner)))

    link = connect_environment(
        scope.project,
        scope.environment,
        kubeconfig=scope.kubeconfig,
        pin=pin,
        store=lambda *what: None,  # the session keeps it until somebody has agreed
        meanwhile=read_inventory,
    )
    return link, early


def inventory_object(owner: Owner) -> Parent:
    """Where an owner's inventory is, or will be."""
    return Parent("ConfigMap", owner.namespace, owner.name)


def render_scope(scope: Scope) -> tuple[tuple[Rendered, ...], Target]:
    """The scope's components, rendered offline."""
    names = list(scope.components) or None
    target, components = assemble(scope.project, scope.environment, list(scope.sets), names)
    return render_all(components, target), target


def owner_of(project: Project, environment: Environment) -> Owner:
    """Who this app is in that environment. Ids are immutable, so that renaming orphans nothing."""
    name = f"mlstack-{project.id}-{environment.id}"
    return Owner(project.name, environment.name, name, environment.namespace, name)
