"""sandbox up, down, list, status."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .groups import Group
from .output import emit, note, table
from .settings import Settings, output_option, pass_settings

if TYPE_CHECKING:
    from mlstack.actions.sandbox import Status
    from mlstack.sandbox import Sandbox

LIKE = click.Choice(["minikube", "gke"])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(cls=Group)
def sandbox() -> None:
    """A real Kubernetes control plane on this machine; nodes, GPUs and pods are simulated."""


@sandbox.command()
@click.argument("name", required=False)
@click.option("--like", type=LIKE, help="What nodes it has. [default: as NAME says, else minikube]")
@click.option("--nodes", "nodes_file", type=FILE, help="Node manifests of your own instead.")
@click.option("--context", help="The context's name. [default: sandbox-NAME]")
@click.option("--build/--no-build", default=None, envvar="MLSTACK_SANDBOX_BUILD", help="Build binaries: takes minutes.")
@click.option("--binaries", type=FOLDER, help="A folder that has the binaries.")
@output_option
@pass_settings
def up(settings: Settings, /, name: str | None, output: str, **given: Any) -> None:
    """Start the sandbox NAME, or what of it does not run, and add its context to the kubeconfig.

    The current context stays as it is.
    """
    from mlstack.actions.sandbox import up as action

    with showing() as progress:
        found = action(name, kubeconfig_file=settings.kubeconfig, progress=progress, **given)
    emit(found.as_dict(), output, lambda: up_text(found))


def up_text(found: Sandbox) -> str:
    """What there is now, and what to do with it."""
    lines = [
        f"Sandbox {found.name} is up: context {found.context} in {found.kubeconfig} (nodes and pods are simulated)."
    ]
    if not (found.binaries / "mlstack-training-operator").exists():
        lines.append("Training jobs will not run: its binaries have no training operator; --build makes one.")
    lines.append(f"Use it: mlstack env add {found.like} --context {found.context}")
    return "\n".join(lines)


@sandbox.command()
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="All sandboxes.")
@output_option
@pass_settings
def down(settings: Settings, name: str | None, every: bool, output: str) -> None:
    """Stop the sandbox NAME (or the only one) and remove all that it left anywhere."""
    from mlstack.actions.sandbox import down as action

    with showing() as progress:
        gone = list(action(name, every=every, progress=progress))
    emit({"removed": gone}, output, lambda: "\n".join(f"Sandbox {each} is gone." for each in gone) or "No sandboxes.")


@sandbox.command(name="list")
@output_option
@pass_settings
def list_(settings: Settings, output: str) -> None:
    """List the sandboxes."""
    from mlstack.actions.sandbox import listing

    found = listing()
    emit([each.as_dict() for each in found], output, lambda: list_text(found))


def list_text(found: list[Sandbox]) -> str:
    """One line a sandbox."""
    if not found:
        return "No sandboxes. Make one: mlstack sandbox up"
    rows = [(each.name, each.like, condition(each), each.context, each.server) for each in found]
    return table(("name", "like", "state", "context", "server"), rows)


@sandbox.command()
@click.argument("name", required=False)
@output_option
@pass_settings
def status(settings: Settings, name: str | None, output: str) -> int:
    """Show what runs of the sandbox NAME, its nodes and its training operator. Exit 3 if something is dead."""
    from mlstack.actions.sandbox import status as action

    found = action(name)
    emit(found.as_dict(), output, lambda: status_text(found))
    return 0 if found.sandbox.ready else 3


def status_text(found: Status) -> str:
    """Processes, operator, nodes."""
    box = found.sandbox
    head = f"Sandbox {box.name}: {condition(box)}, like {box.like}, context {box.context}, {box.server}"
    parts = [(program, pid) for program, pid in sorted(box.pids.items())]
    blocks = [head, table(("process", "pid"), [*parts, *((program, "dead") for program in box.dead)])]
    blocks.append(f"Training operator: {operator_text(box)}")
    if found.nodes:
        keys = ("name", "cpu", "memory", "gpus", "type")
        rows = [(*(node[key] for key in keys), "" if node["ready"] else "not ready") for node in found.nodes]
        blocks += ["Nodes (simulated, with simulated GPUs):", table(("node", *keys[1:], ""), rows)]
    if box.dead:
        blocks.append(f"Start what is dead: mlstack sandbox up {box.name}")
    return "\n".join(blocks)


def condition(found: Sandbox) -> str:
    """In a word or two: running, not finished, or what is dead."""
    if found.phase != "ready":
        return "not finished"
    return f"dead: {', '.join(found.dead)}" if found.dead else "running"


def operator_text(found: Sandbox) -> str:
    """How the training operator is, and why."""
    told = found.operator
    of = f" for Deployment {told['deployment']}" if told.get("deployment") else ""
    why = f" ({told['reason']})" if told.get("reason") else ""
    return f"{told.get('state', 'absent')}{of}{why}"


@contextmanager
def showing() -> Iterator[Callable[[str], None]]:
    """Progress on standard error: a moving line on a terminal, else plain lines."""
    if not sys.stderr.isatty():
        yield note
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("") as moving:

        def show(text: str) -> None:
            moving.update(text)

        yield show
