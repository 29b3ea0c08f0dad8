from __future__ import annotations

from collections.abc import Sequence

import pytest

from mlstack.actions.preflight import PreflightError, by_component, coming_claims
from mlstack.compose.manifests import Key
from mlstack.plan.findings import Finding
from mlstack.plan.model import Action, Change, Plan

SECRET = Finding("llm: Secret hub is not there.", "mlstack secret set gke hub token")


def test_claims_of_the_plan() -> None:
    keys = [Key("", "PersistentVolumeClaim", "ml", "data"), Key("", "ConfigMap", "ml", "x")]
    plan = Plan("gke", "ml", tuple(Change(key, Action.CREATE) for key in keys))
    assert coming_claims(plan).keys() == {"data"}


def test_what_is_sent_by_component() -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    namespace = Change(Key("", "Namespace", "", "ml"), Action.CREATE, manifest=manifest)
    sent = Change(Key("", "ConfigMap", "ml", "x"), Action.CREATE, "web", manifest=manifest)
    gone = Change(Key("", "ConfigMap", "ml", "y"), Action.PRUNE, "web")
    assert by_component([namespace, sent, gone]) == {"web": [manifest]}


@pytest.mark.parametrize(
    ("found", "message", "hint"),
    [
        ([SECRET], SECRET.problem, "mlstack secret set gke hub token\n  To insist: --no-preflight"),
        (
            [SECRET, Finding("cnn: PriorityClass high is not there.", "There are: low.")],
            "2 things are in the way in gke; nothing was written.\n  llm: Secret hub is not there.\n"
            "    mlstack secret set gke hub token\n  cnn: PriorityClass high is not there.\n    There are: low.",
            "To insist: --no-preflight",
        ),
    ],
)
def test_errors_are_told_together(found: Sequence[Finding], message: str, hint: str) -> None:
    error = PreflightError(found, "gke")
    assert (error.message, error.hint) == (message, hint)
