"""Values in layers, the nearest wins: which value a parameter has, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlstack.compose.parameters import Parameter
from mlstack.compose.places import Place
from mlstack.compose.prototypes import Prototype
from mlstack.compose.relations import Relation
from mlstack.errors import MlstackError

DEFAULT = "default"

# Today's name of a parameter -> (its name as written, its value).
_Named = dict[str, tuple[str, Any]]


@dataclass(frozen=True)
class Layer:
    """Values of one origin, such as an environment's file.

    `places` maps dotted paths below the layer ("resources.limits") to where they stand.
    A `wide` layer (platform, app-wide, environment-wide) holds for every component whose prototype
    declares the parameter, and says nothing to the others.
    """

    title: str
    values: Mapping[str, Any] = field(hash=False)
    places: Mapping[str, Place] = field(default_factory=dict, hash=False)
    wide: bool = False

    def place(self, *path: str) -> Place | None:
        """Where the value at `path` stands, or the nearest of its parents that has a place."""
        for end in range(len(path), 0, -1):
            found = self.places.get(".".join(path[:end]))
            if found is not None:
                return found
        return None


@dataclass(frozen=True)
class Step:
    """What one layer says about a parameter. `given` is False where it says nothing; a given null unsets."""

    layer: str
    given: bool
    value: Any = field(default=None, hash=False)
    place: Place | None = None


@dataclass(frozen=True)
class Setting:
    """A parameter's value, the layer and place it comes from, and what each layer says (`trail`).

    The trail begins with the prototype's default. `digest` is that of the files which the value names, if it does.
    """

    name: str
    value: Any = field(hash=False)
    layer: str = DEFAULT
    place: Place | None = None
    trail: tuple[Step, ...] = ()
    digest: str = ""


def resolve(
    prototype: Prototype, layers: Sequence[Layer], component: str, namespace: str = "default"
) -> dict[str, Setting]:
    """Every parameter's Setting. `layers` stand in order, the nearest last; `namespace` is the environment's.

    Maps merge key by key, lists replace, null goes back to the prototype's default.
    Raises MlstackError with the place for an unknown name, a wrong value, and a required one that is missing.
    """
    named = [(layer, _todays_names(prototype, layer, component)) for layer in layers]
    implicit = {"name": component, "namespace": namespace}
    return {
        name: _resolved(parameter, implicit.get(name, parameter.default), named, component)
        for name, parameter in prototype.parameters.items()
    }


def resolve_one(
    prototype: Prototype, parameter: Parameter, layers: Sequence[Layer], component: str, namespace: str
) -> Setting:
    """The Setting of `parameter` alone, whatever the layers say of others."""
    aliases = {old: new for old, new in prototype.aliases.items() if new == parameter.name}
    alone = replace(prototype, parameters={parameter.name: parameter}, aliases=aliases)
    wide = [replace(layer, wide=True) for layer in layers]  # the names of others are not our business here
    return resolve(alone, wide, component, namespace)[parameter.name]


def retired_notes(prototype: Prototype, layers: Sequence[Layer]) -> tuple[str, ...]:
    """One line for each value given that has no effect any more."""
    return tuple(
        f"{name} has no effect any more: {prototype.retired[name]}{_at(layer.place(name))}."
        for layer in layers
        if not layer.wide
        for name in layer.values
        if name in prototype.retired
    )


def merge(base: Any, over: Any, default: Any = None) -> Any:
    """`over` laid on `base`: maps key by key, all else replaces.

    null goes back to what `default` has there, if anything.
    """
    if not isinstance(over, Mapping):
        return over
    defaults = default if isinstance(default, Mapping) else {}
    merged = dict(base) if isinstance(base, Mapping) else {}
    for key, value in over.items():
        if value is not None:
            merged[key] = merge(merged.get(key), value, defaults.get(key))
        elif defaults.get(key) is not None:
            merged[key] = defaults[key]
        else:
            merged.pop(key, None)
    return merged


def _at(place: Place | None) -> str:
    return f" ({place})" if place else ""


def _todays_names(prototype: Prototype, layer: Layer, component: str) -> _Named:
    found: _Named = {}
    for written, value in layer.values.items():
        name = prototype.aliases.get(written, written)
        if name not in prototype.parameters:
            if not layer.wide and written not in prototype.retired:
                raise _unknown(prototype, layer, written, component)
        elif name in found:
            same = f"{found[name][0]} and {written} are the same parameter"
            raise MlstackError(f"{component}: {same}{_at(layer.place(written))}: keep one.")
        else:
            found[name] = (written, value)
    return found


def _unknown(prototype: Prototype, layer: Layer, name: str, component: str) -> MlstackError:
    error = prototype.unknown(name)
    place = layer.place(name)
    return MlstackError(f"{place or layer.title}: {component}: {error.message}", error.hint)


def _resolved(parameter: Parameter, default: Any, named: Sequence[tuple[Layer, _Named]], component: str) -> Setting:
    trail = [Step(DEFAULT, default is not None, default)]
    setting = Setting(parameter.name, default)
    for layer, values in named:
        trail.append(_step(parameter.name, layer, values))
        if trail[-1].given:
            setting = _laid(setting, trail[-1], parameter, default)
    setting = replace(setting, trail=tuple(trail))
    if setting.layer != DEFAULT:
        _check(parameter, setting, named, component)
    elif parameter.name == "name" and parameter.problem(setting.value):
        _refuse_component_name(parameter, component)
    elif parameter.required and setting.value is None:
        hint = f"Set it: mlstack param set {component} {parameter.name} VALUE"
        raise MlstackError(f"{component} needs {parameter.name} ({parameter.allowed}).", hint)
    return setting


def _refuse_component_name(parameter: Parameter, component: str) -> None:
    try:
        parameter.check(component, Place(component))
    except MlstackError as error:
        raise MlstackError(error.message, f"Set another: mlstack param set {component} name VALUE") from None


def broken_relations(prototype: Prototype, settings: Mapping[str, Setting]) -> Iterator[Relation]:
    """The relations between parameters that do not hold; those between defaults alone do."""
    values = {name: setting.value for name, setting in settings.items()}
    for relation in prototype.relations:
        given = any(settings[name].layer != DEFAULT or name == "name" for name in relation.names)
        if given and not relation.holds(values):
            yield relation


def check_relations(prototype: Prototype, settings: Mapping[str, Setting], component: str) -> None:
    """Raises MlstackError for the first relation between parameters that does not hold."""
    for relation in broken_relations(prototype, settings):
        given = [settings[name] for name in relation.names if settings[name].place]
        place = f"{given[0].place}: " if given else ""
        values = {name: settings[name].value for name in relation.names}
        raise MlstackError(f"{place}{component}: {relation.told(values)}.")


def _step(name: str, layer: Layer, values: _Named) -> Step:
    """What one layer says about the parameter `name`."""
    if name not in values:
        return Step(layer.title, False)
    written, value = values[name]
    return Step(layer.title, True, value, layer.place(written))


def _laid(setting: Setting, step: Step, parameter: Parameter, default: Any) -> Setting:
    """`setting` with what one more layer says on it."""
    if step.value is None:
        return Setting(setting.name, default)
    merged = merge(setting.value, parameter.normal(step.value), default)
    return Setting(setting.name, merged, step.layer, step.place)


def _check(parameter: Parameter, setting: Setting, named: Sequence[tuple[Layer, _Named]], component: str) -> None:
    problem = parameter.problem(setting.value)
    if problem is not None:
        place = _origin(parameter.name, problem.path, named) or Place(f"{component} ({setting.layer})")
        parameter.check(setting.value, place)


def _origin(name: str, path: Sequence[str], named: Sequence[tuple[Layer, _Named]]) -> Place | None:
    """Where the nearest layer that says something at `path` inside the parameter says it."""
    for layer, values in reversed(named):
        written, value = values.get(name, (name, None))
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else value
        if value is not None:
            return layer.place(written, *path)
    return None
