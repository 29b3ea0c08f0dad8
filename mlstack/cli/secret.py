"""secret set."""

from __future__ import annotations

import sys
from typing import IO

import click

from .groups import Group
from .run import ask
from .settings import Settings, pass_settings


@click.group(cls=Group)
def secret() -> None:
    """Secret values, straight to the cluster: they stand in no file of the app."""


@secret.command("set")
@click.argument("environment")
@click.argument("name")
@click.argument("key")
@click.option("--from-file", type=click.File("rb"), help="Take the value from this file, as it is.")
@click.option("--adopt", is_flag=True, help="Write into a Secret that mlstack did not make, too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_settings
def secret_set(
    settings: Settings, environment: str, name: str, key: str, from_file: IO[bytes] | None, adopt: bool, yes: bool
) -> None:
    """Put a value, read from standard input or a prompt, under KEY of the Secret NAME in ENVIRONMENT's namespace.

    A component refers to it by NAME/KEY. One line break at the end of standard input is dropped.
    """
    from mlstack.actions.secret import put_secret

    project, where = settings.project(), settings.kubeconfig
    project.environment(environment)  # a slip is told before the value is asked for
    value = from_file.read() if from_file else _value(f"{name}/{key}")

    def confirm(why: str) -> bool:
        return ask(why, f"{why}. Set {key} in the Secret {name}?")

    made, namespace = put_secret(
        project, environment, name, key, value, kubeconfig=where, adopt=adopt, yes=yes, confirm=confirm
    )
    click.echo(f"{environment}: {key} is set in the {'new ' if made else ''}Secret {name} (namespace {namespace}).")


def _value(what: str) -> bytes:
    if sys.stdin.isatty():
        return str(click.prompt(f"Value of {what}", hide_input=True, err=True)).encode()
    return sys.stdin.buffer.read().removesuffix(b"\n")
