"""A run started again on purpose: the plan of a component with its runs begun anew, whatever became of the last."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from mlstack.compose.manifests import Key
from mlstack.plan.inventory import Inventory
from mlstack.plan.model import Action, Allow, Change, Plan
from mlstack.plan.runs import RunState, marked, run_name, state_of
from mlstack.plan.wanted import Wanted

AGAIN = "started again on purpose"
STARTABLE = (Action.NEW_RUN, Action.DONE, Action.UNCHANGED, Action.HELD, Action.SUSPEND, Action.RESUME)


def rerun(plan: Plan, runs: Collection[Key], allow: Allow, *, once: bool) -> Plan:
    """The plan with every run of `runs` as a new run. `once`: with values of --set, so nothing is pruned for it."""
    removed = (Action.PRUNE, Action.KEEP) if once else ()
    changes = (change for change in plan.changes if change.action not in removed)
    return replace(plan, changes=tuple(_again(c, allow) if c.key in runs else c for c in changes))


def _again(change: Change, allow: Allow) -> Change:
    if change.action not in STARTABLE:
        return change
    found = replace(change, action=Action.NEW_RUN, reason=AGAIN, disruption="", blocked="", note="")
    if change.live is None or state_of(change.live, None) is not RunState.RUNNING:
        return found
    words = f"replaces the running {change.key}"
    blocked = "" if allow.disruption else f"{words}, which has not ended. --allow-disruption stops it and starts anew."
    return replace(found, disruption=words, blocked=blocked)


def under_former_hash(wanted: Sequence[Wanted], inventory: Inventory) -> list[Wanted]:
    """The wanted objects, each run under the hash that is remembered: values of --set hold for this once, and the next
    apply must not take them for a change of the files (decisions.md, 18)."""
    return [_under_former_hash(one, inventory) if one.run else one for one in wanted]


def _under_former_hash(one: Wanted, inventory: Inventory) -> Wanted:
    last = inventory.runs.get(run_name(one.key))
    return replace(one, run=last.hash, manifest=marked(one.manifest, last.hash)) if last else one


def sending(plan: Plan, wanted: Sequence[Wanted]) -> Plan:
    """The plan with the runs' manifests as they are in `wanted`."""
    manifests = {one.key: one.manifest for one in wanted if one.run}
    changes = (replace(change, manifest=manifests.get(change.key, change.manifest)) for change in plan.changes)
    return replace(plan, changes=tuple(changes))
