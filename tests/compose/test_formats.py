from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack.compose import formats


@pytest.mark.parametrize(
    "text", ["1", "0.5", ".5", "5.", "500m", "4Gi", "1e3", "1E-3", "-1", "+2Ki", "100n", "3k", "2Ei"]
)
def test_quantities(text: str) -> None:
    assert formats.problem({"format": "quantity"}, text) is None


@pytest.mark.parametrize("text", ["", "x", "1 Gi", "4GB", "1KI", "Gi", ".", "1e", "4gi", "1\n", "٣", "1Gi "])
def test_no_quantities(text: str) -> None:
    assert formats.problem({"format": "quantity"}, text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "ubuntu",
        "tensorflow/tensorflow:2.17.0-gpu",
        "ghcr.io/a/b_c/d__e:v1",
        "localhost:5000/x",
        "Registry.Example.com/x:TAG_1",
        "a@sha256:" + "0" * 64,
        "gcr.io/a/b:c@sha256:" + "f" * 64,
    ],
)
def test_images(text: str) -> None:
    assert formats.problem({"format": "image"}, text) is None


@pytest.mark.parametrize(
    "text", ["", "A", "a b", "a:", "a:b:c", "https://a/b", "a//b", "a:-x", "a@sha256:00", "a\n", "gs://x"]
)
def test_no_images(text: str) -> None:
    assert formats.problem({"format": "image"}, text) is not None


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("./train", True),
        ("train", True),
        ("a/b c/ü.py", True),
        (".", True),
        ("", True),
        ("a/..b", True),
        ("..", False),
        ("a/../b", False),
        ("/etc", False),
        ("~/x", False),
        ("a\0b", False),
    ],
)
def test_paths(text: str, right: bool) -> None:
    assert (formats.problem({"type": "string", "format": "path"}, text) is None) is right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("einops==0.8.1", True),
        ("a.b_c-d[x,y] == 1!2.0.post1+cpu", True),
        ("six===1.16.0; python_version < '4'", True),
        ("mine @ https://example.com/mine-1.0-py3-none-any.whl", True),
        ("mine@git+https://example.com/mine.git@1f0c9a2e", True),
        ("einops", False),
        ("einops>=0.8", False),
        ("einops==0.8.*", False),
        ("-r requirements.txt", False),
        ("--index-url=https://example.com", False),
        ("einops==0.8.1\n--pre", False),
        ("einops==0.8.1 --pre", False),
        ("", False),
    ],
)
def test_requirements(text: str, right: bool) -> None:
    assert (formats.problem({"type": "string", "format": "requirement"}, text) is None) is right


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("generate", True),
        ({"name": "a", "key": "b"}, True),
        ({"name": "a.b-c", "key": "A_b.c"}, True),
        ("hunter2", False),
        ({"name": "a"}, False),
        ({"name": "A", "key": "b"}, False),
        ({"name": "a", "key": "b/c"}, False),
        ({"name": "a", "key": "b", "value": "c"}, False),
        (None, False),
    ],
)
def test_secrets_are_references(value: Any, right: bool) -> None:
    assert (formats.problem({"format": "secret"}, value) is None) is right
    assert (formats.problem({"format": "secret", "type": ["string", "object", "null"]}, value) is None) is (
        right or value is None
    )


@pytest.mark.parametrize(
    ("schema", "value", "path"),
    [
        ({"type": "integer"}, True, []),
        ({"type": "integer"}, "1", []),
        ({"type": "integer"}, 1.5, []),
        ({"type": "number"}, False, []),
        ({"type": "boolean"}, 1, []),
        ({}, 1, []),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": "x"}, ["a"]),
        ({"type": "array", "items": {"type": "string", "format": "image"}}, ["a", "B"], ["1"]),
        ({"enum": ["a", 1]}, "b", []),
        ({"format": "name"}, "a" * 64, []),
        ({"format": "name"}, "a.b", []),
    ],
)
def test_a_problem_says_where_inside_the_value(schema: dict[str, Any], value: Any, path: list[str]) -> None:
    found = formats.problem(schema, value)
    assert found is not None
    assert list(found.path) == path


@given(st.integers(), st.integers())
def test_limits_are_json_schemas(value: int, minimum: int) -> None:
    assert (formats.problem({"type": "integer", "minimum": minimum}, value) is None) is (value >= minimum)


@pytest.mark.parametrize("address", ["file:///etc/hostname", "https://example.com/schema.json", "other.json"])
def test_a_schema_refers_to_nothing_outside_itself(address: str) -> None:
    with pytest.raises(ValueError, match=r"not part of it|not present in a registry"):
        formats.problem({"$ref": address}, "x")


@pytest.mark.parametrize("kind", ["integer", "boolean", "string", "number", "array"])
@pytest.mark.parametrize("least", [{}, {"minimum": 0}, {"minimum": 2}])
@pytest.mark.parametrize("value", [0, 1, -1, 2, True, False, "", "x", 1.0, 2.5, None, [], {}])
def test_the_short_way_says_what_the_library_says(kind: str, least: dict[str, int], value: object) -> None:
    schema = {"type": kind, **least}
    assert (formats.problem(schema, value) is None) == jsonschema_rs.Draft202012Validator(schema).is_valid(value)
