"""pkg update: what newer packages would change, and taking them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mlstack.actions.packages import resolve_package
from mlstack.actions.render import is_shown, render_environment
from mlstack.app.packages import Package, read_prototype
from mlstack.app.project import Project
from mlstack.app.updating import (
    Newer,
    edited_components,
    newer_package,
    newer_platform,
    take,
    vendored_platforms,
    with_newer,
)
from mlstack.app.vendor import installed
from mlstack.compose.manifests import key_of
from mlstack.compose.parameters import Parameter
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError


@dataclass(frozen=True)
class PrototypeUpdate:
    """How a prototype changes: versions ("" where it is new, or gone), and a line for each parameter that does."""

    name: str
    before: str
    after: str
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class PackageUpdate:
    """A package (`kind` "package") or platform that a newer one takes the place of."""

    kind: str
    name: str
    before: str
    after: str
    prototypes: tuple[PrototypeUpdate, ...] = ()


@dataclass(frozen=True)
class ObjectUpdate:
    """An object that would render otherwise: a unified diff, line by line."""

    component: str
    object: str
    diff: tuple[str, ...]


@dataclass(frozen=True)
class EnvironmentUpdate:
    """What an environment would render otherwise; `problem` where it cannot be rendered, before or after."""

    name: str
    objects: tuple[ObjectUpdate, ...]
    problem: str = ""


@dataclass(frozen=True)
class Update:
    """What an update would change. `components` are the files whose version it writes."""

    packages: tuple[PackageUpdate, ...]
    components: tuple[str, ...]
    environments: tuple[EnvironmentUpdate, ...]
    newer: tuple[Newer, ...] = field(default=(), repr=False)

    @property
    def differs(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.packages or self.components)


def plan_update(project: Project, typed: str | None = None, force: bool = False) -> Update:
    """What `typed`'s package, or all packages and platforms, would change in the app; nothing is written.

    Raises MlstackError for a package that was changed by hand, unless `force`, or that no registry has.
    """
    names = [resolve_package(project, typed)] if typed else sorted(installed(project))
    found = [newer_package(project, name, force) for name in names]
    found += [] if typed else [newer_platform(project, name, force) for name in vendored_platforms(project)]
    components = tuple(file.file for file in edited_components(project, found))
    packages = tuple(_package(one) for one in found if one.changed)
    if not (packages or components):
        return Update((), (), ())
    after = with_newer(project, found)
    environments = tuple(_environment(project, after, name) for name in project.environment_names)
    return Update(packages, components, environments, tuple(found))


def carry_out(project: Project, update: Update) -> None:
    """Writes what `plan_update` found."""
    take(project, update.newer)


def _package(one: Newer) -> PackageUpdate:
    if one.old is None or one.new is None:
        return PackageUpdate("platform", one.name, one.before, one.after)
    return PackageUpdate("package", one.name, one.before, one.after, tuple(_prototypes(one.old, one.new)))


def _prototypes(old: Package, new: Package) -> Iterator[PrototypeUpdate]:
    for name in sorted({*old.prototypes, *new.prototypes}):
        left, right = (read_prototype(one, name) if name in one.prototypes else None for one in (old, new))
        lines = tuple(_parameters(left, right)) if left and right else ()
        versions = (left.version if left else "", right.version if right else "")
        if versions[0] != versions[1] or lines:
            yield PrototypeUpdate(name, *versions, lines)


def _parameters(left: Prototype, right: Prototype) -> Iterator[str]:
    for name, parameter in right.parameters.items():
        former = left.parameters.get(name)
        if former is None:
            yield f"+ {name}: {parameter.allowed} ({_default(parameter)})"
        else:
            yield from _changes(former, parameter)
    for name in left.parameters:
        if name not in right.parameters:
            now = right.aliases.get(name)
            yield f"- {name}" + (f" (now {now})" if now else f" ({right.retired.get(name, 'no longer accepted')})")


def _changes(former: Parameter, now: Parameter) -> Iterator[str]:
    if (former.default, former.required) != (now.default, now.required):
        yield f"~ {now.name}: {_default(former)} -> {_default(now)}"
    if former.allowed != now.allowed:
        yield f"~ {now.name}: {former.allowed} -> {now.allowed}"


def _default(parameter: Parameter) -> str:
    return "required" if parameter.required else f"default {json.dumps(parameter.default, ensure_ascii=False)}"


def _environment(before: Project, after: Project, name: str) -> EnvironmentUpdate:
    sides = []
    for project, said in ((before, "now"), (after, "after the update")):
        try:
            sides.append(_rendered(project, name))
        except MlstackError as error:
            return EnvironmentUpdate(name, (), f"does not render {said}: {error.message}")
    return EnvironmentUpdate(name, tuple(_objects(*sides)))


def _rendered(project: Project, env: str) -> dict[tuple[str, str], list[str]]:
    """The environment's objects as lines of YAML, by component and title."""
    from mlstack.compose.filters import to_yaml

    _, rendered = render_environment(project, env)
    return {
        (one.component, str(key_of(manifest))): to_yaml(manifest).splitlines()
        for one in rendered
        for manifest in filter(is_shown, one.manifests)
    }


def _objects(
    before: dict[tuple[str, str], list[str]], after: dict[tuple[str, str], list[str]]
) -> Iterator[ObjectUpdate]:
    for component, title in _in_order(before, after):
        left, right = (side.get((component, title), []) for side in (before, after))
        if left != right:
            names = (title if left else "", title if right else "")
            diff = difflib.unified_diff(left, right, *names, lineterm="")
            yield ObjectUpdate(component, title, tuple(diff))


def _in_order(before: Iterable[tuple[str, str]], after: Iterable[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    return sorted({*before, *after})
