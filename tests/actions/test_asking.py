from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from mlstack.actions import asking
from mlstack.actions.asking import conflicts
from mlstack.cluster.failures import Cause, ConflictError
from mlstack.compose.manifests import Manifest
from mlstack.plan.model import ABSENT, FieldChange

if TYPE_CHECKING:
    from mlstack.cluster.client import Client
    from mlstack.cluster.kinds import Resource


def test_a_conflict_has_both_values() -> None:
    causes = (Cause('.spec.containers[name="a"].image', "conflict", "ann"), Cause(".spec.x", "conflict", "bob"))
    error = ConflictError("409", causes=causes)
    ours = {"spec": {"containers": [{"name": "a", "image": "1"}], "x": 1}}
    live = {"spec": {"containers": [{"name": "b"}, {"name": "a", "image": "2"}]}}
    assert conflicts(error, ours, live) == (
        FieldChange("spec.containers[a].image", "2", "1", "ann"),
        FieldChange("spec.x", ABSENT, 1, "bob"),
    )


def stored(version: str, *finalizers: str) -> Manifest:
    metadata = {"name": "a", "resourceVersion": version, "finalizers": [*finalizers]}
    return {"kind": "PersistentVolume", "metadata": metadata}


def test_an_answer_is_held_against_the_state_that_it_was_given_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A controller adds its finalizer between the plan's LIST and the dry-run: a race, so simulated."""
    now = stored("2", "protection")
    monkeypatch.setattr("mlstack.cluster.objects.apply", lambda *_words, **_options: now)
    monkeypatch.setattr("mlstack.cluster.objects.find", lambda *_words: now)
    client, kind = cast("Client", None), cast("Resource", None)
    assert asking._in_one_state(client, "m", kind, now, stored("1"), force=False) == (now, now)


def test_what_is_written_all_the_time_ends_the_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = iter(map(str, range(2, 20)))
    monkeypatch.setattr("mlstack.cluster.objects.apply", lambda *_words, **_options: stored(next(versions)))
    monkeypatch.setattr("mlstack.cluster.objects.find", lambda *_words: stored(next(versions)))
    client, kind = cast("Client", None), cast("Resource", None)
    found, live = asking._in_one_state(client, "m", kind, stored("1"), stored("1"), force=False)
    assert (found["metadata"]["resourceVersion"], live["metadata"]["resourceVersion"]) == ("6", "5")
