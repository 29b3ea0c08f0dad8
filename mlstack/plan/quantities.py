"""Kubernetes quantities by value: `1000m` is `1`, `1Gi` is `1073741824`.

Source: k8s.io/apimachinery pkg/api/resource/quantity.go.
"""

from __future__ import annotations

import re
from decimal import Decimal

SUFFIXES: dict[str, Decimal] = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
}
QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]?|[KMGTPE]i))")

# Under these names stand maps of quantities, and these fields hold one.
QUANTITY_MAPS = frozenset(
    {"limits", "requests", "capacity", "hard", "minResources", "overhead", "default", "defaultRequest", "max", "min"},
)
QUANTITY_FIELDS = frozenset({"sizeLimit", "averageValue", "divisor", "storage"})


def amount(value: object) -> Decimal | None:
    """The value of a quantity (a string or a number), or None if it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    match = QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    return Decimal(number + (exponent or "")) * SUFFIXES[suffix or ""]


def same_quantity(one: object, other: object) -> bool:
    """Whether both are quantities of the same value."""
    first = amount(one)
    return first is not None and first == amount(other)
