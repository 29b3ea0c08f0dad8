"""In what a plan made a little later differs from one that somebody agreed to."""

from __future__ import annotations

from mlstack.plan.model import Change, Plan
from mlstack.plan.stages import NAMESPACES


def moves(before: Plan, after: Plan) -> list[str]:
    """One line for each object whose change is another now; namespaces that an apply makes itself are left out."""
    then, now = _by_name(before), _by_name(after)
    names = [*then, *(name for name in now if name not in then)]
    told = ((name, _move(then.get(name), now.get(name))) for name in names)
    return [f"{name}: {text}" for name, text in told if text]


def _by_name(plan: Plan) -> dict[str, Change]:
    changes = (change for change in plan.changes if change.component or change.stage != NAMESPACES)
    return {str(change.key): change for change in changes}


def _move(then: Change | None, now: Change | None) -> str:
    if _word(then) != _word(now):
        return f"{_word(then)} then, {_word(now)} now"
    if then is None or now is None:
        return ""
    if {field.path: field.before for field in then.fields} != {field.path: field.before for field in now.fields}:
        return f"other fields differ now ({', '.join(field.path for field in now.fields)})"
    if (then.blocked, then.disruption) != (now.blocked, now.disruption):
        return now.blocked or now.disruption or "interrupts nothing any more"
    return ""


def _word(change: Change | None) -> str:
    return str(change.action) if change is not None else "not there"
