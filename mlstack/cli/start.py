"""init, registry, prototype, generate: an app and what it is made from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from mlstack.errors import MlstackError

from .groups import Group
from .output import emit, table
from .settings import Settings, output_option, pass_settings

if TYPE_CHECKING:
    from mlstack.actions.prototypes import PrototypeInfo
    from mlstack.app.project import Project

ANY_OPTIONS: dict[str, Any] = {"ignore_unknown_options": True, "allow_extra_args": True}


class Done(Protocol):
    """What an action that writes gives back: what happened, a line each."""

    @property
    def summary(self) -> Sequence[str]: ...


def say(done: Done) -> None:
    """Print what happened, a line each."""
    for line in done.summary:
        click.echo(line)


def rows(found: Sequence[Any], output: str, headers: Sequence[str], row: Callable[[Any], Sequence[object]]) -> None:
    """Print a list of dataclasses: a table for people, plain data for programs."""
    emit([asdict(one) for one in found], output, lambda: table(headers, [row(one) for one in found]))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", help="The app's name. [default: the folder's]")
def init(folder: Path, name: str | None) -> None:
    """Create an app in FOLDER: mlstack.yaml, components/, environments/. To be kept in git."""
    from mlstack.actions.init import init as action

    say(action(folder, name, here=folder == Path()))


@click.group(cls=Group)
def registry() -> None:
    """Where packages come from: the built-in registry, or a folder."""


@registry.command("add")
@click.argument("name")
@click.argument("address")
@pass_settings
def registry_add(settings: Settings, name: str, address: str) -> None:
    """Let NAME stand for the registry at ADDRESS (a folder; 2017's address of Kubeflow means the built-in one)."""
    from mlstack.actions.registries import add_registry

    say(add_registry(settings.project(), name, address))


@registry.command("list")
@output_option
@pass_settings
def registry_list(settings: Settings, output: str) -> None:
    """List the app's registries."""
    from mlstack.actions.registries import list_registries

    found = list_registries(settings.project())
    rows(found, output, ("NAME", "KIND", "ADDRESS"), lambda one: (one.name, one.kind, one.address))


@registry.command("describe")
@click.argument("name")
@output_option
@pass_settings
def registry_describe(settings: Settings, name: str, output: str) -> None:
    """Show a registry's packages."""
    from mlstack.actions.registries import describe_registry

    found = describe_registry(settings.project(), name)
    packages = table(("PACKAGE", "VERSION", "DESCRIPTION"), found.packages)
    head = f"{found.name} ({found.kind}: {found.address})\n{found.description}".rstrip()
    emit(asdict(found), output, lambda: f"{head}\n\n{packages}")


@click.group(cls=Group)
def prototype() -> None:
    """The templates that components are made from."""


def project_or_none(settings: Settings) -> Project | None:
    """The app if there is one here: prototypes can be looked at without."""
    from mlstack.app.project import AppNotFoundError

    try:
        return settings.project()
    except AppNotFoundError:
        return None


@prototype.command("list")
@click.argument("word", required=False, default="")
@output_option
@pass_settings
def prototype_list(settings: Settings, word: str, output: str) -> None:
    """List the prototypes; with a prototype's name, its parameters; with another word, those that match it."""
    from mlstack.actions.prototypes import list_or_describe, list_prototypes

    project = project_or_none(settings)
    found = list_or_describe(project, word) if word else list_prototypes(project)
    if not isinstance(found, list):
        emit(asdict(found), output, lambda: prototype_text(found))
        return
    _list(found, word, output)


@prototype.command("search")
@click.argument("word")
@output_option
@pass_settings
def prototype_search(settings: Settings, word: str, output: str) -> None:
    """List the prototypes whose name, package or summary holds WORD."""
    from mlstack.actions.prototypes import list_prototypes

    _list(list_prototypes(project_or_none(settings), word), word, output)


def _list(found: list[PrototypeInfo], word: str, output: str) -> None:
    if not found and output == "text":
        raise MlstackError(f"No prototype matches {word}.", "All of them: mlstack prototype list")
    headers = ("PROTOTYPE", "PACKAGE", "LIFECYCLE", "SUMMARY")
    rows(found, output, headers, lambda one: (one.name, one.package, one.lifecycle, one.summary))


@prototype.command("describe")
@click.argument("name")
@output_option
@pass_settings
def prototype_describe(settings: Settings, name: str, output: str) -> None:
    """Show what a prototype is for, and its parameters."""
    from mlstack.actions.prototypes import describe_prototype

    found = describe_prototype(project_or_none(settings), name)
    emit(asdict(found), output, lambda: prototype_text(found))


def prototype_text(found: PrototypeInfo) -> str:
    """A prototype for people."""
    lines = [f"{found.package}/{found.name} {found.version} ({found.lifecycle}): {found.summary}"]
    lines += ["", found.description.rstrip()] if found.description else []
    parameters = [
        (p.name, "required" if p.required else _short(p.default), f"{_sentence(p.help)}{p.allowed}")
        for p in found.parameters
    ]
    lines += ["", table(("PARAMETER", "DEFAULT", "MEANING"), parameters)]
    older = [f"{old} (now {p.name})" for p in found.parameters for old in p.aliases]
    older += [f"{old} (no effect: {why})" for old, why in found.retired.items()]
    lines += ["", "Also accepted: " + ", ".join(older)] if older else []
    for example in found.examples:
        lines += ["", f"{example.get('title', 'Example')}:", *(f"  {x}" for x in example["command"].splitlines())]
    return "\n".join(lines)


def _short(value: Any) -> str:
    import json

    if value is None or value == "":
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}: " if text else ""


@prototype.command("preview", context_settings=ANY_OPTIONS)
@click.argument("name")
@click.option("--platform", default="generic", help="For which kind of cluster.")
@click.argument("params", nargs=-1, type=click.UNPROCESSED, metavar="[--PARAM=VALUE]…")
@pass_settings
def prototype_preview(settings: Settings, name: str, platform: str, params: tuple[str, ...]) -> None:
    """Print the manifests that a prototype makes of these parameters; write nothing."""
    from mlstack.actions.prototypes import preview
    from mlstack.compose.filters import to_yaml

    words, given = read_words(params)
    if words:
        raise click.UsageError(f"{words[0]} is no parameter; write --PARAM=VALUE.")
    manifests = preview(project_or_none(settings), name, given, platform)
    click.echo("---\n".join(to_yaml(manifest) for manifest in manifests), nl=False)


class WithParameters(click.Command):
    """A command whose --help also prints the parameters of the prototype that stands before it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments; for `PROTOTYPE --help` the help of both."""
        if "--help" in args and args[0] != "--help":
            from mlstack.actions.prototypes import describe_prototype

            found = describe_prototype(project_or_none(ctx.ensure_object(Settings)), args[0])
            click.echo(f"{self.get_help(ctx)}\n\n{prototype_text(found)}")
            ctx.exit()
        return super().parse_args(ctx, args)


@click.command(context_settings=ANY_OPTIONS, cls=WithParameters)
@click.argument("prototype", metavar="PROTOTYPE")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[NAME] [--PARAM=VALUE]…")
@pass_settings
def generate(settings: Settings, prototype: str, words: tuple[str, ...]) -> None:
    """Make the component NAME from PROTOTYPE, with the parameters given; installs the package that it needs.

    Every parameter of the prototype is an option: --num_workers=2, or --num_workers 2. `mlstack prototype describe
    PROTOTYPE` lists them, and so does `mlstack generate PROTOTYPE --help`.
    """
    from mlstack.actions.generate import generate as action

    names, params = read_words(words)
    if len(names) > 1:
        raise click.UsageError(f"{names[1]} is one word too many: mlstack generate PROTOTYPE NAME --PARAM=VALUE.")
    say(action(settings.project(), prototype, names[0] if names else params.get("name"), params))


def read_words(words: Sequence[str]) -> tuple[list[str], Mapping[str, str]]:
    """Names and parameters as typed after a prototype: `NAME --a=1 --b 2 ---c=3` (three dashes were in 2017's text).

    Raises UsageError for a parameter without a value, or given twice.
    """
    names: list[str] = []
    params: dict[str, str] = {}
    waiting = iter(words)
    for word in waiting:
        match = re.fullmatch(r"--+([^=\s-][^=]*)(?:=(.*))?", word, re.DOTALL)
        if match is None:
            names.append(word)
            continue
        name = match[1].replace("\\_", "_")
        value = match[2] if match[2] is not None else next(waiting, None)
        if value is None:
            raise click.UsageError(f"--{name} needs a value: --{name}=VALUE.")
        if name in params:
            raise click.UsageError(f"--{name} is given twice.")
        params[name] = value
    return names, params
