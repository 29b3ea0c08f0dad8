from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mlstack.plan.lease import Held, Holder, Process, held_by, lease, may_take

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
HERE, ELSEWHERE = Process("boot pid:[1]", 7, "100"), Process("another", 7, "100")


def held(process: Process, seconds_ago: float, name: str = "ann@laptop") -> Held:
    return Held(Holder(name, "t1", process), NOW, NOW - timedelta(seconds=seconds_ago), "5", transitions=2)


def test_a_lease_says_who_and_since_when_and_is_read_back() -> None:
    manifest = lease("mlstack-a-b", "n", held(HERE, 3))
    assert manifest["spec"] == {
        "holderIdentity": "ann@laptop",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-02T03:04:05.000006Z",
        "renewTime": "2026-01-02T03:04:02.000006Z",
        "leaseTransitions": 2,
    }
    assert held_by(manifest) == held(HERE, 3)
    assert "resourceVersion" not in lease("x", "n", Held(Holder("a", "t"), NOW, NOW, ""))["metadata"]


CASES = [
    (HERE, 1, 0, True, False, "it works"),
    (HERE, 1, 0, False, True, "its process is gone"),
    (HERE, 16, 0, True, True, "it did not renew, by the same clock"),
    (ELSEWHERE, 1, 0, False, False, "a process id of another machine says nothing"),
    (ELSEWHERE, 30, 0, False, False, "its clock may be behind"),
    (ELSEWHERE, 76, 0, False, True, "no clock is so far behind"),
    (ELSEWHERE, 30, 16, False, True, "seen unchanged for as long as it lasts"),
    (ELSEWHERE, -3600, 16, False, True, "whatever its clock says"),
]


@pytest.mark.parametrize(("process", "ago", "unchanged", "alive", "free", "why"), CASES, ids=[c[-1] for c in CASES])
def test_when_it_may_be_taken(
    process: Process, ago: float, unchanged: float, alive: bool, free: bool, why: str
) -> None:
    assert may_take(held(process, ago), HERE, NOW, unchanged, lambda _: alive) is free


def test_a_machine_that_cannot_be_told_from_others_is_no_reason() -> None:
    nowhere = Process("", 7, "")
    assert not may_take(held(nowhere, 1), nowhere, NOW, 0, lambda _: False)


def test_a_lease_that_says_nothing_is_free() -> None:
    empty = held_by({"metadata": {"name": "x", "resourceVersion": "9"}})
    assert (empty.version, may_take(empty, HERE, NOW, 0, lambda _: True)) == ("9", True)
