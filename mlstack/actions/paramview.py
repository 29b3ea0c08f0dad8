"""param list, diff, explain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlstack.actions.params import NO_NAMESPACE, origin
from mlstack.app.assemble import chosen
from mlstack.app.names import plain_name
from mlstack.app.project import Environment, Project
from mlstack.app.prototypes import prototype_of
from mlstack.app.settings import all_settings, component_in, one_setting
from mlstack.compose.layers import DEFAULT, Setting, Step
from mlstack.compose.places import Place
from mlstack.compose.prototypes import Prototype


@dataclass(frozen=True)
class ParamRow:
    """A parameter's value. `origin` says where it comes from; `missing`: required and not given."""

    component: str
    name: str
    value: Any = field(hash=False)
    origin: str
    place: Place | None
    default: bool
    missing: bool
    help: str


@dataclass(frozen=True)
class ParamDifference:
    """A parameter whose value differs between two environments; None where one does not take the component."""

    component: str
    name: str
    left: Any = field(hash=False)
    right: Any = field(hash=False)
    left_place: Place | None
    right_place: Place | None


@dataclass(frozen=True)
class ExplainedStep:
    """What one layer says: `where` it would stand, the value if `given`, whether it `wins`, and a note."""

    where: str
    given: bool
    value: Any = field(hash=False)
    wins: bool
    note: str = ""


@dataclass(frozen=True)
class Explained:
    """A parameter's value in an environment ("" for what all share), and every layer's say, the nearest first."""

    component: str
    name: str
    environment: str
    value: Any = field(hash=False)
    steps: tuple[ExplainedStep, ...]


def list_params(project: Project, component: str | None = None, env: str | None = None) -> list[ParamRow]:
    """All parameters of one component, or of all: their values in `env`, or what all environments share."""
    environment = project.environment(env) if env else None
    names = [component] if component else _names(project, environment)
    return [row for name in names for row in _rows(project, name, environment)]


def diff_params(project: Project, left: str, right: str, component: str | None = None) -> list[ParamDifference]:
    """The parameters whose values differ between two environments; of a component that only one of them takes its
    name and the values that were given.
    """
    sides = [project.environment(left), project.environment(right)]
    rows = [_table(project, env, component) for env in sides]
    both = {name for name, _ in rows[0]} & {name for name, _ in rows[1]}
    return [
        _difference(key, rows[0].get(key), rows[1].get(key))
        for key in [*rows[0], *(key for key in rows[1] if key not in rows[0])]
        if _value(rows[0].get(key)) != _value(rows[1].get(key))
        and (key[0] in both or _worth_a_row(rows[0].get(key) or rows[1][key]))
    ]


def explain_param(project: Project, component: str, name: str, env: str | None = None) -> Explained:
    """Every layer's value of one parameter with its place, and which one won. A wrong value is shown, not refused."""
    environment = project.environment(env) if env else None
    prototype = prototype_of(project, project.component(component))
    parameter = prototype.parameter(plain_name(name))
    found = component_in(project, component, environment)
    setting = one_setting(found, parameter.name, environment.namespace if environment else NO_NAMESPACE)
    steps = tuple(_step(step, setting, prototype) for step in reversed(setting.trail))
    return Explained(component, parameter.name, env or "", setting.value, steps)


def _step(step: Step, setting: Setting, prototype: Prototype) -> ExplainedStep:
    if step.layer == DEFAULT:
        parameter = prototype.parameter(setting.name)
        where = f"prototype {prototype.name} {prototype.version}"
        note = f"{'required' if parameter.required else 'default'}; {parameter.allowed}"
        return ExplainedStep(where, step.given, step.value, setting.layer == DEFAULT and step.given, note)
    wins = step.given and step.layer == setting.layer and step.place == setting.place
    note = "unsets: back to the default" if step.given and step.value is None else ""
    return ExplainedStep(str(step.place or step.layer), step.given, step.value, wins, note)


def _rows(project: Project, name: str, env: Environment | None) -> list[ParamRow]:
    component = project.component(name)
    if component.file is None:
        return []
    prototype = prototype_of(project, component)
    return [_row(name, prototype, setting) for setting in all_settings(project, name, env).values()]


def _row(component: str, prototype: Prototype, setting: Setting) -> ParamRow:
    parameter = prototype.parameter(setting.name)
    missing = parameter.required and setting.value is None
    from_default = setting.layer == DEFAULT
    said = "required, not given" if missing else origin(setting, prototype)
    return ParamRow(component, setting.name, setting.value, said, setting.place, from_default, missing, parameter.help)


def _names(project: Project, env: Environment | None) -> list[str]:
    return chosen(project, env) if env else list(project.component_names)


def _table(project: Project, env: Environment, component: str | None) -> dict[tuple[str, str], ParamRow]:
    names = chosen(project, env, [component] if component else None)
    rows = [row for name in names for row in _rows(project, name, env)]
    return {(row.component, row.name): row for row in rows}


def _worth_a_row(row: ParamRow) -> bool:
    """Whether a value of a component that only one side has says something: its name does, and what was given."""
    return row.name == "name" or not row.default


def _value(row: ParamRow | None) -> tuple[Any, ...]:
    # 1 == True == 1.0 in Python; for a parameter they are three values.
    return () if row is None else (type(row.value).__name__, row.value)


def _difference(key: tuple[str, str], left: ParamRow | None, right: ParamRow | None) -> ParamDifference:
    values = [row.value if row else None for row in (left, right)]
    places = [row.place if row else None for row in (left, right)]
    return ParamDifference(*key, *values, *places)
