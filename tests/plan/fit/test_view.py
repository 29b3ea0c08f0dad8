from __future__ import annotations

from typing import TYPE_CHECKING

from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.view import View

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build


def test_what_could_ever_be_free(build: Build) -> None:
    quota = {"metadata": {"name": "q"}, "status": {"hard": {"pods": "3"}, "used": {"pods": "2"}}}
    view = View(rooms([build.node("n")], [build.pod("n")]), quotas=[quota], partly=True)
    emptied = view.emptied()
    assert emptied.nodes is not None
    assert emptied.nodes[0].free("cpu") == 8000
    assert emptied.quotas == [{"metadata": {"name": "q"}, "status": {"hard": {"pods": "3"}, "used": {}}}]
    assert emptied.partly
    assert View(None).emptied().nodes is None
