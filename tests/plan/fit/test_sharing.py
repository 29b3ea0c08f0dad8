"""Claims for one node that pods on several nodes mount."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.sharing import Torn, narrow, shared, torn, warning
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import Storage

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build


RWO, RWX, ONE = "ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"


def _view(build: Build, modes: list[str], nodes: int, *there: str) -> View:
    """`there`: the nodes on which pods mount the claim already."""
    spec = {"accessModes": modes, "volumeName": "v"}
    claim = {"metadata": {"name": "data"}, "spec": spec, "status": {"phase": "Bound"}}
    storage = Storage({"data": claim}, {"v": {"metadata": {"name": "v"}}})
    pods = [_pod(build, node) for node in there]
    return View(rooms([build.node(f"n{number}") for number in range(nodes)], pods), storage=storage)


def _pod(build: Build, node: str = "") -> dict[str, Any]:
    return build.pod(node, volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}])


def _asks(build: Build, *counts: int) -> list[Ask]:
    return [Ask("cnn", Key("", "Job", "ml", f"cnn-{at}"), "", count, _pod(build)) for at, count in enumerate(counts)]


@pytest.mark.parametrize(
    ("modes", "nodes", "counts", "there", "found"),
    [
        ([RWO], 2, (2,), (), [Torn("data", RWO, 2)]),
        ([RWO], 2, (1, 1), (), [Torn("data", RWO, 2)]),
        ([RWO], 1, (2,), (), []),
        ([RWO], 2, (1,), (), []),
        ([RWO], 2, (1,), ("n0",), [Torn("data", RWO, 2)]),
        ([RWO], 1, (1,), ("n0",), []),
        ([RWX], 2, (2,), (), []),
        ([RWO, RWX], 2, (2,), (), []),
        ([ONE], 1, (2,), (), [Torn("data", ONE, 2)]),
        ([ONE], 1, (1,), (), []),
    ],
)
def test_torn(
    build: Build, modes: list[str], nodes: int, counts: tuple[int, ...], there: tuple[str, ...], found: list[Torn]
) -> None:
    assert list(torn(_view(build, modes, nodes, *there), _asks(build, *counts))) == found


@pytest.mark.parametrize(
    ("modes", "nodes", "found"),
    [([RWO], 2, RWO), ([RWO], 1, ""), ([ONE], 1, ONE), ([RWX], 2, "")],
)
def test_claims_of_every_notebook(build: Build, modes: list[str], nodes: int, found: str) -> None:
    """How many notebooks users start is not known: one node is enough for them, unless the claim is for one pod."""
    expected = [Torn("data", found, None)] if found else []
    assert list(torn(_view(build, modes, nodes), [], ["data", "unknown"])) == expected


def test_which_claims_are_shared(build: Build) -> None:
    assert shared(_asks(build, 1, 1)) == {"data": 2}
    assert shared(_asks(build, 1)) == {}
    assert (narrow({}), narrow({"spec": {"accessModes": [RWO]}})) == ("", RWO)


@pytest.mark.parametrize(
    ("torn_", "problem"),
    [
        (Torn("data", RWO, 3), "is ReadWriteOnce and 3 pods mount it: those on another node than the first"),
        (Torn("data", RWO, None), "is ReadWriteOnce and every notebook mounts it: those on another node"),
        (Torn("data", ONE, 2), "is ReadWriteOncePod and 2 pods mount it: only one of them starts."),
    ],
)
def test_words(torn_: Torn, problem: str) -> None:
    assert warning(torn_)[0].startswith(f"PersistentVolumeClaim/data {problem}")
