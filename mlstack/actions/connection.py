"""From an environment to its cluster, and to no other: its own context, and the cluster that it is pinned to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlstack.app.project import Environment, Project
from mlstack.cluster.client import Client
from mlstack.cluster.connect import connect
from mlstack.cluster.discovery import Discovery
from mlstack.cluster.identity import cluster_uid
from mlstack.errors import MlstackError

# (project, environment's name, cluster's UID, server): stores the pin in the files.
Pin = Callable[[Project, str, str, str], object]


class WrongClusterError(MlstackError):
    """Behind the environment's context is another cluster than the one it is pinned to. Nothing was written."""


@dataclass(frozen=True)
class Connection:
    """A client for the right cluster. `cluster` is its UID; `pinned`: it is the environment's first."""

    client: Client
    environment: Environment
    context: str
    server: str
    cluster: str
    namespace: str
    discovery: Discovery
    pinned: bool = False


def connect_environment(
    project: Project,
    env_name: str,
    *,
    kubeconfig: str | None = None,
    pin: bool = True,
    store: Pin | None = None,
    meanwhile: Callable[[Client], object] | None = None,
) -> Connection:
    """Connects by the environment's own context and checks that the cluster is the environment's.

    At first contact the environment is pinned to what is there, unless `pin` is False. One request. `meanwhile` may
    read something at the same time: all that it learns is forgotten with a wrong cluster, and its MlstackErrors are.
    Raises WrongClusterError, KubeconfigError and ClusterError's subclasses.
    """
    environment = project.environment(env_name)
    if not environment.context:
        raise MlstackError(
            f"Environment {env_name} names no context.", f"Say which: mlstack env set {env_name} --context CONTEXT"
        )
    client = connect(environment.context, kubeconfig)
    cluster = _identified(client, meanwhile)
    check_identity(environment, cluster, client.server)
    fresh = not environment.cluster
    if fresh and pin:
        (store or _store)(project, env_name, cluster, client.server)
    return Connection(
        client,
        environment,
        environment.context,
        client.server,
        cluster,
        environment.namespace,
        Discovery(client),
        fresh and pin,
    )


def _identified(client: Client, meanwhile: Callable[[Client], object] | None) -> str:
    if meanwhile is None:
        return cluster_uid(client)
    asking: list[Callable[[Client], object]] = [cluster_uid, meanwhile]
    cluster, _ = client.map(lambda ask: ask(client), asking)
    if isinstance(cluster, MlstackError):
        raise cluster
    return str(cluster)


def _store(project: Project, env_name: str, cluster: str, server: str) -> None:
    from mlstack.actions.meeting import meet_and_save  # only at first contact

    meet_and_save(project, env_name, cluster, server)


def check_identity(environment: Environment, cluster: str, server: str) -> None:
    """Refuses a cluster that is not the pinned one.

    A user who may not read kube-system knows the cluster by its server only: then the stored address decides.
    """
    if environment.cluster in ("", cluster):
        return
    by_server = cluster.startswith("server-") or environment.cluster.startswith("server-")
    if by_server and environment.server == server:
        return
    raise WrongClusterError(
        f"Environment {environment.name} is pinned to cluster {environment.cluster}, but its context "
        f"{environment.context} ({server}) leads to cluster {cluster}. Nothing was written to it.",
        f"If that is right, for a cluster made anew: mlstack env pin {environment.name}",
    )
