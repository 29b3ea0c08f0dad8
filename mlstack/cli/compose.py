"""component, env, show, validate, and the offline comparison of two environments."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from .groups import Group
from .output import counted, emit, note, table
from .settings import Settings, component_option, output_option, pass_settings, set_option
from .start import rows, say

if TYPE_CHECKING:
    from mlstack.actions.environments import EnvironmentInfo
    from mlstack.actions.render import EnvironmentDifference


@click.group(cls=Group)
def component() -> None:
    """The components of this app."""


@component.command("list")
@output_option
@pass_settings
def component_list(settings: Settings, output: str) -> None:
    """List the components and their prototypes."""
    from mlstack.actions.components import list_components

    headers = ("COMPONENT", "PROTOTYPE", "VERSION", "LIFECYCLE", "FILE")
    rows(
        list_components(settings.project()),
        output,
        headers,
        lambda one: (one.name, one.prototype or "(plain manifests)", one.version, one.lifecycle, one.file),
    )


@component.command("rm")
@click.argument("name")
@pass_settings
def component_rm(settings: Settings, name: str) -> None:
    """Remove a component from the app; the next apply of an environment prunes its objects."""
    from mlstack.actions.components import remove_component

    say(remove_component(settings.project(), name))


@click.group(cls=Group)
def env() -> None:
    """The clusters this app goes to, and what differs there."""


@env.command("add")
@click.argument("name")
@click.option("--context", default="", help="The kubeconfig context. [default: NAME, else the current one]")
@click.option("--namespace", "-n", default="", help="The namespace. [default: the context's, else default]")
@click.option("--platform", default="", help="minikube, gke, eks, aks or generic. [default: found out]")
@pass_settings
def env_add(settings: Settings, name: str, context: str, namespace: str, platform: str) -> None:
    """Add the environment NAME: a cluster, a namespace and the parameter values that differ there."""
    from mlstack.actions.contact import add

    added, warning = add(
        settings.project(),
        name,
        context=context,
        namespace=namespace,
        platform=platform,
        kubeconfig=settings.kubeconfig,
    )
    say(added)
    if warning:
        note(f"Warning: {warning}")


@env.command("list")
@output_option
@pass_settings
def env_list(settings: Settings, output: str) -> None:
    """List the environments."""
    from mlstack.actions.environments import list_environments

    headers = ("ENVIRONMENT", "PLATFORM", "CONTEXT", "NAMESPACE", "CLUSTER")
    rows(
        list_environments(settings.project()),
        output,
        headers,
        lambda one: (one.name, one.platform, one.context, one.namespace, one.cluster[:8] or "not pinned"),
    )


@env.command("describe")
@click.argument("name")
@output_option
@pass_settings
def env_describe(settings: Settings, name: str, output: str) -> None:
    """Show one environment."""
    from mlstack.actions.environments import describe_environment

    found = describe_environment(settings.project(), name)
    emit(asdict(found), output, lambda: _env_text(found))


def _env_text(found: EnvironmentInfo) -> str:
    facts = {**asdict(found), "components": "all" if found.components is None else ", ".join(found.components)}
    facts["cluster"] = found.cluster or "not pinned"
    facts["local"] = "pinned on this machine only" if found.local else "shared"
    return "\n".join(f"{key:<12} {value}" for key, value in facts.items())


@env.command("set")
@click.argument("name")
@click.option("--name", "rename", default="", metavar="NEW", help="Rename it; what runs stays its own.")
@click.option("--namespace", "-n", default="", help="Another namespace.")
@click.option("--context", default="", help="Another kubeconfig context.")
@click.option("--local", is_flag=True, help="The context for you alone, in the git-ignored file.")
@click.option("--platform", default="", help="Another platform; also takes its file anew.")
@click.option("--protected/--unprotected", default=None, help="Ask before changes.")
@click.option("--autoscaling", default="", help="none, unknown, or node pools separated by commas.")
@pass_settings
def env_set(settings: Settings, /, name: str, **given: Any) -> None:
    """Change an environment."""
    from mlstack.actions.contact import kube_contexts
    from mlstack.actions.environments import set_environment

    contexts = kube_contexts(settings.kubeconfig) if given["context"] else None
    say(set_environment(settings.project(), name, contexts=contexts, **given))


@env.command("rm")
@click.argument("name")
@pass_settings
def env_rm(settings: Settings, name: str) -> None:
    """Remove an environment from the app. Its cluster is not touched: first `mlstack delete NAME`, if meant."""
    from mlstack.actions.environments import remove_environment

    say(remove_environment(settings.project(), name))


@env.command("pin")
@click.argument("name")
@pass_settings
def env_pin(settings: Settings, name: str) -> None:
    """Take the cluster that is behind the environment's context now for the right one."""
    from mlstack.actions.contact import pin

    say(pin(settings.project(), name, settings.kubeconfig))


@click.command()
@click.argument("environment")
@component_option
@set_option
@click.option("--no-local", is_flag=True, help="Leave out what .mlstack/local.yaml sets on this machine only.")
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", help="json: a v1 List.")
@pass_settings
def show(
    settings: Settings,
    environment: str,
    components: tuple[str, ...],
    sets: tuple[str, ...],
    no_local: bool,
    output: str,
) -> None:
    """Print ENVIRONMENT's manifests, offline: the same bytes on any machine, ready for a pipe."""
    from mlstack.actions.render import local_note, manifests_yaml
    from mlstack.actions.render import show as action

    project = settings.project().without_local() if no_local else settings.project()
    rendered = action(project, environment, components or None, sets)
    for text in (*local_note(project, environment), *(text for one in rendered for text in one.notes)):
        note(text)
    manifests = [manifest for one in rendered for manifest in one.manifests]
    if output == "json":
        emit({"apiVersion": "v1", "kind": "List", "items": manifests}, output, str)
    else:
        click.echo(manifests_yaml(manifests), nl=False)


@click.command()
@click.argument("environment")
@component_option
@set_option
@output_option
@pass_settings
def validate(
    settings: Settings, environment: str, components: tuple[str, ...], sets: tuple[str, ...], output: str
) -> int:
    """Check ENVIRONMENT's manifests offline, by Kubernetes' schemas and the app's CRDs. Exit 1: something is wrong."""
    from mlstack.actions.render import checked

    problems, count = checked(settings.project(), environment, components or None, sets)
    wrong = [problem for problem in problems if not problem.unchecked]
    end = counted(len(wrong), "problem") if wrong else "valid"
    lines = [*map(str, problems), f"{environment}: {counted(count, 'object')}, {end}"]
    emit([asdict(problem) for problem in problems], output, lambda: "\n".join(lines))
    return 1 if wrong else 0


def compare_environments(settings: Settings, left: str, right: str, components: tuple[str, ...], output: str) -> int:
    """`diff ENV1 ENV2`: parameters, then what comes of them in the objects. Exit 16 if they differ."""
    from mlstack.actions.render import diff_environments

    found = diff_environments(settings.project(), left, right, components or None)
    emit(asdict(found), output, lambda: _difference_text(found))
    return 16 if found.differs else 0


def _difference_text(found: EnvironmentDifference) -> str:
    from mlstack.actions.params import shown

    params = [
        (row.component, row.name, f"{shown(row.left)} -> {shown(row.right)}", row.right_place or row.left_place)
        for row in found.params
    ]
    lines = [table(("COMPONENT", "PARAMETER", f"{found.left} -> {found.right}", "WHERE"), params)] if params else []
    for one in found.objects:
        lines.append(f"{one.component}  {one.key.kind}/{one.key.name}" + (f"  only in {one.only}" if one.only else ""))
        lines += [f"  {field.path}  {_cut(field.left)} -> {_cut(field.right)}" for field in one.fields]
    return "\n".join(lines) if found.differs else f"{found.left} and {found.right} render the same."


def _cut(value: Any) -> str:
    from mlstack.actions.params import shown

    text = "-" if type(value).__name__ == "Absent" else shown(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
