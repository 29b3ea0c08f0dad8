from __future__ import annotations

from decimal import Decimal

import pytest

from mlstack.plan.quantities import amount, same_quantity

AMOUNTS = [
    ("1", 1), (1, 1), (1.5, Decimal("1.5")), ("1000m", 1), ("1Ki", 1024), ("1Gi", 2**30), ("1k", 1000), ("1e3", 1000),
    ("1E3", 1000), ("1E", 10**18), ("0.5", Decimal("0.5")), (".5", Decimal("0.5")), ("5.", 5), ("-1", -1), ("100n",
    Decimal("1e-7")), ("", None), ("a", None), ("1 Gi", None), (True, None), (None, None), ("1GiB", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), AMOUNTS)
def test_amount(text: object, value: object) -> None:
    assert amount(text) == value


def test_same_quantity() -> None:
    assert same_quantity("1Gi", "1024Mi")
    assert same_quantity(2, "2000m")
    assert not same_quantity("1G", "1Gi")
    assert not same_quantity("x", "x")
