from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlstack.app.packages import read_package, read_prototype
from mlstack.app.typed import deep_merge, read_param, split_name
from mlstack.compose.parameters import Parameter
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError


@pytest.fixture
def train(registry_folder: Path) -> Prototype:
    return read_prototype(read_package(registry_folder / "jobs", "demo", "demo/jobs"), "train")


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("num_gpus", "2", ["num_gpus"], 2),
        ("numGpus", "2", ["num_gpus"], 2),
        ("num\\_gpus", "2", ["num_gpus"], 2),
        ("greeting", "1.10", ["greeting"], "1.10"),
        ("greeting", "null", ["greeting"], "null"),
        ("debug", "true", ["debug"], True),
        ("args", "a,b", ["args"], ["a", "b"]),
        ("labels", '{"team": "x"}', ["labels"], {"team": "x"}),
        ("labels.team", "007", ["labels", "team"], "007"),
        ("labels.example.com/team", "x", ["labels", "example.com/team"], "x"),
        ("retry.limit", "5", ["retry", "limit"], 5),
    ],
)
def test_text_is_read_by_the_declared_type(train: Prototype, name: str, text: str, path: list[str], value: Any) -> None:
    assert read_param(train, name, text) == (path, value)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("num_gpu", "1", "train has no parameter num_gpu. Did you mean num_gpus?"),
        ("num_gpus", "x", "num_gpus must be an integer >= 0 (GPUs per worker), got x"),
        ("num_gpus", "-1", "num_gpus must be an integer >= 0 (GPUs per worker), got -1"),
        ("num_gpus.x", "1", "train's num_gpus is an integer >= 0, GPUs per worker: it has no parts."),
        ("retry.limit", "x", "retry.limit must be an integer, got x"),
        ("debug", "yes", "debug must be true or false, got yes"),
    ],
)
def test_what_is_no_value_of_it(train: Prototype, name: str, text: str, sentence: str) -> None:
    with pytest.raises(MlstackError) as caught:
        read_param(train, name, text)
    assert str(caught.value).startswith(sentence)


def test_the_rest_after_a_free_form_map_is_one_key(train: Prototype) -> None:
    assert split_name(train, "retry.policy.deep") == ["retry", "policy", "deep"]
    assert split_name(train, "labels.a.b.c") == ["labels", "a.b.c"]


def test_merging() -> None:
    assert deep_merge({"a": {"b": 1}, "c": 1}, {"a": {"d": 2}}) == {"a": {"b": 1, "d": 2}, "c": 1}
    assert deep_merge(None, [1]) == [1]


def test_the_key_of_a_map_is_checked_before_anything_is_written() -> None:
    schema = {"type": "object", "propertyNames": {"format": "env-name"}, "additionalProperties": {"type": "string"}}
    prototype = Prototype("r", "p", "job", "1", parameters={"env": Parameter("env", schema, {})})
    assert read_param(prototype, "env.EPOCHS", "3") == (["env", "EPOCHS"], "3")
    with pytest.raises(MlstackError, match=r"^env must not have the key \"A=B\": each must be the name of an env"):
        read_param(prototype, "env.A=B", "3")
