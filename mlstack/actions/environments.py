"""env add, list, describe, set, rm, pin."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlstack.app.contexts import KubeContexts
from mlstack.app.environments import EnvironmentChanged, is_local, pin_environment, save_files
from mlstack.app.names import check_label, new_id
from mlstack.app.platforms import detect_platform, platform_path
from mlstack.app.project import ENVIRONMENTS, LOCAL, Environment, Project
from mlstack.app.vendor import vendor_platform, vendored_platform
from mlstack.app.yamlfile import YamlFile
from mlstack.errors import MlstackError, did_you_mean

__all__ = [
    "EnvironmentAdded",
    "EnvironmentChanged",
    "EnvironmentInfo",
    "add_environment",
    "choose_context",
    "describe_environment",
    "list_environments",
    "pin_environment",
    "remove_environment",
    "set_environment",
]

AUTOSCALING = ("none", "unknown")


NO_CONTEXTS = "The kubeconfig has no contexts yet"


@dataclass(frozen=True)
class EnvironmentInfo:
    """An environment. `cluster` is the UID that it is pinned to ("" before first contact); `components` None: all;
    `local`: whether its pin stands in this person's own file.
    """

    name: str
    id: str
    file: str
    platform: str
    context: str
    server: str
    cluster: str
    namespace: str
    protected: bool
    autoscaling: Any
    components: tuple[str, ...] | None
    local: bool


@dataclass(frozen=True)
class EnvironmentAdded:
    """A new environment. `context_from` and `platform_from` say why those were chosen; `local_params` are what the
    local file got.
    """

    environment: EnvironmentInfo
    context_from: str
    platform_from: str
    local_params: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()

    @property
    def summary(self) -> tuple[str, ...]:
        """What happened, a line each."""
        env = self.environment
        where = f"context {env.context}{self.context_from}" if env.context else "no context yet"
        server = f" ({env.server})" if env.server else ""
        lines = [f"Added environment {env.name}: {where}{server}, namespace {env.namespace}, platform {env.platform}."]
        if not env.context:
            known = f"No context is current; there are: {', '.join(self.contexts)}" if self.contexts else NO_CONTEXTS
            lines.append(f"{known}. Choose one: mlstack env set {env.name} --context CONTEXT")
        lines += [f"{LOCAL}: {text} for {env.name} (this machine only)." for text in self.local_params]
        return (*lines, *([f"Pinned to cluster {env.cluster}."] if env.cluster else []))


def add_environment(
    project: Project,
    name: str,
    contexts: KubeContexts,
    context: str = "",
    namespace: str = "",
    platform: str = "",
    node_labels: Iterable[str] = (),
    cluster: str = "",
    local_params: Mapping[str, Any] | None = None,
) -> EnvironmentAdded:
    """Makes an environment (decisions.md 10). `cluster`: the UID to pin to, if it answered; `node_labels`: label keys
    of its nodes; `local_params`: environment-wide values that hold on this machine only.
    """
    check_label("an environment", name)
    if name in project.environment_names:
        raise MlstackError(
            f"The environment {name} is there already ({ENVIRONMENTS}/{name}.yaml).",
            "Change it: mlstack env set " + name,
        )
    context, context_from = choose_context(name, contexts, context)
    namespace = check_label("a namespace", namespace or contexts.namespaces.get(context, "") or "default")
    platform, platform_from = (platform, "as asked") if platform else detect_platform(name, context, node_labels)
    platform_path(platform)
    vendor_platform(project, platform)
    data = vendored_platform(project, platform)
    server = contexts.servers.get(context, "")
    identity = {key: value for key, value in (("server", server), ("cluster", cluster)) if value}
    local = is_local(platform, context, server)
    _write_local(project, name, identity if local else {}, local_params or {})
    values = {"id": new_id(), "platform": platform} | ({"context": context} if context else {})
    values |= {} if local else identity
    values |= {"namespace": namespace, "autoscaling": data.get("autoscaling", "unknown")}
    path = project.root / ENVIRONMENTS / f"{name}.yaml"
    YamlFile.new(path, project.root, "Environment", values).save()
    added = describe_environment(Project.load(project.root), name)
    given = tuple(f"{key}: {str(value).lower()}" for key, value in (local_params or {}).items())
    return EnvironmentAdded(added, context_from, platform_from, given, () if context else contexts.names)


def choose_context(name: str, contexts: KubeContexts, asked: str = "") -> tuple[str, str]:
    """(context, why): the one asked for, else the one of the environment's name, else the current one."""
    if asked:
        if asked not in contexts.names:
            hint = did_you_mean(asked, contexts.names) or "It holds no contexts."
            raise MlstackError(f"There is no context {asked} in the kubeconfig.", hint)
        return asked, ""
    if name in contexts.names:
        return name, ""
    return contexts.current, " (the current one)" if contexts.current else ""


def list_environments(project: Project) -> list[EnvironmentInfo]:
    """All environments, sorted."""
    return [describe_environment(project, name) for name in project.environment_names]


def describe_environment(project: Project, name: str) -> EnvironmentInfo:
    """One environment as its own file and the local one say together."""
    env = project.environment(name)
    listed = env.components
    return EnvironmentInfo(
        env.name,
        env.id,
        env.file.file,
        env.platform,
        env.context,
        env.server,
        env.cluster,
        env.namespace,
        env.protected,
        env.autoscaling,
        None if listed is None else tuple(listed),
        is_local(env.platform, env.context, env.server),
    )


def set_environment(
    project: Project,
    name: str,
    *,
    rename: str = "",
    namespace: str = "",
    context: str = "",
    contexts: KubeContexts | None = None,
    platform: str = "",
    protected: bool | None = None,
    autoscaling: str = "",
    local: bool = False,
) -> EnvironmentChanged:
    """Changes what is given. `context` is looked up in `contexts`, and with `local` stands in the local file only;
    `autoscaling`: none, unknown, or pools separated by commas.
    """
    env = project.environment(name)
    own, mine = copy.copy(env.file), project.local_to_edit()
    needs: tuple[str, ...] = ()
    if rename:
        check_label("an environment", rename)
    if rename in project.environment_names:
        raise MlstackError(f"The environment {rename} is there already ({ENVIRONMENTS}/{rename}.yaml).")
    if context:
        choose_context(name, contexts or KubeContexts(names=(context,)), context)
        _set_context(env, own, mine, context, contexts, local)
        needs = _sandbox_params(env, mine, contexts.servers.get(context, "") if contexts else "")
    if namespace:
        own.set(["namespace"], check_label("a namespace", namespace))
    if protected is not None:
        own.set(["protected"], protected)
    if autoscaling:
        own.set(["autoscaling"], _autoscaling(autoscaling))
    if platform:
        platform_path(platform)
        vendor_platform(project, platform, force=True)
        own.set(["platform"], platform)
    changed = [_said(env.file, own, key) for key in own.data if own.get(key) != env.file.get(key)]
    if local and mine.changed and mine.data.get("environments"):
        changed.append(f"{LOCAL}: {name}'s context is {context}.")
    changed += needs
    files = save_files(own, mine)
    if rename:
        changed.append(_rename(project, env, rename, mine))
    return EnvironmentChanged(rename or name, tuple(changed), files)


def remove_environment(project: Project, name: str) -> EnvironmentChanged:
    """Removes an environment's file and what the local file says of it. The cluster is not touched."""
    env = project.environment(name)
    mine = project.local_to_edit()
    mine.unset(["environments", name])
    env.file.path.unlink()
    files = (env.file.file, *save_files(mine))
    line = f"Removed {env.file.file}. The cluster is untouched: what was applied there goes on running."
    return EnvironmentChanged(name, (line,), files)


def _set_context(
    env: Environment, own: YamlFile, mine: YamlFile, context: str, contexts: KubeContexts | None, local: bool
) -> None:
    server = contexts.servers.get(context, "") if contexts else ""
    if local:
        mine.set(["environments", env.name, "context"], context)
        return
    own.set(["context"], context)
    if server and own.has("server"):
        own.set(["server"], server)
    mine.unset(["environments", env.name, "context"])


def _sandbox_params(env: Environment, mine: YamlFile, server: str) -> tuple[str, ...]:
    """What `env add` does for a sandbox, for an environment that gets its context later."""
    from mlstack.actions.meeting import add_sandbox_params  # what most changes need not import

    return () if env.cluster or not server else add_sandbox_params(mine, env.name, server)


def _autoscaling(text: str) -> str | list[str]:
    if text in AUTOSCALING:
        return text
    pools = [pool.strip() for pool in text.split(",") if pool.strip()]
    for pool in pools:
        check_label("a node pool", pool)
    return pools


def _said(before: YamlFile, after: YamlFile, key: str) -> str:
    was = before.get(key)
    shown = "" if was is None else f" (was {str(was).lower() if isinstance(was, bool) else was})"
    value = after.get(key)
    return f"{after.place(key)}: {key} = {str(value).lower() if isinstance(value, bool) else value}{shown}."


def _rename(project: Project, env: Environment, new: str, mine: YamlFile) -> str:
    if mine.has("environments", env.name):
        mine.rename(["environments", env.name], new)
        mine.save()
    env.file.path.rename(env.file.path.with_name(f"{new}.yaml"))
    return f"{env.file.file} is {ENVIRONMENTS}/{new}.yaml now; what runs in the cluster is still its own (id {env.id})."


def _write_local(project: Project, name: str, identity: Mapping[str, str], params: Mapping[str, Any]) -> None:
    """What stands there of a former environment of this name, such as its pin, must not hold for the new one."""
    mine = project.local_to_edit()
    mine.unset(["environments", name])
    entry = dict(identity) | ({"params": dict(params)} if params else {})
    if entry:
        mine.set(["environments", name], entry)
    save_files(mine)
