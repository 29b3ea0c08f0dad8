from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from mlstack.actions.connection import WrongClusterError, check_identity
from mlstack.app.project import Environment


@dataclass
class Pinned:
    """As much of an Environment as the check reads."""

    cluster: str
    server: str = "https://a"
    name: str = "gke"
    context: str = "ctx"


def check(pinned: Pinned, cluster: str, server: str = "https://a") -> None:
    check_identity(cast("Environment", cast("Any", pinned)), cluster, server)


@pytest.mark.parametrize(
    ("pinned", "cluster", "server"),
    [
        (Pinned(""), "uid-1", "https://a"),
        (Pinned("uid-1"), "uid-1", "https://elsewhere"),
        (Pinned("uid-1"), "server-abc", "https://a"),
        (Pinned("server-abc"), "uid-1", "https://a"),
    ],
)
def test_the_right_cluster(pinned: Pinned, cluster: str, server: str) -> None:
    check(pinned, cluster, server)


@pytest.mark.parametrize(
    ("pinned", "cluster", "server"),
    [
        (Pinned("uid-1"), "uid-2", "https://a"),
        (Pinned("uid-1"), "server-abc", "https://b"),
        (Pinned("server-abc"), "uid-1", "https://b"),
    ],
)
def test_a_wrong_cluster(pinned: Pinned, cluster: str, server: str) -> None:
    with pytest.raises(WrongClusterError) as caught:
        check(pinned, cluster, server)
    said = str(caught.value)
    assert pinned.cluster in said
    assert cluster in said
    assert "mlstack env pin gke" in said
