"""First contact: what an environment's cluster says of itself, before the environment is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlstack import sandbox
from mlstack.actions.environments import EnvironmentAdded, add_environment, choose_context, pin_environment
from mlstack.actions.meeting import SANDBOX_PARAMS, add_sandbox_params
from mlstack.app.contexts import KubeContexts
from mlstack.app.environments import EnvironmentChanged, save_files
from mlstack.app.platforms import GENERIC, detect_platform
from mlstack.app.project import Project
from mlstack.cluster import kubeconfig as kubeconfigs
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.connect import IN_CLUSTER, connect, in_pod
from mlstack.cluster.failures import ClusterError, ForbiddenError, KubeconfigError
from mlstack.cluster.identity import cluster_uid
from mlstack.cluster.kinds import well_known
from mlstack.errors import MlstackError


@dataclass(frozen=True)
class Contact:
    """What the cluster behind a context said: `cluster` is its UID, "" if it did not answer, as `warning` says."""

    cluster: str = ""
    node_labels: tuple[str, ...] = ()
    local_params: Mapping[str, object] = field(default_factory=dict, hash=False)
    warning: str = ""


def kube_contexts(kubeconfig: str | None) -> KubeContexts:
    """The contexts of the kubeconfig; none where there is no file. Raises KubeconfigError for a broken one."""
    known = kubeconfigs.load(kubeconfig)
    contexts = {name: _context(known, name) for name in known.names}
    return KubeContexts(
        (*known.names, IN_CLUSTER) if in_pod() and IN_CLUSTER not in known.names else known.names,
        known.current,
        {name: found.server for name, found in contexts.items() if found},
        {name: found.namespace for name, found in contexts.items() if found},
    )


def _context(known: kubeconfigs.Kubeconfig, name: str) -> kubeconfigs.Context | None:
    """The context, or None for one that names a cluster or user that is not there: not ours to complain about yet."""
    try:
        return known.context(name)
    except KubeconfigError:
        return None


def add(
    project: Project,
    name: str,
    *,
    context: str = "",
    namespace: str = "",
    platform: str = "",
    kubeconfig: str | None = None,
) -> tuple[EnvironmentAdded, str]:
    """`env add`: the new environment, pinned if its cluster answers; else a warning beside it (decisions.md 10)."""
    contexts = kube_contexts(kubeconfig)
    chosen, _ = choose_context(name, contexts, context)
    guess = platform or detect_platform(name, chosen)[0]
    met = meet(chosen, contexts, kubeconfig, labels=guess == GENERIC and not platform) if chosen else Contact()
    added = add_environment(
        project, name, contexts, context, namespace, platform, met.node_labels, met.cluster, met.local_params
    )
    return added, met.warning


def meet(context: str, contexts: KubeContexts, kubeconfig: str | None, *, labels: bool) -> Contact:
    """Ask the cluster who it is, and with `labels` what its nodes are called. A silent one is only warned about."""
    params = SANDBOX_PARAMS if sandbox.recognise(contexts.servers.get(context, "")) else {}
    try:
        client = connect(context, kubeconfig)
        return Contact(cluster_uid(client), _node_labels(client) if labels else (), params)
    except (ClusterError, KubeconfigError) as error:
        return Contact(local_params=params, warning=f"Not pinned to a cluster yet (the first apply does): {error}")


def _node_labels(client: Client) -> tuple[str, ...]:
    try:
        nodes = objects.list_objects(client, well_known("v1", "Node"), metadata_only=True).items
    except ForbiddenError:
        return ()
    return tuple(sorted({key for node in nodes for key in node["metadata"].get("labels", {})}))


def pin(project: Project, name: str, kubeconfig: str | None = None) -> EnvironmentChanged:
    """`env pin`: store the cluster that is behind the environment's context now. Raises where it does not answer."""
    environment = project.environment(name)
    if not environment.context:
        raise MlstackError(f"Environment {name} names no context.", f"Say which: mlstack env set {name} --context NAME")
    client = connect(environment.context, kubeconfig)
    done = pin_environment(project, name, cluster_uid(client), client.server)
    mine = Project.load(project.root).local_to_edit()
    lines = add_sandbox_params(mine, name, client.server)
    return replace(done, changed=(*done.changed, *lines), files=(*done.files, *(save_files(mine) if lines else ())))
