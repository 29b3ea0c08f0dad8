from __future__ import annotations

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.rules import Rule, takes

WEB = Key("apps", "Deployment", "a", "web")
COVERED = [
    ("spec.replicas", "", "spec.replicas", True),
    (".spec.replicas", "Deployment", "spec.replicas", True),
    ("spec.replicas", "StatefulSet", "spec.replicas", False),
    ("spec.replica", "", "spec.replicas", False),
    ("spec.template", "", "spec.template.spec.containers[a].image", True),
    ("spec.containers[*].image", "", "spec.containers[web].image", True),
    ("spec.containers[*].image", "", "spec.containers[web].name", False),
    ("spec.containers[web]", "", "spec.containers[web].name", True),
    ("metadata.labels[a.b/c]", "", "metadata.labels[a.b/c]", True),
]


@pytest.mark.parametrize(("path", "kind", "field", "expected"), COVERED)
def test_what_a_rule_covers(path: str, kind: str, field: str, expected: bool) -> None:
    assert Rule(path, "take", kind).covers(WEB, field) is expected
    assert takes([Rule(path, "take", kind)], WEB, field) is expected
    assert not takes([Rule(path, "leave", kind)], WEB, field)
