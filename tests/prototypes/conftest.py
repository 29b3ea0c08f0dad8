"""Renders of the prototypes and platforms that this repository ships."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Rendered
from tests.prototypes import showing
from tests.upstream.crds import Upstream

Show = Callable[..., Rendered]


@pytest.fixture(scope="session")
def platforms() -> dict[str, dict[str, Any]]:
    """The platforms' mappings by name."""
    return showing.platforms()


@pytest.fixture(scope="session")
def catalogue() -> dict[str, Prototype]:
    """The prototypes by name."""
    return showing.catalogue()


@pytest.fixture(scope="session")
def show() -> Show:
    """`show(prototype, platform="generic", **values)`: a component called x, with what it requires."""
    return showing.show


@pytest.fixture(scope="session")
def one(show: Show) -> Callable[..., dict[str, Any]]:
    """`one(kind, prototype, …)`: the object of that kind, or `kind/name`, that `show` renders."""

    def one(kind: str, *args: Any, **values: Any) -> dict[str, Any]:
        wanted, _, name = kind.partition("/")
        found = [
            manifest
            for manifest in show(*args, **values).manifests
            if manifest["kind"] == wanted and name in ("", manifest["metadata"]["name"])
        ]
        assert len(found) == 1, f"{len(found)} objects are {kind}"
        return found[0]

    return one


@pytest.fixture(scope="session")
def upstream_crds() -> Upstream:
    """The operators' own definitions by kind."""
    return Upstream()
