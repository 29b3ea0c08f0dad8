from __future__ import annotations

from typing import Any

import pytest

from mlstack.plan import fields

KEYS = [
    ("containers", [{"name": "a"}], ("name",)),
    ("ports", [{"containerPort": 1}], ("containerPort", "protocol")),
    ("ports", [{"port": 1, "protocol": "UDP"}], ("port", "protocol")),
    ("ports", [{"number": 1}], ()),
    ("args", ["a"], ()),
    ("tolerations", [{"key": "a"}], ()),
    ("volumeMounts", [{"mountPath": "/a", "name": "b"}], ("mountPath",)),
]


@pytest.mark.parametrize(("name", "items", "keys"), KEYS)
def test_list_keys(name: str, items: list[Any], keys: tuple[str, ...]) -> None:
    assert fields.list_keys(name, items) == keys


def test_paths_are_readable() -> None:
    path = fields.join(fields.join("", "limits"), "nvidia.com/gpu")
    assert path == "limits[nvidia.com/gpu]"
    assert fields.item("ports", fields.key_label({"port": 80, "protocol": "TCP"})) == "ports[80]"


def test_only_the_managers_own_apply_counts() -> None:
    entries = [
        {"manager": "m", "operation": "Update", "fieldsV1": {"f:a": {}}},
        {"manager": "m", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:b": {}}},
        {"manager": "m", "operation": "Apply", "fieldsV1": {"f:c": {}}},
    ]
    live = {"metadata": {"managedFields": entries}}
    assert fields.owned_fields(live, "m") == {"f:c": {}}
    assert fields.owned_fields(live, "n") is None
    assert fields.managers(live) == {"m"}
