"""`mlstack completion SHELL`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print SHELL's completion script: put `eval "$(mlstack completion bash)"` into the shell's start file."""
    from .main import cli

    complete = get_completion_class(shell)
    assert complete is not None
    click.echo(complete(cli, {}, "mlstack", "_MLSTACK_COMPLETE").source())
