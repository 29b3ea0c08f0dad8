from __future__ import annotations

from mlstack.actions.listing import FEW_NAMESPACES, by_key, order, spread_kinds
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Listing

MAPS, PODS, NODES = (well_known("v1", kind) for kind in ("ConfigMap", "Pod", "Node"))


def test_kinds_in_many_namespaces_are_listed_once() -> None:
    many = [(MAPS, f"n{number}") for number in range(FEW_NAMESPACES + 1)]
    few = [(PODS, f"n{number}") for number in range(FEW_NAMESPACES)]
    assert spread_kinds([*many, *few, (NODES, "")]) == [(MAPS, "")]
    assert sorted([few[1], few[0], many[0]], key=order) == [many[0], few[0], few[1]]


def test_an_object_listed_in_two_versions_is_the_one_that_is_wanted() -> None:
    def item(version: str) -> dict[str, object]:
        return {"apiVersion": version, "kind": "Thing", "metadata": {"name": "a", "namespace": "n"}}

    one, two = item("x.io/v1"), item("x.io/v2")
    for listings in ([Listing([one], ""), Listing([two], "")], [Listing([two], ""), Listing([one], "")]):
        (key,) = by_key(listings, {})
        assert by_key(listings, {key: "x.io/v1"})[key] is one
        assert by_key(listings, {key: "x.io/v2"})[key] is two
