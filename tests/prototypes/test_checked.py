"""Every documented example is run, read by its program's own parser, or named as rendered only; and it renders."""

from __future__ import annotations

import ast
import shlex
from pathlib import Path
from typing import Any

import pytest

from mlstack.compose.schemas import validate
from tests.prototypes.checked import CHECKED, how
from tests.prototypes.showing import FULLEST, PROTOTYPES, catalogue, show

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = [
    (name, example["title"], example["command"]) for name in PROTOTYPES for example in catalogue()[name].examples
]


def values(prototype: str, command: str) -> dict[str, Any]:
    """The parameters that an example sets."""
    words = shlex.split(command)
    if words[1] == "param":
        pairs = [(words[-2], words[-1])]
    else:
        pairs = [(name, value) for name, _, value in (word[2:].partition("=") for word in words[4:])]
    known = catalogue()[prototype]
    found = {name: known.parameter(name).read(value) for name, value in pairs}
    return found | ({"main_file": "train.py"} if "code" in found and "main_file" in found else {})  # as in showing.CODE


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_each_example_has_its_class(prototype: str) -> None:
    assert list(CHECKED[prototype]) == [title for name, title, _ in EXAMPLES if name == prototype]


def test_the_tests_that_are_named_exist() -> None:
    named = {test for titles in CHECKED.values() for test in titles.values() if test}
    for test in named:
        path, _, function = test.partition("::")
        tree = ast.parse((REPOSITORY / path).read_text("utf-8"))
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, test


@pytest.mark.parametrize(("prototype", "title", "command"), EXAMPLES)
def test_each_example_renders_validly(prototype: str, title: str, command: str) -> None:
    manifests = show(prototype, FULLEST, **values(prototype, command)).manifests
    assert manifests
    wrong = [str(problem) for problem in validate(manifests, ()) if not problem.unchecked]
    assert wrong == []


def test_a_reader_is_told_of_each_class() -> None:
    assert how("vllm", "A trial on the CPU") == "Rendered and checked by Kubernetes' schemas, not run."
    assert how("tf-serving", "A public model from a bucket").startswith("Read by its program's own parser, not run: ")
    assert how("tf-cnn", "One worker on the CPU").startswith("Run with its real program")
