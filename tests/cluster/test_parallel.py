"""Many things at once."""

from __future__ import annotations

import asyncio
import threading

import pytest

from mlstack.cluster.parallel import aside, run_all
from mlstack.errors import MlstackError


def test_results_and_errors_in_order() -> None:
    def half(number: int) -> int:
        if number % 2:
            raise MlstackError(f"odd {number}")
        return number // 2

    results = run_all(half, range(100), 8)
    assert [str(item) if isinstance(item, MlstackError) else item for item in results] == [
        f"odd {number}" if number % 2 else number // 2 for number in range(100)
    ]


def test_as_many_at_once_as_workers() -> None:
    # All eight must be in the barrier together, or it breaks.
    barrier = threading.Barrier(8, timeout=30)
    assert len(run_all(lambda _: barrier.wait(), range(8), 8)) == 8


@pytest.mark.parametrize("kind", [KeyError, KeyboardInterrupt])
def test_a_bug_or_ctrl_c_ends_it(kind: type[BaseException]) -> None:
    done = []

    def work(number: int) -> None:
        if number == 3:
            raise kind
        done.append(number)

    with pytest.raises(kind):
        run_all(work, range(1000), 1)
    assert done == [0, 1, 2]


def test_nothing_to_do() -> None:
    assert run_all(str, [], 8) == []


def test_aside_gives_results_and_errors() -> None:
    def fail() -> None:
        raise MlstackError("no")

    def break_down() -> None:
        raise KeyError("a bug")

    async def both() -> int:
        with pytest.raises(KeyError):
            await aside(break_down)
        with pytest.raises(MlstackError, match="no"):
            await aside(fail)
        return await aside(lambda: 7)

    assert asyncio.run(both()) == 7
