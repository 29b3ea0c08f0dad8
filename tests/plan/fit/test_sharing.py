"""Claims for one node that pods on several nodes mount."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.sharing import torn, warning
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import Storage

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build


@pytest.mark.parametrize(
    ("modes", "nodes", "counts", "found"),
    [
        (["ReadWriteOnce"], 2, (2,), [("data", 2)]),
        (["ReadWriteOnce"], 2, (1, 1), [("data", 2)]),
        (["ReadWriteOnce"], 1, (2,), []),
        (["ReadWriteOnce"], 2, (1,), []),
        (["ReadWriteMany"], 2, (2,), []),
        (["ReadWriteOnce", "ReadWriteMany"], 2, (2,), []),
    ],
)
def test_torn(
    build: Build, modes: list[str], nodes: int, counts: tuple[int, ...], found: list[tuple[str, int]]
) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": modes, "volumeName": "v"},
        "status": {"phase": "Bound"},
    }
    storage = Storage({"data": claim}, {"v": {"metadata": {"name": "v"}}})
    view = View(rooms([build.node(f"n{number}") for number in range(nodes)], []), storage=storage)
    pod = build.pod(volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}])
    asks = [Ask("cnn", Key("", "Job", "ml", f"cnn-{at}"), "", count, pod) for at, count in enumerate(counts)]
    assert list(torn(view, asks)) == found


def test_words() -> None:
    assert warning("data", 3)[0].startswith("PersistentVolumeClaim/data is ReadWriteOnce and 3 pods mount it")
