"""param set and unset."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import Any

from mlstack.app import nested
from mlstack.app.environments import save_files
from mlstack.app.names import plain_name
from mlstack.app.project import Environment, Project
from mlstack.app.prototypes import prototype_of
from mlstack.app.settings import broken_relations, component_in, one_setting
from mlstack.app.sizes import SCALE, SIZED, refuse_two_sizes
from mlstack.app.typed import read_param, split_name
from mlstack.app.wide import component_prototypes, known_names
from mlstack.app.yamlfile import YamlFile
from mlstack.compose.layers import DEFAULT, Setting
from mlstack.compose.places import Place
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError, did_you_mean

NO_NAMESPACE = "the environment's"
IMPLICIT = {"name": "the component's name", "namespace": "the environment's namespace"}


@dataclass(frozen=True)
class Elsewhere:
    """The value that another environment or component has, or keeps, and where it comes from."""

    name: str
    value: Any = field(hash=False)
    origin: str
    place: Place | None = None


@dataclass(frozen=True)
class ParamSet:
    """A value that was set. `target` is COMPONENT.PARAM, or PARAM for a wide one; `before` and `before_origin` what it
    was; `elsewhere`: other environments' values; `overridden`: who keeps another value that is nearer.
    """

    target: str
    value: Any = field(hash=False)
    place: Place
    before: Any = field(hash=False)
    before_origin: str
    changed: bool
    elsewhere: tuple[Elsewhere, ...] = ()
    overridden: tuple[Elsewhere, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> tuple[str, ...]:
        """What happened, a line each."""
        if self.notes:
            return self.notes
        if not self.changed:
            return (f"{self.place}: {self.target} is {shown(self.value)} already.",)
        said = ", ".join(filter(None, (shown(self.before), self.before_origin)))
        was = f" (was {said})" if self.before_origin or self.before is not None else ""
        line = f"{self.place.file}: {self.target} = {shown(self.value)}{was}."
        if self.elsewhere:
            line += f" Unchanged elsewhere: {', '.join(f'{one.name} {shown(one.value)}' for one in self.elsewhere)}."
        return (line, *(f"{one.name} keeps {shown(one.value)} ({one.origin})." for one in self.overridden))


@dataclass(frozen=True)
class ParamUnset:
    """A value that was taken out of a file. `now` and `now_origin`: what holds instead ("" for a wide one)."""

    target: str
    file: str
    before: Any = field(hash=False)
    now: Any = field(hash=False)
    now_origin: str
    changed: bool

    @property
    def summary(self) -> tuple[str, ...]:
        """What happened, a line each."""
        now = f" It is {shown(self.now)} now, {self.now_origin}." if self.now_origin else ""
        if not self.changed:
            return (f"{self.file}: {self.target} is not set there.{now}",)
        return (f"{self.file}: {self.target} is no longer set (was {shown(self.before)}).{now}",)


def set_param(
    project: Project, component: str | None, name: str, text: str, env: str | None = None, local: bool = False
) -> ParamSet:
    """Sets a parameter of `component` (None: of all that know it) in `env` (None: in all environments).

    `text` is read by the declared type; `name` may lead into a map (`labels.team`). `local`: in this person's own
    file. Raises MlstackError, nothing written, for an unknown name or a wrong value.
    """
    done, after = with_param(project, component, name, text, env, local)
    save_files(*after.edited.values())
    return done


def with_param(
    project: Project, component: str | None, name: str, text: str, env: str | None = None, local: bool = False
) -> tuple[ParamSet, Project]:
    """As `set_param`, but nothing is written yet: the app as it would be."""
    name = plain_name(name)
    environment = project.environment(env) if env else None
    prototypes = _concerned(project, component, name)
    if note := _retired(prototypes, name):
        return ParamSet(name, None, Place(""), None, "", changed=False, notes=(note,)), project
    path, value = _read(prototypes, name, text)
    file, prefix = _slot(project, component, environment, local)
    keys = [*prefix, *_as_written(file, prefix, path, prototypes)]
    target = ".".join([*([component] if component else []), *path])
    before = _before(project, component, environment, file, keys, path)
    if file.has(*keys) and nested.same(file.get(*keys), value):
        return ParamSet(target, value, file.place(*keys), value, before[1], changed=False), project
    file.set(keys, value)
    after = project.with_file(file)
    _check(after, prototypes, environment, path[0])
    _check_relations(project, after, prototypes, environment, path[0])
    place = file.place(*keys)
    elsewhere, overridden = _others(after, component, environment, path, place)
    return ParamSet(target, value, place, *before, True, elsewhere, overridden), after


def unset_param(
    project: Project, component: str | None, name: str, env: str | None = None, local: bool = False
) -> ParamUnset:
    """Takes a value out of the file where `set_param` with the same arguments puts it, an unknown one included."""
    done, after = without_param(project, component, name, env, local)
    save_files(*after.edited.values())
    return done


def without_param(
    project: Project, component: str | None, name: str, env: str | None = None, local: bool = False
) -> tuple[ParamUnset, Project]:
    """As `unset_param`, but nothing is written yet: the app as it would be."""
    name = plain_name(name)
    environment = project.environment(env) if env else None
    file, prefix = _slot(project, component, environment, local)
    if file.has(*prefix, name):
        path = written = [name]
    else:
        prototypes = _concerned(project, component, name)
        path = split_name(next(iter(prototypes.values())), name)
        written = _as_written(file, prefix, path, prototypes)
    target = ".".join([*([component] if component else []), *path])
    before = file.get(*prefix, *written)
    changed = file.unset([*prefix, *written])
    after = project.with_file(file)
    now = _now(after, component, environment, path)
    return ParamUnset(target, file.file, before, *now, changed), after


def shown(value: Any) -> str:
    """A value as a line shows it: text as it is, all else as JSON, nothing as `-`."""
    if value is None:
        return "-"
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def origin(setting: Setting, prototype: Prototype | None) -> str:
    """Where a value comes from, in words."""
    if setting.layer == DEFAULT and setting.name in IMPLICIT:
        return IMPLICIT[setting.name]
    if setting.layer == DEFAULT:
        return f"the default of {prototype.name}" if prototype else "the default"
    return str(setting.place or setting.layer)


def _concerned(project: Project, component: str | None, name: str) -> dict[str, Prototype]:
    """The prototypes, by component, that know `name`. Raises MlstackError if none does."""
    head = name.partition(".")[0]
    if component is not None:
        prototype = prototype_of(project, project.component(component))
        if head not in prototype.retired:
            prototype.parameter(head)
        return {component: prototype}
    every = component_prototypes(project)
    found = {key: one for key, one in every.items() if head in known_names([one])}
    if not found:
        hint = (
            did_you_mean(head, known_names(every.values()))
            if every
            else "Make a component: mlstack generate PROTOTYPE NAME"
        )
        raise MlstackError(f"No component has a parameter {head}.", hint)
    return found


def _retired(prototypes: dict[str, Prototype], name: str) -> str:
    reasons = [prototype.retired.get(name) for prototype in prototypes.values()]
    return f"{name} has no effect any more: {reasons[0]}. Nothing was written." if all(reasons) else ""


def _read(prototypes: dict[str, Prototype], name: str, text: str) -> tuple[list[str], Any]:
    """The path and value, on which all prototypes that know the name must agree."""
    read = {key: read_param(one, name, text) for key, one in prototypes.items() if name not in one.retired}
    (first, (path, value)), *others = read.items()
    for key, (other_path, other) in others:
        if other_path != path or not nested.same(other, value):
            raise MlstackError(
                f"{first} and {key} take {name} = {text} for different values ({shown(value)}, {shown(other)}).",
                "Set it for each component.",
            )
    return path, value


def _slot(project: Project, component: str | None, env: Environment | None, local: bool) -> tuple[YamlFile, list[str]]:
    """The file to edit, and the keys of the mapping in it that holds the values."""
    if local and env is None:
        raise MlstackError("Only an environment's values can be this person's own.", "Add --env ENV.")
    below = ["component_params", component] if component else ["params"]
    if env and local:
        return project.local_to_edit(), ["environments", env.name, *below]
    if env:
        return copy.copy(env.file), below
    if component is None:
        return copy.copy(project.app), below
    found = project.component(component)
    prototype_of(project, found)  # plain manifests have no parameters
    assert found.file is not None
    return copy.copy(found.file), ["params"]


def _as_written(file: YamlFile, prefix: list[str], path: list[str], prototypes: dict[str, Prototype]) -> list[str]:
    """`path` with the former name of the parameter where the file uses that."""
    there = file.mapping(*prefix)
    names = {old for one in prototypes.values() for old, new in one.aliases.items() if new == path[0]}
    return [next((old for old in sorted(names) if old in there), path[0]), *path[1:]]


def _before(
    project: Project, component: str | None, env: Environment | None, file: YamlFile, keys: list[str], path: list[str]
) -> tuple[Any, str]:
    if component is None:
        return file.get(*keys), ""
    return _now(project, component, env, path)


def _now(project: Project, component: str | None, env: Environment | None, path: list[str]) -> tuple[Any, str]:
    """(value, where from) that holds for one component; nothing for a wide value, nor for a name that is unknown."""
    env = project.environment(env.name) if env else None  # as this project has it: perhaps just edited
    found = component_in(project, component, env) if component else None
    if not found or not found.prototype or path[0] not in found.prototype.parameters:
        return None, ""
    setting = one_setting(found, path[0], env.namespace if env else NO_NAMESPACE)
    return _inside(setting.value, path[1:]), origin(setting, found.prototype)


def _inside(value: Any, keys: list[str]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _check(project: Project, prototypes: dict[str, Prototype], env: Environment | None, name: str) -> None:
    """Raises MlstackError if the value, laid on the others, is not one that the parameter takes."""
    again = project.environment(env.name) if env else None
    for component in prototypes:
        found = component_in(project, component, again)
        one_setting(found, name, "default", check=True)
        if name in (SCALE, *SIZED):
            refuse_two_sizes(found)


def _check_relations(
    before: Project, after: Project, prototypes: dict[str, Prototype], env: Environment | None, name: str
) -> None:
    """Raises MlstackError if the value breaks a rule between parameters that held before."""
    for component in prototypes:
        for other in [env.name] if env else _taking(after, component) or [None]:
            already = _broken(before, component, other, name)
            for rule, told in _broken(after, component, other, name).items():
                if rule not in already:
                    where = f" in {other}" if other and env is None else ""
                    raise MlstackError(f"{component}{where}: {told}.")


def _broken(project: Project, component: str, env: str | None, name: str) -> dict[str, str]:
    found = component_in(project, component, project.environment(env) if env else None)
    return broken_relations(found, name, "default")


def _taking(project: Project, component: str) -> list[str | None]:
    """The environments that take a component."""
    every = map(project.environment, project.environment_names)
    return [env.name for env in every if env.components is None or component in env.components]


def _others(
    project: Project, component: str | None, env: Environment | None, path: list[str], place: Place
) -> tuple[tuple[Elsewhere, ...], tuple[Elsewhere, ...]]:
    """What other environments have (`elsewhere`), and who keeps a nearer value (`overridden`)."""
    rows = [
        _elsewhere(project, one, other, path, one if component is None else other.name)
        for one in ([component] if component else _concerned(project, None, path[0]))
        for other in map(project.environment, project.environment_names)
        if component or not env or other.name == env.name
    ]
    if component and env:
        own = [row for row in rows if row.name == env.name and row.place and row.place != place]
        return tuple(row for row in rows if row.name != env.name), tuple(own)
    kept = [row for row in rows if row.place is not None and row.place != place]
    return (), tuple(dict.fromkeys(kept))


def _elsewhere(project: Project, component: str, env: Environment, path: list[str], label: str) -> Elsewhere:
    found = component_in(project, component, env)
    setting = one_setting(found, path[0], env.namespace)
    return Elsewhere(label, _inside(setting.value, path[1:]), origin(setting, found.prototype), setting.place)
