"""The lease against a cluster made of a dict; tests/cluster/engine/test_lock.py has the real one."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mlstack.actions import lock
from mlstack.actions.events import Event
from mlstack.actions.lock import LockedError, locked
from mlstack.actions.session import Session
from mlstack.cluster.failures import AlreadyExistsError, ConflictError, ForbiddenError, UnreachableError

OWNER = SimpleNamespace(name="mlstack-a-b", namespace="n", manager="m")
SESSION = cast(
    "Session",
    SimpleNamespace(owner=OWNER, connection=SimpleNamespace(client=None), scope=SimpleNamespace(environment="gke")),
)


class Cluster:
    """One Lease. `fails`: what a call raises instead of doing it."""

    def __init__(self) -> None:
        self.there: dict[str, Any] | None = None
        self.versions = itertools.count(1)
        self.fails: dict[str, Exception] = {}

    def create(self, client: object, resource: object, manifest: dict[str, Any], *, manager: str) -> dict[str, Any]:
        self._fail("create")
        if self.there is not None:
            raise AlreadyExistsError("there")
        return self._store(manifest)

    def update(self, client: object, resource: object, manifest: dict[str, Any], *, manager: str) -> dict[str, Any]:
        self._fail("update")
        version = manifest["metadata"]["resourceVersion"]
        if self.there is None or self.there["metadata"]["resourceVersion"] != version:
            raise ConflictError("moved")
        return self._store(manifest)

    def find(self, client: object, resource: object, namespace: str, name: str) -> dict[str, Any] | None:
        return self.there

    def delete(self, client: object, resource: object, namespace: str, name: str, *, version: str) -> bool:
        self._fail("delete")
        assert self.there is not None
        assert self.there["metadata"]["resourceVersion"] == version
        self.there = None
        return True

    def _fail(self, name: str) -> None:
        if name in self.fails:
            raise self.fails[name]

    def _store(self, manifest: dict[str, Any]) -> dict[str, Any]:
        metadata = {**manifest["metadata"], "resourceVersion": str(next(self.versions))}
        self.there = {**manifest, "metadata": metadata}
        return self.there


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()
    monkeypatch.setattr(lock, "objects", found)
    return found


def ignore(event: Event) -> None:
    pass


def test_held_while_the_block_runs_however_it_ends(cluster: Cluster) -> None:
    with pytest.raises(KeyboardInterrupt), locked(SESSION, 0, ignore):  # noqa: PT012 - what is inside matters
        assert cluster.there is not None
        raise KeyboardInterrupt
    assert cluster.there is None


def test_another_of_the_same_process_is_no_exception(cluster: Cluster) -> None:
    with (
        locked(SESSION, 0, ignore),
        pytest.raises(LockedError, match="at work on gke since"),
        locked(SESSION, 0, ignore),
    ):
        pass
    assert cluster.there is None


def test_nobody_is_asked_to_hold_what_cannot_be_written(cluster: Cluster) -> None:
    cluster.fails["create"] = ForbiddenError("User 'x' may not create leases.")
    told: list[Event] = []
    with locked(SESSION, 0, told.append) as mine:
        mine.check()
    assert [str(getattr(event, "text", "")) for event in told] == [
        "Going on without a lock: User 'x' may not create leases."
    ]


def test_a_release_that_cannot_be_told_does_not_hide_how_it_ended(cluster: Cluster) -> None:
    cluster.fails["delete"] = UnreachableError("gone")
    with pytest.raises(ValueError, match="the real one"), locked(SESSION, 0, ignore):
        raise ValueError("the real one")


def test_out_of_touch_and_wanted_by_nobody_it_is_still_held(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with locked(SESSION, 0, ignore) as mine:
        assert cluster.there is not None
        before = cluster.there["metadata"]["resourceVersion"]
        monkeypatch.setattr(mine, "_renewed", -1000.0)
        mine.check()
        assert cluster.there["metadata"]["resourceVersion"] != before
