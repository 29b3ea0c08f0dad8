"""What every command knows: the global options, and the app and kubeconfig that they lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mlstack.app.project import Project

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Settings:
    """The global options. `app` is where to look for the app from; `kubeconfig` overrides KUBECONFIG."""

    app: str = "."
    kubeconfig: str | None = None
    debug: bool = False

    def project(self) -> Project:
        """The app that the current folder (or --app) lies in. Raises MlstackError where there is none."""
        from mlstack.app.project import Project

        return Project.find(Path(self.app))


FORMATS = click.Choice(["text", "json", "yaml"])


def output_option(command: Command) -> Command:
    """`-o text|json|yaml`, on everything that lists or describes."""
    return click.option("-o", "--output", type=FORMATS, default="text", help="How to print it.")(command)


def stream_option(command: Command) -> Command:
    """`-o text|json`, JSON being one event a line."""
    choice = click.Choice(["text", "json"])
    return click.option("-o", "--output", type=choice, default="text", help="json: one event a line.")(command)


def component_option(command: Command) -> Command:
    """`-c COMPONENT`, repeatable."""
    option = click.option(
        "-c",
        "--component",
        "components",
        multiple=True,
        metavar="COMPONENT",
        help="Only this one; repeatable.",
    )
    return option(command)


def set_option(command: Command) -> Command:
    """`--set COMPONENT.PARAM=VALUE`, repeatable."""
    option = click.option(
        "--set", "sets", multiple=True, metavar="COMPONENT.PARAM=VALUE", help="For this once; repeatable."
    )
    return option(command)


pass_settings = click.make_pass_decorator(Settings, ensure=True)
