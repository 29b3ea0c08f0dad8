"""How many requests may be under way."""

from __future__ import annotations

from mlstack.cluster.limiter import Limiter


def test_halves_and_recovers() -> None:
    limiter = Limiter(32)
    limiter.throttled(0)
    assert limiter.limit == 16
    for _ in range(16):
        limiter.succeeded()
    assert limiter.limit == 17
    for _ in range(1000):
        limiter.succeeded()
    assert limiter.limit == 32


def test_one_burst_halves_once() -> None:
    limiter = Limiter(32)
    for _ in range(10):
        limiter.throttled(60)
    assert limiter.limit == 16


def test_never_less_than_one() -> None:
    limiter = Limiter(4)
    for _ in range(10):
        limiter.throttled(0)
    assert limiter.limit == 1
    with limiter.slot():
        pass
