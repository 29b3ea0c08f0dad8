"""secret set."""

from __future__ import annotations

import sys

import click

from .settings import Settings, pass_settings


@click.group()
def secret() -> None:
    """Secret values, straight to the cluster: they stand in no file of the app."""


@secret.command("set")
@click.argument("environment")
@click.argument("name")
@click.argument("key")
@pass_settings
def secret_set(settings: Settings, environment: str, name: str, key: str) -> None:
    """Put a value, read from standard input or a prompt, under KEY of the Secret NAME in ENVIRONMENT's namespace.

    A component refers to it by NAME/KEY. One line break at the end of standard input is dropped.
    """
    from mlstack.actions.connection import connect_environment
    from mlstack.actions.secret import set_secret

    link = connect_environment(settings.project(), environment, kubeconfig=settings.kubeconfig)
    made = set_secret(link, name, key, _value(f"{name}/{key}"))
    click.echo(
        f"{environment}: {key} is set in the {'new ' if made else ''}Secret {name} (namespace {link.namespace})."
    )


def _value(what: str) -> bytes:
    if sys.stdin.isatty():
        return str(click.prompt(f"Value of {what}", hide_input=True, err=True)).encode()
    return sys.stdin.buffer.read().removesuffix(b"\n")
