"""What a person with the role `view` gets from the commands that only read (decision 48)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlstack.actions.diff import diff
from mlstack.actions.status import status
from mlstack.cluster.failures import ForbiddenError
from tests.cluster.engine.test_apply import WEB, restricted

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]
SECRET = '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token"}, "type": "Opaque"}'


def test_diff_and_status_name_what_may_not_be_seen(
    stack: Stack, namespace: str, kubectl: Kubectl, kubeconfig: Path
) -> None:
    restricted(kubectl, namespace, kubeconfig)
    stack.write("web", WEB)
    stack.write("keys", SECRET)
    stack.apply()
    file = stack.root / "environments" / "gke.yaml"
    file.write_text(file.read_text("utf-8").replace("context: gke", "context: reader"), "utf-8")

    same = diff(stack.scope())
    assert (same.entries, same.different) == ((), True)  # nobody knows of the Secret
    assert "No permission to list Secret: left out here." in same.plan.notices
    assert all(change.key.kind != "Secret" for change in same.plan.changes)
    assert stack.writes() == {}

    stack.write("web", WEB.replace("color: blue", "color: red"))
    changed = diff(stack.scope())
    (entry,) = changed.entries
    assert entry.text.strip() == "data.color: blue -> red"
    (told,) = [text for text in changed.plan.notices if "dry-run" in text]
    assert told.startswith("No permission to apply ConfigMap, so that the API server cannot be asked by a dry-run")

    seen = status(stack.scope())
    assert {one.name: (one.ready, one.present) for one in seen.components} == {
        "keys": ("unknown", 0),
        "web": ("yes", 3),
    }
    assert "No permission to list Secret: left out here." in seen.notices

    with pytest.raises(ForbiddenError, match="secrets"):  # what writes must know all
        stack.apply(preflight=False)
