"""Groups of commands that answer an unknown command with what to type instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

# What ksonnet called it, or what other tools do -> what to type instead.
INSTEAD: Mapping[str, str] = {
    "version": "Type: mlstack --version",
    "help": "Type: mlstack --help",
    "import": "Copy the manifests into components/NAME/; `mlstack show ENV` prints them with the rest.",
    "install": "Type: mlstack pkg install PACKAGE, or mlstack generate PROTOTYPE NAME",
    "uninstall": "Type: mlstack delete ENV",
    "template": "Type: mlstack show ENV",
    "upgrade": "Type: mlstack apply ENV; for newer packages: mlstack pkg update",
    "module": "A component is one file in components/; `mlstack component list` lists them.",
    "component delete": "Type: mlstack component rm NAME",
    "env current": "No environment is the current one: each command names its own. `mlstack env list` lists them.",
    "env delete": "Type: mlstack env rm NAME",
    "env targets": "Set `components` in the environment's file; `mlstack env describe NAME` prints what it is.",
    "env update": "Type: mlstack env set NAME",
    "param delete": "Type: mlstack param unset COMPONENT NAME",
    "param rm": "Type: mlstack param unset COMPONENT NAME",
    "param get": "Type: mlstack param explain COMPONENT NAME --env ENV",
    "pkg rm": "Type: mlstack pkg remove PACKAGE",
    "prototype use": "Type: mlstack generate PROTOTYPE NAME",
}


class Group(click.Group):
    """A group whose unknown commands are answered with what to type instead."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        """As click's, with a hint for an unknown command. Raises click.UsageError."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if not (args and error.message.startswith("No such command")):
                raise
            from mlstack.errors import did_you_mean

            typed = f"{ctx.command_path.removeprefix('mlstack')} {args[0]}".strip()
            hint = INSTEAD.get(typed) or did_you_mean(args[0], self.list_commands(ctx))
            raise click.UsageError(f"There is no command {typed}. {hint}".rstrip(), ctx) from None
