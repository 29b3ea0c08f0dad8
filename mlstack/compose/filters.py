"""What templates may use beside plain Jinja: filters, all of them without files, clock or chance.

Text that a macro or a `set` block rendered is Jinja's Markup: it is YAML already, in which every value is
written safely. Cutting it or joining it to other text could free a value from its quotes, so only the few
functions that say so take it.
"""

from __future__ import annotations

import functools
import hashlib
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from jinja2.filters import FILTERS
from markupsafe import Markup

from mlstack.compose.dump import dump
from mlstack.compose.emit import emit
from mlstack.compose.layers import merge
from mlstack.compose.marks import without_marks
from mlstack.errors import MlstackError

# Jinja's own filters that give values, not markup.
_HARMLESS = """abs batch capitalize count dictsort first float format groupby int items last length list lower
map max min reject rejectattr replace reverse round select selectattr slice sort sum title trim unique upper"""

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d+|[numkMGTPE]?|[KMGTPE]i)")


def plain(value: Any) -> Any:
    """`value` as JSON's types, rendered text in it as strings. An undefined value raises Jinja's error."""
    if isinstance(value, Markup):
        return without_marks(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "_fail_with_undefined_error"):
        return str(value)
    return value


def text(value: Any) -> str:
    """`value` as a string: true, false and numbers as in YAML, lists and maps as JSON, rendered text as it is."""
    found = plain(value)
    if found is None:
        raise MlstackError("null has no text: give it a default, or leave it out by {% if %}.")
    return found if isinstance(found, str) else emit(found)


def join(values: Iterable[Any], separator: str = "") -> str:
    """The values' texts with `separator` between them."""
    return text(separator).join(text(value) for value in values)


def digest(value: Any) -> str:
    """The first 10 hexadecimal digits of the SHA-256 of a text, or of another value's YAML."""
    return hashlib.sha256(text(value).encode()).hexdigest()[:10]


def indent(value: Any, width: int = 4, first: bool = False) -> Any:
    """Rendered text or a string with `width` spaces before each line but the first (and that, too, if `first`)."""
    spaces = " " * int(width)
    moved = textwrap.indent(value, spaces) if first else textwrap.indent(value, spaces)[len(spaces) :]
    return Markup(moved) if isinstance(value, Markup) else moved  # spaces cannot free a value


def default(value: Any, otherwise: Any = "", falsy: bool = False) -> Any:
    """`otherwise` where `value` is not defined or null, or where it is false or empty, too, if `falsy`."""
    missing = value is None or hasattr(value, "_fail_with_undefined_error")
    return otherwise if missing or (falsy and not value) else value


def merged(value: Mapping[str, Any], other: Mapping[str, Any]) -> Any:
    """`other` laid on `value`, key by key; null takes a key away."""
    return merge(plain(value), plain(other))


def times(quantity: Any, number: int) -> str:
    """A quantity such as 500m or 1.5Gi, `number` times: in exact decimals, in the unit in which it is written."""
    match = _QUANTITY.fullmatch(text(quantity))
    if match is None:
        raise MlstackError(f"times takes a quantity such as 500m or 1.5Gi, got {text(quantity)!r}.")
    product = Decimal(match[1]) * number
    whole = product == product.to_integral_value()
    return f"{product.quantize(Decimal(1)) if whole else product.normalize():f}{match[2]}"


def to_yaml(value: Any) -> str:
    """`value` as YAML text over several lines, for files inside ConfigMaps."""
    return dump(plain(value))


def to_json(value: Any) -> str:
    """`value` as JSON in one line, as a string."""
    return emit(plain(value))


def refuse_rendered(*values: Any) -> None:
    """Raises MlstackError where one of `values` is rendered text."""
    if any(isinstance(value, Markup) for value in values):
        hint = "Print it alone, indent it, or turn it into a string by the filter text."
        raise MlstackError("What a macro or set block rendered cannot be joined, cut or changed.", hint)


def _without_rendered(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        refuse_rendered(*args, *kwargs.values())
        return function(*args, **kwargs)

    return guarded


def template_filters() -> dict[str, Callable[..., Any]]:
    """The filters of templates, by name."""
    found: dict[str, Callable[..., Any]] = {name: _without_rendered(FILTERS[name]) for name in _HARMLESS.split()}
    own: dict[str, Callable[..., Any]] = {
        "digest": digest,
        "indent": indent,
        "default": default,
        "d": default,
        "text": text,
        "join": join,
    }
    return {**found, **own, "string": text, "merge": merged, "times": times, "yaml": to_yaml, "json": to_json}
