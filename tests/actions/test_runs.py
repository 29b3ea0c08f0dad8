from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from mlstack.actions.runs import check_runs, qualified
from mlstack.actions.session import Session
from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("steps=7", "cnn.steps=7"),
        ("cnn.steps=7", "cnn.steps=7"),
        ("labels.team=a=b", "cnn.labels.team=a=b"),
    ],
)
def test_a_parameter_is_the_components(text: str, expected: str) -> None:
    assert qualified(text, "cnn") == expected


def test_a_value_is_needed() -> None:
    with pytest.raises(MlstackError, match="--set steps: this is not PARAM=VALUE"):
        qualified("steps", "cnn")


@pytest.mark.parametrize(("kind", "api", "fine"), [("Job", "batch/v1", True), ("Deployment", "apps/v1", False)])
def test_only_jobs_are_run(kind: str, api: str, fine: bool) -> None:
    manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": "x", "namespace": "n"}}
    rendered = (Rendered("web", "", "service", {}, (manifest,)),)
    session = cast("Session", SimpleNamespace(rendered=rendered, scope=SimpleNamespace(environment="gke")))
    if fine:
        check_runs(session, "web")
        return
    with pytest.raises(MlstackError, match="web is no run"):
        check_runs(session, "web")
