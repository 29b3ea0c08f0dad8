from __future__ import annotations

from typing import Any

import pytest

from mlstack.actions.involved import replica_sets
from mlstack.cluster.objects import Listing


def test_replica_sets_are_listed_only_where_an_event_is_about_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def listed(*arguments: Any, **options: Any) -> Listing:
        asked.append((arguments[1].kind, arguments[2], options))
        return Listing([{"kind": "ReplicaSet"}], "1")

    monkeypatch.setattr("mlstack.cluster.objects.list_objects", listed)
    client: Any = None
    pod, made = ({"involvedObject": {"kind": kind}} for kind in ("Pod", "ReplicaSet"))
    assert replica_sets(client, "n", [pod, {}]) == []
    assert asked == []
    assert replica_sets(client, "n", [pod, made]) == [{"kind": "ReplicaSet"}]
    assert asked == [("ReplicaSet", "n", {"metadata_only": True})]
