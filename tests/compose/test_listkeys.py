from __future__ import annotations

from collections import defaultdict

from mlstack.compose.listkeys import LIST_KEYS, has_keys, item_key, list_keys
from mlstack.compose.schemas import _builtin


def test_the_table_is_the_openapis() -> None:
    found: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    for kind, schema in _builtin().definitions.items():
        status = kind.rpartition(".")[2].endswith(("Status", "Health"))
        for name, one in schema.get("properties", {}).items():
            keys = one.get("x-kubernetes-list-map-keys")
            if keys and not status:
                found[name].add(tuple(keys))
    assert {name: set(keys) for name, keys in LIST_KEYS.items()} == dict(found)


def test_keys_of_items() -> None:
    assert list_keys("ports", [{"port": 1, "protocol": "UDP"}]) == ("port", "protocol")
    assert list_keys("ports", [{"containerPort": 1}]) == ("containerPort", "protocol")
    assert list_keys("ports", [{"port": None}]) == list_keys("ports", ["a"]) == list_keys("args", [{"name": "a"}]) == ()
    assert item_key({"port": 53, "protocol": None}, ("port", "protocol")) == {"port": 53, "protocol": "TCP"}
    assert not has_keys("a", ("name",))
