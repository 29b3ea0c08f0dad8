from __future__ import annotations

from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from mlstack.compose.customkinds import custom_schemas, json_schema

PRESERVED: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@pytest.mark.parametrize(
    ("schema", "value", "right"),
    [
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": "x"}, True),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"b": "x"}, False),
        ({"type": "object"}, {"b": "x"}, False),
        (PRESERVED, {"b": "x"}, True),
        ({**PRESERVED, "properties": {"a": {"type": "object"}}}, {"a": {"b": 1}}, False),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"b": 1}, True),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"b": "x"}, False),
        ({"type": "object", "additionalProperties": True}, {"b": "x"}, True),
        ({"x-kubernetes-preserve-unknown-fields": True}, [1, "a"], True),
        ({"x-kubernetes-int-or-string": True}, 1, True),
        ({"x-kubernetes-int-or-string": True}, "50%", True),
        ({"x-kubernetes-int-or-string": True}, 1.5, False),
        ({"x-kubernetes-int-or-string": True, "pattern": "^[0-9]+$"}, "50%", False),
        (
            {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
            "50%",
            True,
        ),
        ({"type": "string", "nullable": True}, None, True),
        ({"type": "string"}, None, False),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 1, False),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 2, True),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": False}, 1, True),
        ({"type": "integer", "format": "int32", "default": 1}, 5, True),
        ({"type": "array", "items": {"type": "object", "properties": {}}}, [{"a": 1}], False),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
            },
            {"a": "x", "b": "y"},
            False,
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                "anyOf": [{"properties": {"a": {"enum": ["x"]}}}],
            },
            {"a": "x", "b": "y"},
            True,
        ),
        ({"type": "string", "not": {"enum": ["x"]}}, "x", False),
        ({"type": "object", "x-kubernetes-embedded-resource": True}, {"apiVersion": "v1", "kind": "A"}, True),
    ],
)
def test_a_structural_schema_as_json_schema(schema: dict[str, Any], value: Any, right: bool) -> None:
    assert Draft202012Validator(json_schema(schema)).is_valid(value) is right


def test_properties_may_be_called_like_keywords() -> None:
    names = ["default", "format", "not", "items", "properties", "$ref", "x-y", "type", "title"]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    validator = Draft202012Validator(json_schema(schema))
    assert validator.is_valid(dict.fromkeys(names, "x"))
    assert not validator.is_valid({"other": "x"})


def test_a_reference_is_not_followed() -> None:
    assert "$ref" not in json_schema({"$ref": "file:///etc/hostname"})


def test_every_version_of_a_crd_has_its_schema() -> None:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
    crd = {
        "kind": "CustomResourceDefinition",
        "spec": {
            "group": "example.com",
            "names": {"kind": "Thing"},
            "versions": [
                {"name": "v1", "schema": {"openAPIV3Schema": schema}},
                {"name": "v1beta1"},
            ],
        },
    }
    found = custom_schemas([crd], {"type": "object"})
    assert list(found) == [("example.com/v1", "Thing")]
    validator = Draft202012Validator(found["example.com/v1", "Thing"])
    head = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}}
    assert validator.is_valid({**head, "spec": {"a": 1}})
    assert not validator.is_valid({"kind": "Thing", "spec": {"a": "x"}})
    assert not validator.is_valid({"kind": "Thing", "data": {}})
