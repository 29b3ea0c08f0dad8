"""Every prototype on every platform, every two values of every two parameters together: valid everywhere, in effect.

The sets come from the prototypes themselves (pairs.py), so a new prototype or parameter is covered without a row here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from mlstack.compose.manifests import Manifest
from mlstack.compose.parameters import Parameter
from mlstack.compose.prototypes import check_prototype
from mlstack.compose.schemas import validate
from mlstack.errors import MlstackError
from tests.prototypes.pairs import IMPLICIT, KNOWN, SWITCHES, Values, all_pairs, bare, pairs_of, variants
from tests.prototypes.showing import FULLEST, PROTOTYPES, catalogue, objects, on_fullest, refusal, sets, show
from tests.prototypes.strict import VERSIONS, strict

OLDEST_AND_NEWEST = (VERSIONS[0], VERSIONS[-1])


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_every_pair_meets_or_is_refused_by_name(prototype: str) -> None:
    found = sets(prototype)
    met = {pair for row in found.rows for pair in pairs_of(row, found.domains)}
    assert set(all_pairs(found.domains)) - met == found.refused
    for (a, i), (b, j) in found.refused:
        values = {a: found.domains[a][i], b: found.domains[b][j]}
        said = refusal(prototype, FULLEST, values)
        assert bare(a) in said or bare(b) in said, f"{values}: {said}"


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_every_object_is_valid_by_the_oldest_and_the_newest_kubernetes(prototype: str) -> None:
    for where, manifest in objects(prototype).values():
        for version in OLDEST_AND_NEWEST:
            assert list(strict(version).problems(manifest)) == [], f"{manifest['kind']} {where}, {version}"


@pytest.mark.parametrize("version", VERSIONS)
def test_defaults_are_valid_by_every_kubernetes(version: str) -> None:
    for prototype in PROTOTYPES:
        for manifest in show(prototype).manifests:
            assert list(strict(version).problems(manifest)) == [], f"{prototype}: {manifest['kind']}"


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_our_own_check_agrees(prototype: str) -> None:
    ours = show(
        "training-operator", schemes=catalogue()["training-operator"].parameter("schemes").schema["items"]["enum"]
    )
    crds = [manifest for manifest in ours.manifests if manifest["kind"] == "CustomResourceDefinition"]
    found = validate([manifest for _, manifest in objects(prototype).values()], crds)
    assert [str(problem) for problem in found if not problem.unchecked] == []


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_examples_and_defaults_fit_their_schemas(prototype: str) -> None:
    check_prototype(catalogue()[prototype])


def test_the_table_of_known_values_names_parameters() -> None:
    names = {bare(name) for one in catalogue().values() for name in one.parameters}
    assert set(KNOWN) <= names


# -- parameters in effect


def parameters(prototype: str) -> dict[str, Parameter]:
    found = catalogue()[prototype].parameters
    return {name: one for name, one in found.items() if name not in IMPLICIT}


@cache
def effect(prototype: str, name: str) -> tuple[Values, Any] | None:
    """A set in which another value of the parameter renders otherwise, and that value."""
    others = [False] if name in SWITCHES else variants(parameters(prototype)[name])
    for index, row in enumerate(({}, *sets(prototype).rows)):
        before = of_row(prototype, index)
        for value in others:
            if after(prototype, {**row, name: value}) not in ((), before):
                return row, value
    return None


@cache
def of_row(prototype: str, index: int) -> tuple[Manifest, ...]:
    """What the defaults (0) or a set render."""
    return on_fullest(prototype)[index][1].manifests


def after(prototype: str, values: Values) -> tuple[Manifest, ...]:
    """What values render; nothing where they are refused."""
    try:
        return show(prototype, FULLEST, **values).manifests
    except MlstackError:
        return ()


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_every_parameter_changes_the_render(prototype: str) -> None:
    dead = [name for name in parameters(prototype) if effect(prototype, name) is None]
    assert dead == []


# -- texts stay texts

HOSTILE = "\"'}]: #{{ platform }}\n---\nkind: Secret\n\t&a *a !x"
HARMLESS = "harmless"


def texts(parameter: Parameter, value: Any) -> Iterator[tuple[Any, Any]]:
    """Values like `value` with a text in them replaced: by a harmless and by a hostile one, in pairs."""
    schema = parameter.schema
    if parameter.type == "string" and "enum" not in schema:
        yield HARMLESS, HOSTILE
        if isinstance(value, str):
            yield value + HARMLESS, value + HOSTILE
    elif parameter.type == "array" and schema.get("items", {}).get("type") == "string":
        yield [HARMLESS], [HOSTILE]
    elif parameter.type == "object":
        yield {"key": HARMLESS}, {"key": HOSTILE}
        yield {HARMLESS: "value"}, {HOSTILE: "value"}


def shape(value: Any, key: str = "") -> Any:
    """Maps and lists without their texts; files of JSON and YAML are looked into."""
    if isinstance(value, dict):
        named = {name.replace(HOSTILE, HARMLESS): shape(item, name) for name, item in value.items()}
        return dict(sorted(named.items()))
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, str) and key.endswith(".json"):
        return shape(json.loads(value))
    if isinstance(value, str) and key.endswith((".yaml", ".yml")):
        return shape(yaml.load(value, yaml.CSafeLoader))
    return type(value).__name__


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_text_never_becomes_structure(prototype: str) -> None:
    for name, parameter in parameters(prototype).items():
        found = effect(prototype, name)
        row, value = found if found else ({}, parameter.default)
        for harmless, hostile in texts(parameter, value):
            plain, evil = after(prototype, {**row, name: harmless}), after(prototype, {**row, name: hostile})
            # Refused as a value is as good.
            assert not (plain and evil) or [*map(shape, evil)] == [*map(shape, plain)], name


def test_hostile_texts_are_not_just_refused() -> None:
    found = after("tf-serving", {"env": {"TEXT": HOSTILE}})
    (container,) = next(one for one in found if one["kind"] == "Deployment")["spec"]["template"]["spec"]["containers"]
    assert {"name": "TEXT", "value": HOSTILE} in container["env"]
