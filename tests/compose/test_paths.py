from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.paths import element_name, field_text, path_text

POD = {
    "spec": {
        "containers": [
            {"name": "tensorflow", "resources": {"limits": {"nvidia.com/gpu": 1}}, "ports": [{"containerPort": 80}]}
        ],
        "args": ["a"],
    }
}


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([], ""),
        (["spec"], "spec"),
        (
            ["spec", "containers", 0, "resources", "limits", "nvidia.com/gpu"],
            "spec.containers[tensorflow].resources.limits[nvidia.com/gpu]",
        ),
        (["spec", "containers", "0", "ports", 0], "spec.containers[tensorflow].ports[80]"),
        (["spec", "args", 0], "spec.args[0]"),
        (["spec", "nothing", "here"], "spec.nothing.here"),
    ],
)
def test_paths_read_as_in_the_session(steps: list[Any], text: str) -> None:
    assert path_text(POD, steps) == text


@pytest.mark.parametrize(
    ("field", "first", "text"),
    [
        ("a", True, "a"),
        ("a", False, ".a"),
        ("a.b/c", True, "[a.b/c]"),
        ("f.py", False, "[f.py]"),
        ("a-b", False, ".a-b"),
    ],
)
def test_fields(field: str, first: bool, text: str) -> None:
    assert field_text(field, first=first) == text


@pytest.mark.parametrize(
    ("element", "name"),
    [({"name": "a", "port": 1}, "a"), ({"port": 80}, "80"), ({"mountPath": "/a"}, "/a"), ({"x": 1}, "7"), ("a", "7")],
)
def test_elements(element: Any, name: str) -> None:
    assert element_name(element, 7) == name
