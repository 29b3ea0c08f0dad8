from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.places import Place
from mlstack.compose.strategic import DELETED, strategic_merge
from mlstack.errors import MlstackError

PLACE = Place("components/a.yaml", 3)


@pytest.mark.parametrize(
    ("base", "patch", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({"a": {"b": 1}}, {"a": {"$patch": "delete"}}, {}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        ({"args": ["a", "b"]}, {"args": ["c"]}, {"args": ["c"]}),
        ({"rules": [{"verbs": ["get"]}]}, {"rules": [{"verbs": ["list"]}]}, {"rules": [{"verbs": ["list"]}]}),
        (
            {"containers": [{"name": "a", "image": "1"}, {"name": "b"}]},
            {"containers": [{"name": "b", "image": "2"}, {"name": "c"}]},
            {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}, {"name": "c"}]},
        ),
        (
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"env": [{"name": "A", "$patch": "delete"}]},
            {"env": [{"name": "B", "value": "2"}]},
        ),
        ({"env": [{"name": "A"}]}, {"env": [{"$patch": "replace"}, {"name": "B"}]}, {"env": [{"name": "B"}]}),
        (
            {"ports": [{"containerPort": 1, "name": "a"}]},
            {"ports": [{"containerPort": 1, "protocol": "UDP"}, {"containerPort": 1, "hostPort": 2}]},
            {"ports": [{"containerPort": 1, "name": "a", "hostPort": 2}, {"containerPort": 1, "protocol": "UDP"}]},
        ),
        (
            {"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]},
            {"ports": [{"port": 53, "protocol": "UDP", "targetPort": 1053}]},
            {"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP", "targetPort": 1053}]},
        ),
        (
            {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]},
            {"ports": [{"port": 53, "$patch": "delete"}]},
            {"ports": [{"port": 53, "protocol": "UDP"}]},
        ),
        (
            {"topologySpreadConstraints": [{"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]},
            {"topologySpreadConstraints": [{"topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]},
            {
                "topologySpreadConstraints": [
                    {"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"},
                    {"topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"},
                ]
            },
        ),
        ({"ports": [{"port": 80}]}, {"ports": [{"port": 80, "name": "web"}]}, {"ports": [{"port": 80, "name": "web"}]}),
        (
            {"volumeMounts": [{"mountPath": "/a", "name": "x"}]},
            {"volumeMounts": [{"mountPath": "/a", "readOnly": True}]},
            {"volumeMounts": [{"mountPath": "/a", "name": "x", "readOnly": True}]},
        ),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]}),
        ({"containers": None}, {"containers": [{"name": "a"}]}, {"containers": [{"name": "a"}]}),
        ({"a": [1]}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": 1}, {"a": 1}),
    ],
)
def test_merging(base: dict[str, Any], patch: dict[str, Any], merged: dict[str, Any]) -> None:
    assert strategic_merge(base, patch, PLACE) == merged


def test_the_whole_object_can_be_deleted() -> None:
    assert strategic_merge({"a": 1}, {"$patch": "delete"}, PLACE) is DELETED


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        ({"a": {"$patch": "remove"}}, "$patch: remove is not known; there are delete, replace, merge"),
        ({"$setElementOrder/env": []}, "the directive $setElementOrder/env is not known"),
        ({"env": [{"name": "A"}, {"value": "1"}]}, "an element of this list needs its name"),
        ({"env": [{"name": "A"}, "B"]}, "an element of this list needs its name: 'B'"),
        ({"env": [{"name": "A"}, {"name": None}]}, "an element of this list needs its name"),
        (
            {"topologySpreadConstraints": [{"topologyKey": "a", "whenUnsatisfiable": "b"}, {"topologyKey": "a"}]},
            "an element of this list needs its topologyKey and whenUnsatisfiable",
        ),
        ({"args": [{"$patch": "delete"}]}, "the elements of args have no key by which to find one"),
    ],
)
def test_what_cannot_be_merged_is_told_by_its_place(patch: dict[str, Any], problem: str) -> None:
    with pytest.raises(MlstackError) as caught:
        strategic_merge({"env": [{"name": "A"}], "args": ["x"]}, patch, PLACE)
    assert caught.value.message.startswith(f"components/a.yaml:3: {problem}")
