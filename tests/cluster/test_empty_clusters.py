"""A stack with CRDs, operator, hub, custom resources and a model server: one command on an empty cluster, 20 times."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from mlstack import sandbox

if TYPE_CHECKING:
    from .conftest import App

ROUNDS = 20


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, ROUNDS + 1))
def test_one_command_is_enough(
    number: int, session_env: dict[str, str], new_app: Callable[[str], App], capsys: Any
) -> None:
    app = new_app("stack")
    app.do("generate", "kubeflow-core", "core")
    app.do("generate", "tf-cnn", "cnn")
    app.do("generate", "tf-serving", "model", "--model_path=gs://a/b")
    try:
        sandbox.up("empty", like="gke", context="empty")
        app.do("env", "add", "empty", "--platform", "gke")
        printed = app.do("apply", "empty")
        assert "prune 0" in printed
        assert "failed" not in printed
        assert "nothing to do" in app.do("apply", "empty")
    finally:
        sandbox.down("empty")
    with capsys.disabled():
        print(f"\n  empty clusters that one command was enough for: {number} of {ROUNDS}")
