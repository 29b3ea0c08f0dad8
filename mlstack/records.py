"""Frozen dataclasses that cost a twentieth to define.

The standard library writes and compiles six functions for each class, a millisecond apiece: a fifth of what an
unchanged apply takes. Here all classes share theirs but `__init__`, which is written when the first object is made.
`from mlstack.records import dataclass` stands for `@dataclass(frozen=True)` of the standard library, whose fields(),
replace() and asdict() work; ordering, slots, inheritance, __post_init__ and field(init=False) do not exist here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen):
        """The class decorator, `@dataclass(frozen=True)`."""
        assert frozen
        return _made


def _made(cls: type) -> type:
    bare: type = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)  # the fields, and no function
    for name, function in _METHODS.items():
        if name not in vars(cls):
            setattr(bare, name, function)
    return bare


def _first(self: Any, *args: Any, **given: Any) -> None:
    cls = type(self)
    cls.__init__ = _written(cls)
    cls.__init__(self, *args, **given)


def _written(cls: Any) -> Callable[..., None]:
    """`__init__` with the class's parameters. It writes past `__setattr__`, into the object's own dictionary."""
    known: dict[str, Any] = {"_made": object()}
    parameters, lines = ["_self"], [" _values = _self.__dict__"]
    for one in dataclasses.fields(cls):
        value = name = one.name
        parameters.append(name)
        if one.default is not dataclasses.MISSING:
            known[f"_{name}"] = one.default
            parameters[-1] += f"=_{name}"
        elif one.default_factory is not dataclasses.MISSING:
            known[f"_{name}"] = one.default_factory
            parameters[-1] += "=_made"
            value = f"_{name}() if {name} is _made else {name}"
        lines.append(f" _values[{name!r}] = {value}")
    exec("\n".join([f"def __init__({', '.join(parameters)}):", *lines]), known)  # noqa: S102  # of the class's own field names
    known["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
    written: Callable[..., None] = known["__init__"]
    return written


def _repr(self: Any) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _eq(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    cls: Any = type(self)
    values = _compared(cls)
    return values(self) == values(other)


@cache
def _compared(cls: Any) -> Callable[[Any], Any]:
    return _values(one.name for one in dataclasses.fields(cls) if one.compare)


def _hash(self: Any) -> int:
    cls: Any = type(self)
    return hash(_hashed(cls)(self))


@cache
def _hashed(cls: Any) -> Callable[[Any], Any]:
    return _values(one.name for one in dataclasses.fields(cls) if (one.compare if one.hash is None else one.hash))


def _values(names: Iterable[str]) -> Callable[[Any], Any]:
    known = tuple(names)
    return attrgetter(*known) if known else lambda _: ()


def _setattr(self: Any, name: str, _: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


_METHODS: Mapping[str, Callable[..., Any]] = {
    "__init__": _first,
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
}
