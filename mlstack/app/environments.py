"""Which cluster an environment is pinned to, and in which file that stands."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from mlstack.app.contexts import on_this_machine
from mlstack.app.project import Project
from mlstack.app.yamlfile import YamlFile


@dataclass(frozen=True)
class EnvironmentChanged:
    """What `env set`, `env rm` and `env pin` did, a sentence each; nothing where `changed` is empty."""

    name: str
    changed: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def summary(self) -> tuple[str, ...]:
        """What happened, a line each."""
        return self.changed or (f"{self.name}: nothing to change.",)


def is_local(platform: str, context: str, server: str) -> bool:
    """Whether an environment's cluster is this machine's alone, so that its pin stands in the local file."""
    return platform == "minikube" or context.startswith("sandbox-") or on_this_machine(server)


def pin_environment(project: Project, name: str, cluster: str, server: str = "") -> EnvironmentChanged:
    """Stores the UID of the environment's cluster: of a local platform in the local file, else in its own."""
    env = project.environment(name)
    files = pinned(project, name, cluster, server)
    if not files:
        return EnvironmentChanged(name, (), ())
    before = f" (before: {env.cluster})" if env.cluster and env.cluster != cluster else ""
    return EnvironmentChanged(name, (f"Pinned {name} to cluster {cluster}{before}.",), save_files(*files))


def pinned(project: Project, name: str, cluster: str, server: str = "") -> tuple[YamlFile, ...]:
    """The files as they would be with the environment pinned to a cluster; none where it is already."""
    env = project.environment(name)
    if cluster == env.cluster and server in {"", env.server}:
        return ()
    identity = {"cluster": cluster} | ({"server": server} if server else {})
    own, mine = copy.copy(env.file), project.local_to_edit()
    if is_local(env.platform, env.context, server or env.server) or mine.string("environments", name, "cluster"):
        for key, value in identity.items():
            mine.set(["environments", name, key], value)
        return (mine,)
    for key, value in identity.items():
        own.set([key], value)
    return (own,)


def save_files(*files: YamlFile) -> tuple[str, ...]:
    """Saves what changed; a local file that says nothing is not made."""
    wanted = [file for file in files if file.kind != "Local" or file.path.exists() or file.data.get("environments")]
    return tuple(file.file for file in wanted if file.save())
