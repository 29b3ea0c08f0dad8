from __future__ import annotations

import pytest

from mlstack.actions.reading import all_or_raise, inventory_of
from mlstack.cluster.store import Parent
from mlstack.errors import MlstackError
from mlstack.plan.inventory import Inventory, Owner, superset, to_stored

OWNER = Owner("shop", "gke", "mlstack-1-2", "n", "mlstack-1-2")


def test_the_first_error_of_many() -> None:
    assert all_or_raise([1, 2]) == [1, 2]
    with pytest.raises(MlstackError, match="first"):
        all_or_raise([1, MlstackError("first"), MlstackError("second")])


def test_what_the_parent_remembers() -> None:
    assert inventory_of(Parent("ConfigMap", "n", "x"), OWNER) == Inventory()
    stored = to_stored(superset(Inventory(), []), OWNER)
    parent = Parent("ConfigMap", "n", "x", stored.data, stored.labels, stored.annotations, "7", "uid")
    assert inventory_of(parent, OWNER).exists
    with pytest.raises(MlstackError, match="is not mlstack's inventory"):
        inventory_of(Parent("ConfigMap", "n", "x", version="7"), OWNER)
