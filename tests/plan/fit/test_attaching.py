"""How many volumes nodes can have attached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.plan.fit.attaching import attach_slots, limits_of
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.slim import slim
from mlstack.plan.fit.volumes import Storage, by_name

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

DRIVER = "pd.csi.storage.gke.io"
CLASSES = by_name([{"metadata": {"name": "disk"}, "provisioner": DRIVER, "volumeBindingMode": "WaitForFirstConsumer"}])


def _bound(name: str, source: dict[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    claim = {"metadata": {"name": name}, "spec": {"volumeName": name}, "status": {"phase": "Bound"}}
    spec = source or {"csi": {"driver": DRIVER, "volumeHandle": name}}
    return claim, {"metadata": {"name": name}, "spec": {**spec, "claimRef": {"namespace": "ml", "name": name}}}


def _mount(*names: str) -> dict[str, Any]:
    return {"volumes": [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names]}


def _own(number: int) -> dict[str, Any]:
    template = {"metadata": {}, "spec": {"storageClassName": "disk"}}
    return {"volumes": [{"name": f"v{n}", "ephemeral": {"volumeClaimTemplate": template}} for n in range(number)]}


@pytest.mark.parametrize(
    ("limit", "there", "asked", "count"),
    [
        (None, [], _mount("a", "b"), 9),
        (1, [], _mount("a", "b"), 0),
        (2, [], _mount("a", "b"), 9),
        (2, ["c"], _mount("a", "b"), 0),
        (2, ["a"], _mount("a", "b"), 9),
        (1, ["c"], _mount("c"), 9),
        (5, ["c"], _own(2), 2),
        (5, ["old"], _own(1), 4),
        (0, [], {"volumes": [{"name": "x", "emptyDir": {}}]}, 9),
    ],
)
def test_slots(build: Build, limit: int | None, there: list[str], asked: dict[str, Any], count: int) -> None:
    old = {"gcePersistentDisk": {"pdName": "old"}}
    pairs = [_bound("a"), _bound("b"), _bound("c"), _bound("old", old)]
    drivers = [{"name": DRIVER, **({} if limit is None else {"allocatable": {"count": limit}})}]
    limits = limits_of([{"metadata": {"name": "n"}, "spec": {"drivers": drivers}}])
    storage = Storage(by_name([c for c, _ in pairs]), by_name([v for _, v in pairs]), CLASSES, limits=limits)
    (room,) = rooms([build.node("n")], [slim(build.pod("n", **_mount(name))) for name in there])
    assert attach_slots(build.pod(**asked), storage, room, 9) == (count, "" if count == 9 else DRIVER)
