"""prototype list, search, describe, preview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlstack.actions.generate import find, read_given
from mlstack.app.code import with_trees
from mlstack.app.packages import Package, read_prototype
from mlstack.app.platforms import GENERIC, platform_path, read_platform
from mlstack.app.project import Project
from mlstack.app.prototypes import available
from mlstack.app.vendor import installed
from mlstack.compose.manifests import Manifest
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError


@dataclass(frozen=True)
class ParameterInfo:
    """A parameter as `describe` shows it. `allowed` is its type and limits in words."""

    name: str
    type: str
    allowed: str
    default: Any = field(hash=False)
    required: bool
    unit: str
    help: str
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class PrototypeInfo:
    """A prototype; `parameters` and what follows are filled by `describe` only."""

    name: str
    package: str
    version: str
    summary: str
    lifecycle: str
    installed: bool
    description: str = ""
    parameters: tuple[ParameterInfo, ...] = ()
    retired: Mapping[str, str] = field(default_factory=dict, hash=False)
    examples: tuple[Mapping[str, str], ...] = field(default=(), hash=False)


def list_prototypes(project: Project | None, word: str = "") -> list[PrototypeInfo]:
    """The prototypes whose name or summary holds `word`, any case; all without one. No app: the built-in ones."""
    have = installed(project) if project else {}
    found = [
        _short(read_prototype(package, name), package, have)
        for package in available(project)
        for name in package.prototypes
    ]
    wanted = word.lower()
    chosen = [one for one in found if wanted in f"{one.name} {one.package} {one.summary}".lower()]
    return sorted(chosen, key=lambda one: (one.package, one.name))


def list_or_describe(project: Project | None, word: str) -> PrototypeInfo | list[PrototypeInfo]:
    """`prototype list X`: X a prototype's name: that one with its parameters; else a filter (decisions.md 9)."""
    exact = [one for one in list_prototypes(project) if one.name == word]
    return describe_prototype(project, word) if len(exact) == 1 else list_prototypes(project, word)


def describe_prototype(project: Project | None, typed: str) -> PrototypeInfo:
    """One prototype with its parameters, required ones first, and examples."""
    package, prototype = find(project, typed)
    short = _short(prototype, package, installed(project) if project else {})
    former: dict[str, list[str]] = {}
    for old, new in prototype.aliases.items():
        former.setdefault(new, []).append(old)
    parameters = [
        ParameterInfo(p.name, p.type, p.allowed, p.default, p.required, p.unit, p.help, tuple(former.get(p.name, ())))
        for p in sorted(prototype.parameters.values(), key=lambda p: not p.required)
    ]
    return PrototypeInfo(
        short.name,
        short.package,
        short.version,
        short.summary,
        short.lifecycle,
        short.installed,
        prototype.description,
        tuple(parameters),
        prototype.retired,
        prototype.examples,
    )


def preview(
    project: Project | None, typed: str, params: Mapping[str, str] | None = None, platform: str = GENERIC
) -> list[Manifest]:
    """What the prototype renders with these values on a platform; writes nothing.

    Without an app, paths of files begin at the current folder.
    """
    from mlstack.compose.layers import Layer
    from mlstack.compose.render import Component, Target, render

    _, prototype = find(project, typed)
    values, _ = read_given(prototype, params or {})
    missing = [p.name for p in prototype.parameters.values() if p.required and p.name not in values]
    if missing:
        raise MlstackError(f"{prototype.name} needs {missing[0]}.", f"Give it: --{missing[0]}=VALUE")
    data = read_platform(platform_path(platform), f"environments/{platform}.yaml")
    name = str(values.get("name", prototype.name))
    layers = (Layer(f"platform {platform}", data.get("params") or {}, wide=True), Layer("given", values))
    target = Target(project.name if project else "preview", "preview", "preview", "default", data)
    component = with_trees(Component(name, prototype, layers), project.root if project else Path(), target.namespace)
    return list(render(component, target).manifests)


def _short(prototype: Prototype, package: Package, have: Mapping[str, str]) -> PrototypeInfo:
    return PrototypeInfo(
        prototype.name,
        package.qualified,
        prototype.version,
        prototype.summary,
        prototype.lifecycle,
        package.qualified in have,
    )
