"""Random changes of a manifest: fields emptied, nulled, zeroed, retyped, respelled, added, reordered, taken out."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlstack.compose.schemas import _builtin
from mlstack.plan.quantities import amount

Manifest = dict[str, Any]
Steps = tuple[str | int, ...]

KEPT = {("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace")}
EMPTY: list[Any] = [None, "", {}, [], False, 0]


def places(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Every field and item of a manifest but its identity."""
    if steps and steps not in KEPT:
        yield steps, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in children:
        yield from places(below, (*steps, key))


def at(value: Any, steps: Steps) -> Any:
    for step in steps:
        value = value[step]
    return value


def put(manifest: Manifest, steps: Steps, value: Any) -> str:
    at(manifest, steps[:-1])[steps[-1]] = value
    return f"{'.'.join(map(str, steps))} = {value!r}"


def _emptied(rng: random.Random, manifest: Manifest) -> str:
    steps, value = rng.choice(list(places(manifest)))
    fitting = [e for e in EMPTY if e is None or type(e) is type(value)]
    return put(manifest, steps, copy.deepcopy(rng.choice(fitting * 4 + EMPTY)))


def _without(rng: random.Random, manifest: Manifest) -> str:
    steps, _ = rng.choice(list(places(manifest)))
    del at(manifest, steps[:-1])[steps[-1]]
    return f"{'.'.join(map(str, steps))} taken out"


def _reordered(rng: random.Random, manifest: Manifest) -> str:
    lists = [(steps, value) for steps, value in places(manifest) if isinstance(value, list) and len(value) > 1]
    if not lists:
        return _emptied(rng, manifest)
    steps, value = rng.choice(lists)
    one, other = rng.sample(range(len(value)), 2)
    value[one], value[other] = value[other], value[one]
    return f"{'.'.join(map(str, steps))}: items {one} and {other} swapped"


def _doubled(rng: random.Random, manifest: Manifest) -> str:
    lists = [(steps, value) for steps, value in places(manifest) if isinstance(value, list) and value]
    if not lists:
        return _emptied(rng, manifest)
    steps, value = rng.choice(lists)
    entry = copy.deepcopy(rng.choice(value))
    if isinstance(entry, dict) and "name" in entry:
        entry["name"] = f"{entry['name']}2"
    value.insert(rng.randrange(len(value) + 1), entry)
    return f"{'.'.join(map(str, steps))}: an item added"


def _retyped(rng: random.Random, manifest: Manifest) -> str:
    scalars = [(s, v) for s, v in places(manifest) if isinstance(v, str | int | float | bool)]
    steps, value = rng.choice(scalars)
    if isinstance(value, bool):
        new: Any = str(value).lower()
    elif isinstance(value, int | float):
        new = rng.choice([str(value), float(value)])
    else:
        new = int(value) if value.isdigit() else [value]
    return put(manifest, steps, new)


def _respelled(rng: random.Random, manifest: Manifest) -> str:
    found = [(s, v) for s, v in places(manifest) if isinstance(v, str) and amount(v) is not None and s[-1] != "name"]
    if not found:
        return _retyped(rng, manifest)
    steps, value = rng.choice(found)
    size = amount(value)
    assert size is not None
    spelled = [f"{size * 1000:f}".partition(".")[0] + "m", f"{size.normalize():f}", f"{size:E}".replace("+", "")]
    if size % 1024 == 0:
        spelled.append(f"{int(size) // 1024}Ki")
    if size == int(size):
        return put(manifest, steps, rng.choice([*spelled, int(size)]))
    return put(manifest, steps, rng.choice(spelled))


def _changed(rng: random.Random, manifest: Manifest) -> str:
    steps, value = rng.choice([(s, v) for s, v in places(manifest) if isinstance(v, str | int)])
    new = not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"{value}x"
    return put(manifest, steps, new)


def _added(rng: random.Random, manifest: Manifest) -> str:
    """A field of the OpenAPI that is not said, empty or zero, at any depth."""
    kind = _builtin().kinds.get((manifest["apiVersion"], manifest["kind"]))
    if kind is None:
        return rng.choice([_emptied, _reordered])(rng, manifest)
    found = list(_unsaid(manifest, {"$ref": kind}, ()))
    steps, schema = rng.choice(found)
    return put(manifest, steps, _nothing(rng, schema))


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return _builtin().definitions.get(name, {}) if name else schema


def _unsaid(value: Any, schema: Mapping[str, Any], steps: Steps) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
    schema = _resolved(schema)
    if isinstance(value, dict):
        if schema.get("additionalProperties"):
            yield (*steps, "added"), schema["additionalProperties"]
        for name, below in (schema.get("properties") or {}).items():
            if name in value:
                yield from _unsaid(value[name], below, (*steps, name))
            elif (*steps, name) not in KEPT and name not in ("status", "managedFields", "generateName", "namespace"):
                yield (*steps, name), below
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _unsaid(entry, schema.get("items") or {}, (*steps, index))


def _nothing(rng: random.Random, schema: Mapping[str, Any]) -> Any:
    schema = _resolved(schema)
    kinds = schema.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    by_type: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}
    return copy.deepcopy(rng.choice([by_type.get(rng.choice(kinds)), *(by_type.get(kind) for kind in kinds)]))


MUTATIONS: list[Callable[[random.Random, Manifest], str]] = [
    *(_emptied, _emptied, _added, _added, _added, _reordered, _reordered),
    *(_without, _retyped, _respelled, _changed, _doubled),
]


def mutate(rng: random.Random, manifest: Manifest) -> str:
    """Change the manifest once or twice; what was done, in words."""
    told = []
    for _ in range(rng.choice([1, 1, 1, 2])):
        try:
            told.append(rng.choice(MUTATIONS)(rng, manifest))
        except IndexError:  # nothing of that sort is left in it
            continue
    return "; ".join(told)
