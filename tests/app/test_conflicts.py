from __future__ import annotations

from pathlib import Path

import pytest

from mlstack.app.conflicts import conflict_rules
from mlstack.app.project import Project
from mlstack.errors import MlstackError
from mlstack.plan.rules import Rule

HEAD = "apiVersion: mlstack.dev/v1\nkind: App\nname: a\nid: b\n"


def project(root: Path, text: str) -> Project:
    (root / "mlstack.yaml").write_text(HEAD + text)
    return Project.load(root)


def test_rules_with_their_places(tmp_path: Path) -> None:
    text = "conflicts:\n  - {path: .spec.replicas, kind: Deployment, rule: leave}\n  - {path: data, rule: take}\n"
    found = conflict_rules(project(tmp_path, text))
    assert [(rule.path, rule.kind, rule.rule, str(rule.place)) for rule in found] == [
        ("spec.replicas", "Deployment", "leave", "mlstack.yaml:6"),
        ("data", "", "take", "mlstack.yaml:7"),
    ]
    assert isinstance(found[0], Rule)
    assert conflict_rules(project(tmp_path, "")) == ()


WRONG = [
    ("conflicts: 3\n", r"mlstack\.yaml:5: conflicts must be a list"),
    ("conflicts:\n  - spec.replicas\n", r"mlstack\.yaml:6: a rule has a path and a rule"),
    ("conflicts:\n  - {path: a}\n", r"mlstack\.yaml:6: this rule has no rule"),
    ("conflicts:\n  - {path: a, rule: keep}\n", r"mlstack\.yaml:6: rule is 'keep'\. It may be take or leave"),
    ("conflicts:\n  - path: a\n    rules: take\n", r"mlstack\.yaml:7: rules is not known .*Did you mean rule"),
    ("conflicts:\n  - path: 3\n    rule: take\n", r"mlstack\.yaml:6: path must be text"),
]


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(MlstackError, match=expected):
        conflict_rules(project(tmp_path, text))
