from __future__ import annotations

from pathlib import Path

import pytest

from tests.order import SECONDS, TOGETHER, USES, chosen, lane, unit

ROOT = Path(__file__).parents[1]
UNITS = {
    "tests/cluster/engine/test_lock.py": 12,
    "tests/cluster/engine/test_runs.py": 5,
    "tests/cluster/test_watch.py": 8,
    "tests/cluster/test_walkthrough.py": 18,
    "tests/prototypes/test_pairs.py": 99,
    "tests/plan/test_hints.py": 5,
    "tests/plan/test_decide.py": 50,
}


@pytest.mark.parametrize("path", sorted({*SECONDS, *USES, *TOGETHER, *TOGETHER.values()}))
def test_what_is_named_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def taken(worker: int) -> list[str]:
    """The order in which one worker alone would take all units."""
    left, found = dict(UNITS), []
    while left:
        found.append(chosen(left.items(), worker))
        del left[found[-1]]
    return [Path(path).stem.removeprefix("test_") for path in found]


def test_a_worker_takes_its_own_first_and_the_longest_of_them() -> None:
    pure = ["pairs", "walkthrough", "decide", "hints"]
    assert taken(0) == ["runs", "lock", *pure, "watch"]
    assert taken(1) == ["watch", *pure, "runs", "lock"]
    assert taken(2) == [*pure, "runs", "lock", "watch"]
    assert taken(3) == taken(0)


def test_what_shares_its_renders_stays_together() -> None:
    assert unit("tests/cluster/test_catalogue.py") == unit("tests/prototypes/test_pairs.py")
    assert unit("tests/cluster/test_jobs.py") == "tests/cluster/test_jobs.py"


def test_a_file_that_nobody_named_has_its_place() -> None:
    assert lane("tests/cluster/test_new.py") == "minikube"
    assert lane("tests/new/test_new.py") == "neither"
