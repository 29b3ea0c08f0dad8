"""The command line's entry: a table of commands, loaded when they are called, and the one place errors end."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from mlstack import wording
from mlstack.errors import MlstackError, UnexpectedError

from .groups import Group
from .settings import Settings

# name -> (module of mlstack.cli, attribute, one line of help). The help stands here so that `--help` imports nothing.
SECTIONS: dict[str, dict[str, tuple[str, str, str]]] = {
    "Start": {
        "init": ("start", "init", "Create an app."),
        "registry": ("start", "registry", "Where packages come from."),
        "pkg": ("packages", "pkg", "Install, update, list and remove packages of prototypes."),
        "prototype": ("start", "prototype", "The templates there are, and their parameters."),
        "generate": ("start", "generate", "Make a component from a prototype."),
        "sandbox": ("sandbox", "sandbox", "A real Kubernetes control plane on this machine."),
    },
    "Compose": {
        "component": ("compose", "component", "The components of this app."),
        "env": ("compose", "env", "The clusters this app goes to."),
        "param": ("params", "param", "Set, compare and explain parameters."),
        "show": ("compose", "show", "Print the manifests, offline."),
        "validate": ("compose", "validate", "Check the manifests, offline."),
    },
    "Run": {
        "diff": ("run", "diff", "What apply would do; or compare two environments."),
        "apply": ("run", "apply", "Bring a cluster to the described state."),
        "run": ("runs", "run", "Start a component's run again, and follow it."),
        "logs": ("logs", "logs", "What a component's pods say."),
        "status": ("status", "status", "Components, readiness and reasons."),
        "check": ("check", "check", "What a cluster lacks of what the app needs, and what to do."),
        "tune": ("tune", "tune", "How many workers of how many GPUs fit, and why not more."),
        "wait": ("run", "wait", "Wait until everything is ready."),
        "history": ("history", "history", "The revisions of an environment, the runs of a component."),
        "rollback": ("history", "rollback", "Go back to a former revision."),
        "delete": ("run", "delete", "Remove what was applied."),
        "secret": ("secret", "secret", "A secret value, straight to the cluster."),
        "notebook": ("forward", "notebook", "Open the notebook hub on this machine."),
        "serving": ("forward", "serving", "Open a model server on this machine."),
        "tensorboard": ("forward", "tensorboard", "Open TensorBoard on this machine."),
        "port-forward": ("forward", "port_forward", "Forward ports of a component, service or pod."),
    },
    "Share": {
        "completion": ("completion", "completion", "Print the shell's completion script."),
    },
}


class Commands(Group):
    """The top-level group: commands are looked up in SECTIONS and imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the sections."""
        return [name for section in SECTIONS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, importing its module."""
        for section in SECTIONS.values():
            if cmd_name in section:
                module, attribute, _ = section[cmd_name]
                command = getattr(importlib.import_module(f"mlstack.cli.{module}"), attribute)
                assert isinstance(command, click.Command)
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands under their sections."""
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry[2]) for name, entry in section.items()])


@click.group(
    cls=Commands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "MLSTACK",
        "max_content_width": 110,
    },
)
@click.option("--app", default=".", metavar="DIR", help="The app's folder. [default: this one or one above]")
@click.option("--kubeconfig", metavar="FILE", help="The kubeconfig. [default: KUBECONFIG, else ~/.kube/config]")
@click.option("-v", "--verbose", count=True, help="Print messages of the server and values whole.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(package_name="mlstack", message="mlstack %(version)s")
@click.pass_context
def cli(ctx: click.Context, app: str, kubeconfig: str | None, verbose: int, debug: bool) -> None:
    """Compose, tune and apply machine-learning stacks on Kubernetes: one description, small differences per cluster.

    \b
    Begin with: mlstack init my-kubeflow && cd my-kubeflow
                mlstack generate core kubeflow-core
                mlstack env add minikube && mlstack apply minikube
    """
    if verbose:
        wording.print_whole()
    ctx.obj = Settings(app, kubeconfig, debug)


def run(argv: Sequence[str]) -> int:
    """Run one command. Returns the exit code: 0 done, 1 error, 2 usage, 3 not ready, 4 failed, 16 differences, 130."""
    try:
        code = cli.main(args=hoist(argv), prog_name="mlstack", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except MlstackError as error:
        if _debugging(argv) or isinstance(error, UnexpectedError):
            raise
        return _fail(error)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return 130
    except BrokenPipeError:
        # The reader of our output left (`| head`): nothing more to say, and nothing to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def hoist(argv: Sequence[str]) -> list[str]:
    """The global options moved before the command: as with kubectl, they may stand anywhere (but not after `--`)."""
    end = list(argv).index("--") if "--" in argv else len(argv)
    ahead: list[str] = []
    rest: list[str] = []
    words = iter(argv[:end])
    for word in words:
        if word in ("--app", "--kubeconfig"):
            ahead += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word in ("-v", "-vv", "--verbose", "--debug") or word.startswith(("--app=", "--kubeconfig=")):
            ahead.append(word)
        else:
            rest.append(word)
    return [*ahead, *rest, *argv[end:]]


def _fail(error: MlstackError) -> int:
    click.echo(f"Error: {error.brief or error.message}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)
    return error.exit_code


def _debugging(argv: Sequence[str]) -> bool:
    return "--debug" in argv or bool(os.environ.get("MLSTACK_DEBUG"))
