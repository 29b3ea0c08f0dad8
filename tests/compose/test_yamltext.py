from __future__ import annotations

from typing import Any

import pytest
import yaml

from mlstack.compose.places import Place, PlacedError
from mlstack.compose.yamltext import load_documents


def load(text: str) -> list[Any]:
    return [value for _, value in load_documents(text, Place("a.yaml"))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-01", "2024-01-01"),
        ("=", "="),
        ("12:30", "12:30"),
        ("22:22", "22:22"),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("+.5e3", 500.0),
        ("1e+16", 1e16),
        ("0o17", 15),
        ("-0o17", -15),
        ("017", 15),
        ("0x1F", 31),
        ("0b11", 3),
        ("0", 0),
        ("-0", 0),
        ("0644", 420),
        ("!!str 5", "5"),
        ("1_000", 1000),
        ("08", "08"),
        ("1.10.1", "1.10.1"),
        ("yes", True),
        ("off", False),
        ("~", None),
        ("'yes'", "yes"),
        ("-1", -1),
        ("<<", "<<"),
    ],
)
def test_scalars_are_read_as_kubectl_reads_them(text: str, value: Any) -> None:
    assert load(f"a: {text}") == [{"a": value}]
    assert type(load(f"a: {text}")[0]["a"]) is type(value)


def test_documents_come_with_their_lines() -> None:
    text = "# first\na: 1\n---\n---\n\nb: 2\n"
    assert list(load_documents(text, Place("a.yaml", 10))) == [(11, {"a": 1}), (13, None), (15, {"b": 2})]


def test_aliases_and_merge_keys_become_copies_of_their_own() -> None:
    [found] = load("base: &b {x: {y: 1}, z: 1}\none: {<<: *b, z: 2}\ntwo: *b\n")
    assert found == {"base": {"x": {"y": 1}, "z": 1}, "one": {"x": {"y": 1}, "z": 2}, "two": {"x": {"y": 1}, "z": 1}}
    found["two"]["x"]["y"] = 2
    assert found["base"]["x"]["y"] == found["one"]["x"]["y"] == 1


def test_the_first_of_merged_maps_wins_and_the_maps_own_keys_before_all() -> None:
    [found] = load("a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {z: 3, <<: [*a, *b], y: 3}\n")
    assert found["c"] == {"x": 1, "y": 3, "z": 3}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "a.yaml:3: broken YAML: the key a stands twice"),
        ("a:\n  b: {c: 1, c: 2}", "a.yaml:2: broken YAML: the key c stands twice"),
        ("1: 2", "a.yaml:1: broken YAML: a key of a map is no text"),
        ("yes: 2", "a key of a map is no text"),
        ("? [a]\n: 1", "a key of a map is no text"),
        ("a: &x [*x]", "nested more than 100 deep"),
        ("a: !!binary aaaa", "a.yaml:1: broken YAML: !!binary is nothing that Kubernetes takes"),
        ("b: 1\na: !!float nan", "a.yaml:2: broken YAML: nan is no number that Kubernetes takes"),
        ("\n\na: [", "a.yaml:4: broken YAML"),
        ("a: b: c", "a.yaml:1: broken YAML: mapping values are not allowed"),
        ("a: !!python/object:os.system x", "!!python/object:os.system is nothing"),
        ("a: !!int foo", "invalid literal"),
        ("a: \x01", "a.yaml: broken YAML: unacceptable character"),
        ("a: *b", "undefined alias"),
        ("a: {<<: 3}", "<< takes a map or a list of maps"),
        ("a: !!bool maybe", "maybe is neither true nor false"),
        ("a: !!set {b}", "!!set is nothing that Kubernetes takes"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(PlacedError) as caught:
        load(text)
    assert problem in caught.value.message


def test_pyyaml_itself_is_left_as_it_is() -> None:
    assert yaml.load("a: 12:30", yaml.CSafeLoader) == {"a": 750}
