from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.plan.inventory import PART_OF, Inventory, Owner, entry, shrunk
from mlstack.plan.ownership import (
    is_managed,
    is_managed_as_rendered,
    lost_keys,
    managed_among,
    parse_entry,
    recorded_uid,
    was_replaced,
)

OWNER = Owner("shop", "gke", "mlstack-1-2", "n", "mlstack-1-2")
UID, OTHER_UID = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
KEY = Key("", "ConfigMap", "n", "a")
ENTRIES: dict[str, dict[str, Any]] = {
    "applied": {"manager": OWNER.manager, "operation": "Apply", "fieldsV1": {}},
    "updated": {"manager": OWNER.manager, "operation": "Update", "fieldsV1": {}},
    "status": {"manager": OWNER.manager, "operation": "Apply", "subresource": "status", "fieldsV1": {}},
    "kubectl": {"manager": "kubectl", "operation": "Update", "fieldsV1": {}},
    "secret": {"manager": "mlstack-secret", "operation": "Update", "fieldsV1": {}},
    "other": {"manager": "mlstack-1-3", "operation": "Apply", "fieldsV1": {}},
}
LISTED = shrunk(Inventory(exists=True), {KEY: UID.replace("-", "")[:12]}, {}, {})
ANNOUNCED = shrunk(Inventory(exists=True), {KEY: ""}, {}, {})
EMPTY = Inventory(exists=True)


def live(*entries: str, uid: str = UID, kind: str = "ConfigMap", **metadata: Any) -> Manifest:
    managed = [ENTRIES[name] for name in entries]
    # The label, which every copy has, decides nothing.
    head = {"name": "a", "namespace": "n", "uid": uid, "labels": {PART_OF: OWNER.set_id}, "managedFields": managed}
    return {"apiVersion": "v1", "kind": kind, "metadata": {**head, **metadata}}


@pytest.mark.parametrize(
    ("found", "inventory", "managed", "rendered"),
    [
        (live("applied"), LISTED, True, True),
        (live("kubectl"), LISTED, True, True),  # managedFields were reset; it is the very object
        (live("applied", uid=OTHER_UID), LISTED, True, True),
        (live("kubectl", uid=OTHER_UID), LISTED, False, False),  # restored from a backup, or somebody's
        (live("applied"), ANNOUNCED, True, True),  # killed after the write, or an inventory without UIDs
        (live("kubectl"), ANNOUNCED, False, False),
        (live("updated"), ANNOUNCED, False, False),
        (live("status"), ANNOUNCED, False, False),
        (live("applied"), EMPTY, False, True),  # a copy through the API, unless it is rendered
        (live("kubectl"), EMPTY, False, False),
        (live("updated"), EMPTY, False, False),
        (live("other"), EMPTY, False, False),
        (live("secret", kind="Secret"), EMPTY, False, True),
        (live("secret", "kubectl", kind="Secret"), EMPTY, False, False),
        (live("secret"), EMPTY, False, False),
    ],
)
def test_whose_an_object_is(found: Manifest, inventory: Inventory, managed: bool, rendered: bool) -> None:
    assert is_managed(found, OWNER, inventory) is managed
    assert is_managed_as_rendered(found, OWNER, inventory) is rendered
    key = key_of(found)
    assert managed_among({key: found}, (), OWNER, inventory) == ({key: found} if managed else {})
    assert managed_among({key: found}, {key}, OWNER, inventory) == ({key: found} if rendered else {})


def test_a_cluster_scoped_object_that_was_recorded_with_a_namespace() -> None:
    placed = Key("kk.io", "Flavor", "n", "fl")
    inventory = shrunk(Inventory(), {placed: "u", Key("kk.io", "Flavor", "n", "x-fl"): "v"}, {}, {})
    assert recorded_uid(Key("kk.io", "Flavor", "", "fl"), inventory) == "u"
    assert recorded_uid(Key("kk.io", "Flavor", "", "l"), inventory) is None
    assert recorded_uid(Key("kk.io", "Flavor", "m", "fl"), inventory) is None


def test_an_object_that_was_created_again_by_another_client() -> None:
    assert was_replaced(live("kubectl", uid=OTHER_UID), LISTED)
    assert not was_replaced(live("kubectl"), LISTED)
    assert not was_replaced(live("kubectl"), ANNOUNCED)
    assert not was_replaced(live("kubectl"), EMPTY)


def test_recorded_objects_that_no_list_by_label_shows() -> None:
    other = Key("apps", "Deployment", "n", "web")
    inventory = shrunk(Inventory(), {KEY: "u", other: "v"}, {}, {})
    assert lost_keys(inventory, [KEY]) == [other]
    assert lost_keys(inventory, [KEY, other]) == []


@pytest.mark.parametrize("key", [KEY, Key("a.b.c", "Kind", "", "name.with.dots"), Key("", "Namespace", "", "n")])
def test_an_entry_reads_back(key: Key) -> None:
    assert parse_entry(entry(key)) == key


def test_what_is_no_entry() -> None:
    assert parse_entry("ConfigMap") is None
