"""The collector rests, and comes back as it was."""

from __future__ import annotations

import gc

import pytest

from mlstack.actions.garbage import uncollected


def test_the_collector_rests_for_the_block() -> None:
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled(), "the inner block leaves it as it was"
    assert gc.isenabled()


def test_it_comes_back_after_an_error() -> None:
    with pytest.raises(ValueError, match="x"), uncollected():
        raise ValueError("x")
    assert gc.isenabled()
