"""An environment that meets its cluster for the first time: what holds there is known before anything renders."""

from __future__ import annotations

from mlstack import sandbox
from mlstack.app.environments import pinned, save_files
from mlstack.app.project import LOCAL, Project
from mlstack.app.yamlfile import YamlFile
from mlstack.cluster import kubeconfig as kubeconfigs
from mlstack.cluster.failures import KubeconfigError

# In a sandbox nothing listens behind a Service, so an admission webhook could never be reached.
SANDBOX_PARAMS = {"webhook": False}


def met(project: Project, name: str, kubeconfig: str | None) -> tuple[Project, tuple[str, ...]]:
    """The app as it would be with what a sandbox needs, where the environment has not met its cluster; and the edits.

    Nothing is written, and no cluster is asked: a sandbox is known by its address.
    """
    environment = project.environment(name)
    if environment.cluster or not environment.context:
        return project, ()
    try:
        server = kubeconfigs.load(kubeconfig).context(environment.context).server
    except KubeconfigError:
        return project, ()  # connecting says what is wrong
    mine = project.local_to_edit()
    lines = add_sandbox_params(mine, name, server)
    return (project.with_file(mine), lines) if lines else (project, ())


def add_sandbox_params(mine: YamlFile, name: str, server: str) -> tuple[str, ...]:
    """Gives an environment a sandbox's own values in the local file, if its server is one's; the edits, a line each."""
    if not sandbox.recognise(server):
        return ()
    missing = {key: value for key, value in SANDBOX_PARAMS.items() if not mine.has("environments", name, "params", key)}
    for key, value in missing.items():
        mine.set(["environments", name, "params", key], value)
    return tuple(
        f"{LOCAL}: {key}: {str(value).lower()} for {name} (this machine only)." for key, value in missing.items()
    )


def with_pin(project: Project, name: str, cluster: str, server: str) -> Project:
    """The app with the environment pinned to its cluster; nothing is written yet."""
    for file in pinned(project, name, cluster, server):
        project = project.with_file(file)
    return project


def meet_and_save(project: Project, name: str, cluster: str, server: str) -> None:
    """Pins an environment to its cluster and gives it what a sandbox needs, in the files."""
    mine = project.local_to_edit()
    if add_sandbox_params(mine, name, server):
        project = project.with_file(mine)
    save_files(*with_pin(project, name, cluster, server).edited.values())
