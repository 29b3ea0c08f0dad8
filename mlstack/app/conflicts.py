"""The app's rules for fields that other managers own too: `conflicts:` in mlstack.yaml."""

from __future__ import annotations

from typing import Any

from mlstack.app.project import Project
from mlstack.errors import MlstackError, did_you_mean
from mlstack.plan.rules import LEAVE, TAKE, Rule

KEYS = frozenset({"path", "kind", "rule"})


def conflict_rules(project: Project) -> tuple[Rule, ...]:
    """The rules in their order. Raises MlstackError with the place of what is wrong."""
    found = project.app.get("conflicts")
    if found is None:
        return ()
    if not isinstance(found, list):
        raise MlstackError(f"{project.app.place('conflicts')}: conflicts must be a list of rules.", _EXAMPLE)
    return tuple(_rule(project, index, entry) for index, entry in enumerate(found))


_EXAMPLE = "For example: - {path: spec.replicas, kind: Deployment, rule: leave}"


def _rule(project: Project, index: int, entry: Any) -> Rule:
    place = project.app.place("conflicts", index)
    if not isinstance(entry, dict):
        raise MlstackError(f"{place}: a rule has a path and a rule.", _EXAMPLE)
    for name, value in entry.items():
        where = project.app.place("conflicts", index, name)
        if name not in KEYS:
            raise MlstackError(f"{where}: {name} is not known in a conflict's rule.", did_you_mean(name, KEYS))
        if not isinstance(value, str) or not value:
            raise MlstackError(f"{where}: {name} must be text.", _EXAMPLE)
    if lacking := sorted({"path", "rule"} - set(entry)):
        raise MlstackError(f"{place}: this rule has no {' and no '.join(lacking)}.", _EXAMPLE)
    if entry["rule"] not in (LEAVE, TAKE):
        where = project.app.place("conflicts", index, "rule")
        raise MlstackError(f"{where}: rule is {entry['rule']!r}.", "It may be take or leave.")
    return Rule(entry["path"].lstrip("."), entry["rule"], entry.get("kind", ""), place)
