"""pkg: packages of prototypes, installed, compared with newer ones and updated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from .groups import Group
from .output import counted, emit, table
from .run import ask
from .settings import Settings, output_option, pass_settings
from .start import rows, say

if TYPE_CHECKING:
    from mlstack.actions.updates import EnvironmentUpdate, PackageUpdate, Update


@click.group(cls=Group)
def pkg() -> None:
    """Packages of prototypes: installed ones are copied into the app and locked by digest."""


@pkg.command("install")
@click.argument("package", metavar="[REGISTRY/]PACKAGE[@VERSION]")
@click.option("--force", is_flag=True, help="Take it anew from its registry.")
@pass_settings
def pkg_install(settings: Settings, package: str, force: bool) -> None:
    """Copy a package into the app (vendor/) and lock it (mlstack.lock)."""
    from mlstack.actions.packages import install_package

    say(install_package(settings.project(), package, force))


@pkg.command("remove")
@click.argument("package")
@pass_settings
def pkg_remove(settings: Settings, package: str) -> None:
    """Remove a package that no component uses."""
    from mlstack.actions.packages import remove_package

    say(remove_package(settings.project(), package))


@pkg.command("list")
@click.option("--installed", is_flag=True, help="Only those the app has.")
@output_option
@pass_settings
def pkg_list(settings: Settings, installed: bool, output: str) -> None:
    """List the packages there are, and which are installed."""
    from mlstack.actions.packages import list_packages

    found = list_packages(settings.project(), installed)
    headers = ("PACKAGE", "VERSION", "INSTALLED", "DESCRIPTION")
    rows(
        found,
        output,
        headers,
        lambda p: (f"{p.registry}/{p.name}", p.version, p.installed or "-", _line(p.description)),
    )


@pkg.command("describe")
@click.argument("package")
@output_option
@pass_settings
def pkg_describe(settings: Settings, package: str, output: str) -> None:
    """Show a package's prototypes."""
    from mlstack.actions.packages import describe_package

    found = describe_package(settings.project(), package)
    have = f"installed {found.installed}" if found.installed else "not installed"
    head = f"{found.registry}/{found.name} {found.version} ({have})\n{found.description.rstrip()}"
    emit(asdict(found), output, lambda: f"{head}\n\n{table(('PROTOTYPE', 'SUMMARY'), found.prototypes)}")


def _line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""


@pkg.command("update")
@click.argument("package", required=False, metavar="[[REGISTRY/]PACKAGE]")
@click.option("--dry-run", is_flag=True, help="Show what it would change; write nothing.")
@click.option("--force", is_flag=True, help="Replace what was changed by hand in vendor/, too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@output_option
@pass_settings
def pkg_update(settings: Settings, package: str | None, dry_run: bool, force: bool, yes: bool, output: str) -> None:
    """Take newer packages and platforms into the app: shown first, with what each environment would render otherwise.

    With PACKAGE that one alone. Nothing is sent to a cluster: `mlstack diff ENV` and `apply ENV` come after.
    """
    from mlstack.actions.updates import carry_out, plan_update

    project = settings.project()
    update = plan_update(project, package, force)
    if output == "text":
        click.echo("\n".join(update_lines(update)))
    wanted = update.differs and not dry_run
    agreed = wanted and (yes or ask("An update changes what the app renders", "Update?"))
    if agreed:
        carry_out(project, update)
    if agreed or output != "text":
        emit({**update_as_dict(update), "updated": agreed}, output, lambda: "Updated. Next: mlstack diff ENV")


def update_as_dict(update: Update) -> dict[str, Any]:
    """What an update would change, as plain data."""
    return {
        "packages": [asdict(one) for one in update.packages],
        "components": list(update.components),
        "environments": [asdict(one) for one in update.environments],
    }


def update_lines(update: Update) -> Iterator[str]:
    """What an update would change, for people."""
    if not update.differs:
        yield "All is up to date."
    for package in update.packages:
        yield from _package_lines(package)
    for file in update.components:
        yield f"{file}: gets the new version"
    for environment in update.environments:
        yield from _environment_lines(environment)


def _package_lines(package: PackageUpdate) -> Iterator[str]:
    kind = "Platform " if package.kind == "platform" else ""
    same = " (other contents)" if package.before == package.after else ""
    yield f"{kind}{package.name} {package.before} -> {package.after}{same}"
    for one in package.prototypes:
        yield f"  {one.name} {one.before or '(new)'} -> {one.after or '(gone)'}"
        yield from (f"    {line}" for line in one.parameters)


def _environment_lines(environment: EnvironmentUpdate) -> Iterator[str]:
    changed = len(environment.objects)
    said = environment.problem or (f"{counted(changed, 'object')} would differ" if changed else "renders the same")
    yield f"{environment.name}: {said}"
    for one in environment.objects:
        yield from one.diff
