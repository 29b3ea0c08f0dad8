"""What an apply would do, as text: new objects as YAML, changed ones field by field, Secrets hidden."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from mlstack.actions.denied import Denied
from mlstack.actions.planning import NOTHING_MORE, Scope, plan_session
from mlstack.actions.session import open_session
from mlstack.compose.manifests import Key, Manifest
from mlstack.plan.decide import HIDDEN
from mlstack.plan.model import ABSENT, Action, Allow, Change, FieldChange, Plan

NEW = frozenset({Action.CREATE, Action.NEW_RUN})


@dataclass(frozen=True)
class Entry:
    """One object that differs. `text` is its difference, ready to print."""

    key: Key
    action: Action
    component: str
    text: str
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""
    blocked: str = ""


@dataclass(frozen=True)
class Diff:
    """A plan with the text of each difference."""

    plan: Plan
    entries: tuple[Entry, ...]
    incomplete: bool = False  # no permission to list or to ask about something; the plan's notices name it

    @property
    def different(self) -> bool:
        """Whether an apply would write, or be refused to, or nobody may tell: exit code 16."""
        return bool(self.entries) or self.incomplete


def diff(scope: Scope, allow: Allow = NOTHING_MORE) -> Diff:
    """What an apply of this scope would do now. Writes nothing, and names what the user has no permission to see."""
    denied = Denied()
    planning = plan_session(open_session(scope, denied=denied), allow)
    return replace(describe(planning.plan), incomplete=bool(denied))


def describe(plan: Plan) -> Diff:
    """The differences of a plan."""
    changes = [change for change in plan.changes if change.writes or change.blocked or change.action is Action.HELD]
    return Diff(plan, tuple(_entry(change) for change in changes))


def _entry(change: Change) -> Entry:
    return Entry(
        change.key,
        change.action,
        change.component,
        _text(change),
        change.fields,
        change.reason,
        change.blocked,
    )


def _text(change: Change) -> str:
    if change.action in NEW and change.manifest is not None:
        return "\n".join(f"+ {line}" for line in to_yaml(hidden(change.manifest)).splitlines())
    return "\n".join(line for field in change.fields for line in _field(field))


def to_yaml(value: Any) -> str:
    """Block-style YAML, keys in their order."""
    import yaml  # only where something is printed

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True, width=110))


def hidden(manifest: Manifest) -> Manifest:
    """A Secret without its values; other objects as they are."""
    if manifest["kind"] != "Secret":
        return manifest
    return {
        name: dict.fromkeys(value, HIDDEN) if name in ("data", "stringData") and value else value
        for name, value in manifest.items()
    }


def _field(field: FieldChange) -> Iterator[str]:
    before, after = field.before, field.after
    if _long(before) or _long(after):
        yield f"  {field.path}"
        old, new = ("" if value is ABSENT else str(value) for value in (before, after))
        lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)
        yield from (f"    {line}" for line in lines if not line.startswith(("---", "+++")))
        return
    yield f"  {field.path}: {_plain(before)} -> {_plain(after)}"


def _long(value: object) -> bool:
    return isinstance(value, str) and "\n" in value


def _plain(value: object) -> str:
    if value is ABSENT:
        return "-"
    if isinstance(value, str):
        return value if value else '""'
    return to_yaml(value).strip().removesuffix("...").strip() if not isinstance(value, dict | list) else _flow(value)


def _flow(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
