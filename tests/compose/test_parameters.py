from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack.compose.parameters import Parameter, ParameterError
from mlstack.compose.places import Place
from mlstack.errors import MlstackError

LIST = {"type": "array", "items": {"type": "string"}}
MAP = {"type": "object", "additionalProperties": {"type": "string"}}


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "integer"}, "1", 1),
        ({"type": "integer"}, " -3 ", -3),
        ({"type": "integer"}, "2.0", 2),
        ({"type": "integer"}, "1e3", 1000),
        ({"type": ["integer", "null"]}, "null", None),
        ({"type": "number"}, "1.5", 1.5),
        ({"type": "number"}, "2", 2),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "false", False),
        ({"type": "string"}, "1.10", "1.10"),
        ({"type": "string"}, "007", "007"),
        ({"type": "string"}, "yes", "yes"),
        ({"type": "string"}, "null", "null"),
        ({"type": ["string", "null"]}, "null", None),
        ({"type": "string"}, " a: [b ", " a: [b "),
        ({"type": "string"}, "", ""),
        ({}, "1", "1"),
        (LIST, "a,b, c", ["a", "b", "c"]),
        (LIST, "1.10,yes", ["1.10", "yes"]),
        (LIST, "[a, 'b, c']", ["a", "b, c"]),
        (LIST, '["a"]', ["a"]),
        (LIST, "- a\n- b", ["a", "b"]),
        (LIST, "", []),
        (LIST, "python train.py", ["python train.py"]),
        ({**LIST, "format": "command-line"}, "python train.py --epochs 3", ["python", "train.py", "--epochs", "3"]),
        ({**LIST, "format": "command-line"}, '--x={"a":1,"b":2}', ['--x={"a":1,"b":2}']),
        ({**LIST, "format": "command-line"}, "[1, 2", ["[1", "2"]),
        (MAP, '{"EPOCHS": 3}', {"EPOCHS": "3"}),
        ({"type": ["string", "null"], "format": "cpu"}, "null", None),
        ({"type": "array", "items": {"type": "integer"}}, "1, 2", [1, 2]),
        ({"type": "array"}, "a", ["a"]),
        ({"type": "object"}, '{"a": {"b": 1}}', {"a": {"b": 1}}),
        ({"type": "object"}, "a: 1\nb: [2]", {"a": 1, "b": [2]}),
        ({"format": "quantity"}, "4Gi", "4Gi"),
        ({"format": "quantity"}, "2", "2"),
        ({"format": "secret"}, "generate", "generate"),
        ({"format": "secret"}, "hub/token", {"name": "hub", "key": "token"}),
        ({"format": "secret"}, "{name: hub, key: token}", {"name": "hub", "key": "token"}),
    ],
)
def test_text_is_read_by_the_declared_type(schema: dict[str, Any], text: str, value: Any) -> None:
    found = Parameter("x", schema).read(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("schema", "text", "allowed"),
    [
        ({"type": "integer", "minimum": 0}, "-1", "an integer >= 0"),
        ({"type": "integer", "minimum": 1, "maximum": 8}, "9", "an integer >= 1 and <= 8"),
        ({"type": "integer"}, "true", "an integer"),
        ({"type": "integer"}, "010", "an integer"),
        ({"type": "integer"}, "1_000", "an integer"),
        ({"type": "integer"}, "null", "an integer"),
        ({"type": "integer"}, "1.5", "an integer"),
        ({"type": "number", "exclusiveMinimum": 0}, "0", "a number > 0"),
        ({"type": "number"}, "NaN", "a number"),
        ({"type": "boolean"}, "yes", "true or false"),
        ({"enum": ["l4", "a100"]}, "h100", "one of l4, a100"),
        ({"type": "string", "pattern": "^gs://"}, "s3://x", "text in the form that its description names"),
        ({"format": "quantity"}, "4GB", "a quantity such as 500m, 2 or 4Gi"),
        ({"type": "object"}, "a", "a map"),
        ({"type": "object"}, "{a", "a map"),
        ({"type": ["integer", "string", "null"], "maximum": 3}, "4", "an integer or text <= 3"),
    ],
)
def test_wrong_text_is_refused_with_what_is_allowed(schema: dict[str, Any], text: str, allowed: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Parameter("x", schema).read(text)
    assert caught.value.message.startswith(f"x must be {allowed}, got ")


def test_an_error_names_place_parameter_value_and_unit() -> None:
    parameter = Parameter("num_gpus", {"type": "integer", "minimum": 0}, 0, "GPUs per worker")
    with pytest.raises(ParameterError) as caught:
        parameter.check(-1, Place("environments/gke.yaml", 9))
    message = "environments/gke.yaml:9: num_gpus must be an integer >= 0 (GPUs per worker), got -1."
    assert str(caught.value) == message


def test_an_error_inside_a_map_says_where() -> None:
    parameter = Parameter("limits", {"type": "object", "additionalProperties": {"type": "integer"}})
    with pytest.raises(ParameterError, match=r"^limits\.gpu must be an integer, got x\.$"):
        parameter.check({"gpu": "x"})


def test_an_error_inside_a_list_says_where() -> None:
    with pytest.raises(ParameterError, match=r"^versions\.1 must be an integer, got b\.$"):
        Parameter("versions", {"type": "array", "items": {"type": "integer"}}).read("1,b")


@pytest.mark.parametrize(
    ("schema", "text", "message"),
    [
        (
            {"type": "string", "format": "bytes"},
            "512m",
            "x must be a quantity of bytes such as 512Mi or 8Gi, got 512m.",
        ),
        ({"type": "string", "format": "cpu"}, "2Gi", "x must be a number of CPU cores such as 500m or 2, got 2Gi."),
        ({"type": "integer", "maximum": 2**31 - 1}, "2147483648", "x must be at most 2147483647, got 2147483648."),
        (
            {"type": "object", "propertyNames": {"format": "env-name"}},
            '{"A=B": "1"}',
            'x must not have the key "A=B": each must be the name of an environment variable such as EPOCHS.',
        ),
        (
            {"type": "string", "anyOf": [{"maxLength": 0}, {"format": "dns1123-subdomain"}]},
            "Team",
            "x must be the name of an object such as team-data, or empty, got Team.",
        ),
        ({"type": "array", "items": {"format": "toleration"}}, "[{}]", "x.0 must have the key operator."),
        (
            {"type": "array", "items": {"format": "toleration"}},
            "[{key: a, opertor: Exists}]",
            "x.0 must not have the key opertor; known are key, operator, value, effect, tolerationSeconds.",
        ),
        ({"type": "array", "items": {}, "uniqueItems": True}, "a,a", 'x must not have an item twice, got ["a", "a"].'),
        (LIST, "null", 'x must be a list, each text, got "null".'),
        (
            {**LIST, "format": "command-line"},
            "cd /data && python train.py",
            "x must be a list of words, or a command line such as 'python train.py --epochs 3', "
            'got "cd /data && python train.py": && needs a shell: give the list '
            '["sh", "-c", "cd /data && python train.py"].',
        ),
    ],
)
def test_what_is_wrong_is_told_in_words(schema: dict[str, Any], text: str, message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Parameter("x", schema).read(text)
    assert caught.value.message == message


def test_a_long_value_is_cut_in_the_error() -> None:
    with pytest.raises(ParameterError) as caught:
        Parameter("n", {"type": "integer"}).check("y" * 500)
    assert len(caught.value.message) < 150


@pytest.mark.parametrize("schema", [{"format": "secret"}, {"format": "secret", "minLength": 99, "title": "t"}])
def test_a_secret_given_itself_is_not_repeated(schema: dict[str, Any]) -> None:
    with pytest.raises(ParameterError) as caught:
        Parameter("token", schema).read("hunter2")
    assert "hunter2" not in str(caught.value)
    assert "NAME/KEY" in str(caught.value)


@pytest.mark.parametrize("schema", [{"type": "strin"}, {"type": "string", "pattern": "("}, {"$ref": "file:///x"}])
def test_a_broken_schema_is_the_prototypes_fault(schema: dict[str, Any]) -> None:
    with pytest.raises(MlstackError, match="The prototype's schema of x is broken"):
        Parameter("x", schema).check("y")


@pytest.mark.parametrize(
    ("schema", "type_", "nullable"),
    [
        ({}, "string", False),
        ({"type": "integer"}, "integer", False),
        ({"type": ["null", "object"]}, "object", True),
        ({"type": "null"}, "null", True),
    ],
)
def test_the_declared_type(schema: dict[str, Any], type_: str, nullable: bool) -> None:
    parameter = Parameter("x", schema)
    assert (parameter.type, parameter.nullable) == (type_, nullable)


@pytest.mark.parametrize(
    ("schema", "value", "normal"),
    [
        ({"format": "quantity"}, 2, "2"),
        ({"format": "quantity"}, 0.5, "0.5"),
        ({"format": "quantity"}, True, True),
        ({"format": "secret"}, "a/b", {"name": "a", "key": "b"}),
        ({"format": "secret"}, "a", "a"),
        ({"type": "integer"}, 2.0, 2),
        ({"type": "integer"}, 2.5, 2.5),
        ({"type": "string"}, "a/b", "a/b"),
        ({"type": "string"}, 3, "3"),
        ({"type": "string", "format": "image"}, 3, "3"),
        ({"type": ["string", "integer"]}, 3, 3),
        ({"type": "string"}, 1.5, 1.5),  # 1.50 in the file, perhaps
        ({"format": "bytes"}, 1024, "1024"),
        (MAP, {"EPOCHS": 3, "DEBUG": True, "RATE": 1.5}, {"EPOCHS": "3", "DEBUG": "true", "RATE": 1.5}),
        (LIST, ["--epochs", 3], ["--epochs", "3"]),
        ({"type": "array", "items": {"type": "integer"}}, [1], [1]),
    ],
)
def test_values_have_one_form(schema: dict[str, Any], value: Any, normal: Any) -> None:
    found = Parameter("x", schema).normal(value)
    assert found == normal
    assert type(found) is type(normal)


@given(st.text())
def test_any_text_stays_itself_for_a_string(text: str) -> None:
    assert Parameter("x", {"type": "string"}).read(text) == text


@given(st.integers(min_value=-(2**63), max_value=2**63))
def test_any_integer_is_read_back(number: int) -> None:
    assert Parameter("x", {"type": "integer"}).read(str(number)) == number
