from __future__ import annotations

from typing import Any

from mlstack.actions.diff import describe, hidden
from mlstack.compose.manifests import Key
from mlstack.plan.model import ABSENT, Action, Change, FieldChange, Plan


def text(change: Change) -> str:
    (entry,) = describe(Plan("gke", "n", (change,))).entries
    return entry.text


def test_a_new_object_is_shown_whole() -> None:
    manifest: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1"}}
    shown = text(Change(Key("", "ConfigMap", "n", "x"), Action.CREATE, manifest=manifest))
    assert shown.splitlines()[0] == "+ apiVersion: v1"
    assert "+   a: '1'" in shown


def test_a_change_is_shown_field_by_field() -> None:
    fields = (
        FieldChange("spec.replicas", 1, 2),
        FieldChange("spec.x", ABSENT, True),
        FieldChange("spec.y", "", {"a": 1}),
        FieldChange("data.script", "one\ntwo\n", "one\nthree\n"),
    )
    assert text(Change(Key("", "X", "n", "x"), Action.CHANGE, fields=fields)).splitlines() == [
        "  spec.replicas: 1 -> 2",
        "  spec.x: - -> true",
        '  spec.y: "" -> {"a": 1}',
        "  data.script",
        "    @@ -1,2 +1,2 @@",
        "     one",
        "    -two",
        "    +three",
    ]


def test_secrets_are_hidden() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"a": "c2VjcmV0"}}
    assert hidden(secret)["data"] == {"a": "(hidden)"}
    assert "c2VjcmV0" not in text(Change(Key("", "Secret", "n", "x"), Action.CREATE, manifest=secret))
    assert secret["data"] == {"a": "c2VjcmV0"}


def test_only_what_differs_is_an_entry() -> None:
    key = Key("", "X", "n", "x")
    quiet = Plan("gke", "n", (Change(key, Action.UNCHANGED), Change(key, Action.DONE), Change(key, Action.KEEP)))
    assert not describe(quiet).different
    blocked = Plan("gke", "n", (Change(key, Action.FOREIGN, blocked="not ours"),))
    assert describe(blocked).different
