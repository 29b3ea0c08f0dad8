"""From desired and live objects to changes: what is to be done with each, and what must not be.

First `draft` decides from what was read; what may differ is then asked for by a dry-run, and `settle` reads the answer.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlstack.compose.manifests import Key, Manifest
from mlstack.plan import answered
from mlstack.plan import fields as paths
from mlstack.plan.adoption import NO_HANDOVER, Handover, former_owner
from mlstack.plan.compare import compare
from mlstack.plan.differences import differences
from mlstack.plan.disruption import immutable_fields, interruption
from mlstack.plan.inventory import Inventory, Owner, applied_by, component_of, entry, part_of
from mlstack.plan.kinds import kind_of
from mlstack.plan.leaving import left_out
from mlstack.plan.losing import data_word
from mlstack.plan.model import ABSENT, Action, Allow, Change, FieldChange
from mlstack.plan.ownership import SET_BY_HAND, uids, was_replaced
from mlstack.plan.rules import Rule, takes
from mlstack.plan.runhashes import question
from mlstack.plan.runs import (
    Decision,
    RunState,
    asks_suspended,
    config_names,
    decide,
    ended,
    is_run,
    run_name,
    state_of,
    suspend_path,
)
from mlstack.plan.wanted import Wanted
from mlstack.wording import shortened


@dataclass(frozen=True)
class Snapshot:
    """What was read: `ours` in full, `others` (what has a desired name and is not ours) by metadata alone."""

    ours: Mapping[Key, Manifest] = field(default_factory=dict)
    others: Mapping[Key, Manifest] = field(default_factory=dict)
    inventory: Inventory = field(default_factory=Inventory)


@dataclass(frozen=True)
class Draft:
    """A change as far as it is decided. `ask`: a dry-run has to tell whether and what it would change."""

    change: Change
    ask: bool = False
    same: Change | None = None  # instead of `change`, where the server finds nothing to change
    question: Manifest | None = field(default=None, repr=False)  # sent for the answer instead of the change's manifest


@dataclass(frozen=True)
class Answer:
    """What a dry-run said: the object as it would be (with the fields taken for that, and how an adopted one is handed
    over), or the conflicts, or the refusal's words. `live` is the object in the state in which it answered."""

    manifest: Manifest | None = None
    conflicts: tuple[FieldChange, ...] = ()
    refusal: str = ""
    takes: tuple[str, ...] = ()
    handover: Handover = NO_HANDOVER
    live: Manifest | None = None


def drafts(objects: Sequence[Wanted], snapshot: Snapshot, owner: Owner, allow: Allow) -> list[Draft]:
    """The draft of every desired object."""
    provided = {str(one.key) for one in objects if one.shared and one.key in snapshot.others}
    return [_draft(one, snapshot, owner, allow, provided) for one in objects]


def _draft(one: Wanted, snapshot: Snapshot, owner: Owner, allow: Allow, provided: Collection[str]) -> Draft:
    live, other = snapshot.ours.get(one.key), snapshot.others.get(one.key)
    if live is None and one.shared_with in provided:
        return Draft(_change(one, Action.SHARED, reason=f"belongs to {one.shared_with}, which is provided already"))
    if live is None and other is not None and not (allow.adopt and not one.shared):
        return Draft(_not_ours(one, other, snapshot.inventory))
    if one.run:
        return _run_draft(one, live, snapshot.inventory, allow)
    if live is not None:
        return _state(one, live, snapshot.inventory, owner, allow.rules)
    if other is not None:
        sent, left = _leaving(one, other, owner, allow.rules)
        reason = f"taken over from {_others_name(other)}"
        return Draft(replace(_change(sent, Action.ADOPT, live=other, reason=reason), left=left), ask=True)
    return Draft(_change(one, Action.CREATE))


def _change(
    one: Wanted,
    action: Action,
    *,
    live: Manifest | None = None,
    fields: Iterable[FieldChange] = (),
    reason: str = "",
    disruption: str = "",
    blocked: str = "",
) -> Change:
    return Change(
        one.key, action, one.component, one.stage, one.manifest, live, tuple(fields), reason, disruption, blocked
    )


def _not_ours(one: Wanted, other: Manifest, inventory: Inventory) -> Change:
    whose = _others_name(other)
    if one.shared:
        return _change(one, Action.SHARED, live=other, reason=f"provided by {whose}")
    blocked = f"exists, not ours: it belongs to {whose}. --adopt takes it over."
    if was_replaced(other, inventory):
        blocked = f"exists, but is not the object that was applied: {whose} created it again. --adopt takes it over."
    return _change(one, Action.FOREIGN, live=other, reason=f"made by {whose}", blocked=blocked)


def _others_name(other: Manifest) -> str:
    """Who made an object, in words: an mlstack app, another ApplySet, or its field managers."""
    names = sorted(paths.managers(other) - {""})
    app, environment = applied_by(other)
    ours = [name for name in names if name.startswith("mlstack-") and name != SET_BY_HAND]
    if ours and app:
        return f"mlstack app {app}, environment {environment}"
    app = str((other["metadata"].get("labels") or {}).get("app.kubernetes.io/part-of", ""))
    if ours and part_of(other):
        return f"mlstack app {app}" if app else "another mlstack app"
    return former_owner(other) or ", ".join(names) or "somebody else"


def _run_draft(one: Wanted, live: Manifest | None, inventory: Inventory, allow: Allow) -> Draft:
    remembered = inventory.runs.get(run_name(one.key))
    decision = decide(one.run, live, remembered, suspend=asks_suspended(one.manifest))
    change = _run(one, live, inventory, allow, decision)
    if decision is not Decision.ASK or live is None:
        return Draft(change)
    same = _run(one, live, inventory, allow, Decision.LEAVE)
    return Draft(change, ask=True, same=same, question=question(one.manifest, live, suspend_path(one.key)))


def _run(one: Wanted, live: Manifest | None, inventory: Inventory, allow: Allow, decision: Decision) -> Change:
    state, suspend = state_of(live, inventory.runs.get(run_name(one.key))), asks_suspended(one.manifest)
    if decision in (Decision.SUSPEND, Decision.RESUME):
        return _switched(one, live, suspend=suspend)
    if decision is Decision.LEAVE:
        action = Action.DONE if ended(state) else Action.UNCHANGED
        return _change(one, action, live=live, reason=f"{state.value}{_when(live, inventory, one.key)}")
    if decision is Decision.START or state is not RunState.RUNNING:
        reason = "" if state is RunState.NEVER else f"changed since the last run ({state.value})"
        return _change(one, Action.NEW_RUN, live=live, reason=reason)
    if allow.disruption:
        words = f"replaces the running {one.key}"
        return _change(one, Action.NEW_RUN, live=live, reason="changed while running", disruption=words)
    note = "changed, but its former run has not ended, so the new run is held. Apply again when it has ended, "
    note += "or stop it with --allow-disruption"
    return replace(_change(one, Action.HELD, live=live, reason="its former run has not ended"), note=note)


def _switched(one: Wanted, live: Manifest | None, *, suspend: bool) -> Change:
    """A run that is held back or released, in place: its pods go, or come back."""
    field = FieldChange(".".join(suspend_path(one.key)), not suspend, suspend)
    if not suspend:
        return _change(one, Action.RESUME, live=live, fields=[field], reason="suspend is off again")
    words = f"suspends {one.key}: its pods are removed until suspend is off"
    return _change(one, Action.SUSPEND, live=live, fields=[field], reason="suspend is on", disruption=words)


def with_their_run(changes: Sequence[Change]) -> list[Change]:
    """The changes with the ConfigMaps held that only held runs mount: a run's files do not change under it."""
    if not any(one.action is Action.HELD for one in changes):
        return list(changes)
    users = [(config_names(one.manifest), one) for one in changes if one.manifest is not None]
    held = {(one.key.namespace, name) for names, one in users if one.action is Action.HELD for name in names}
    others = {(one.key.namespace, name) for names, one in users if one.action is not Action.HELD for name in names}
    return [
        replace(one, action=Action.HELD, reason="goes with its run, which is held", fields=(), blocked="")
        if one.writes and one.key.kind == "ConfigMap" and (one.key.namespace, one.key.name) in held - others
        else one
        for one in changes
    ]


def _when(live: Manifest | None, inventory: Inventory, key: Key) -> str:
    run = inventory.runs.get(run_name(key))
    return f", started {run.when}" if live is None and run and run.when else ""


def _leaving(
    one: Wanted, live: Manifest, owner: Owner, rules: Sequence[Rule]
) -> tuple[Wanted, tuple[FieldChange, ...]]:
    manifest, left = left_out(one.manifest, one.key, live, owner.manager, rules)
    return (one.sending(manifest) if left else one), left


def _state(one: Wanted, live: Manifest, inventory: Inventory, owner: Owner, rules: Sequence[Rule]) -> Draft:
    sent, left = _leaving(one, live, owner, rules)
    draft = _compared(sent, live, inventory, owner, rules)
    return replace(draft, change=replace(draft.change, left=left)) if left else draft


def _compared(one: Wanted, live: Manifest, inventory: Inventory, owner: Owner, rules: Sequence[Rule]) -> Draft:
    sent, note = (one, "") if takes(rules, one.key, "spec.replicas") else _left_to_scale(one, live)
    sent = _handing_over(sent, live, owner)
    settled = inventory.digests.get(entry(one.key)) == one.digest
    verdict = compare(sent.manifest, live, owner.manager, settled=settled)
    if live["metadata"].get("deletionTimestamp"):
        return Draft(_change(sent, Action.RECREATE, live=live, reason="it is being deleted"))
    if verdict.same or _answered(sent, live, inventory):
        return Draft(replace(_change(sent, Action.UNCHANGED, live=live, reason=note), note=note))
    change = _change(sent, Action.CHANGE, live=live, fields=verdict.fields, reason=note)
    return Draft(replace(change, note=note), ask=True)


def _answered(sent: Wanted, live: Manifest, inventory: Inventory) -> bool:
    """Whether the server was asked this before, in this state, and found nothing to change."""
    before = inventory.answered.get(entry(sent.key))
    return before is not None and before == answered.state(sent.manifest, live)


def _handing_over(one: Wanted, live: Manifest, owner: Owner) -> Wanted:
    """With the live count where an HPA of ours is to decide it and the field is still ours: left out, the server would
    put its default in its place, and end the pods. Once the HPA has written it, it is the HPA's (decisions.md, 43)."""
    owned = (paths.owned_fields(live, owner.manager) or {}).get("f:spec") or {}
    replicas = (live.get("spec") or {}).get("replicas")
    if not one.sized or "f:replicas" not in owned or replicas is None:
        return one
    return one.sending({**one.manifest, "spec": {**(one.manifest.get("spec") or {}), "replicas": replicas}})


def _left_to_scale(one: Wanted, live: Manifest) -> tuple[Wanted, str]:
    """Without `spec.replicas` where somebody scales the object through /scale (an HPA, kubectl scale)."""
    spec = one.manifest.get("spec") or {}
    there = (live.get("spec") or {}).get("replicas")
    scaler = next((e for e in paths.managed(live) if e.get("subresource") == "scale"), None)
    owns = scaler is not None and "f:replicas" in (scaler.get("fieldsV1") or {}).get("f:spec", {})
    if not owns or "replicas" not in spec or spec["replicas"] == there:
        return one, ""
    rest = {key: value for key, value in spec.items() if key != "replicas"}
    return one.sending({**one.manifest, "spec": rest}), f"replicas left at {there}: scaled from outside"


def settle(draft: Draft, answer: Answer, allow: Allow) -> Change:
    """The change after the dry-run's answer."""
    change = draft.change if answer.live is None else replace(draft.change, live=answer.live)
    if draft.same is not None:
        return _same_or_new(change, draft.same, answer)
    if answer.conflicts:
        change = masked(replace(change, fields=answer.conflicts))
        return replace(change, blocked=_conflict_words(change.fields))
    if answer.refusal:
        return _refused(change, answer.refusal, allow)
    sent, live = change.manifest, change.live
    if answer.manifest is None or live is None:
        return change
    status = any(one.path.partition(".")[0] == "status" for one in change.fields) or "status" in (sent or {})
    found = tuple(differences(live, answer.manifest, status=status))
    change = _with_means(change, answer)
    if not found and change.action is Action.CHANGE:
        state = "" if sent is None or answer.takes else answered.state_asked(sent, live, answer.manifest)
        return replace(change, action=Action.UNCHANGED, fields=(), answered=state)
    return _interrupting(replace(change, fields=found), allow)


def _same_or_new(new: Change, same: Change, answer: Answer) -> Change:
    """A run goes on as the same one where the server changes nothing of it but metadata."""
    if answer.manifest is None or new.live is None:
        return new
    found = differences(new.live, answer.manifest)
    return new if any(not one.path.startswith("metadata.") for one in found) else same


def _with_means(change: Change, answer: Answer) -> Change:
    """With what carrying it out takes from others."""
    handover = answer.handover
    reason = handover.words or change.reason
    return replace(change, takes=answer.takes, handover=handover.operations, reason=reason)


def _conflict_words(conflicts: Iterable[FieldChange]) -> str:
    told = [f"{c.path} is {_shown(c.before)} by {c.owner}, here {_shown(c.after)}" for c in conflicts]
    return f"conflict: {'; '.join(told)}. --force-conflicts takes it, a rule in mlstack.yaml settles it for good."


def _shown(value: object) -> str:
    """A value as a file would have it: text plain where that is unmistakable, all else as JSON."""
    plain = isinstance(value, str) and value == value.strip() != ""
    text = str(value) if plain or value is ABSENT else json.dumps(value, ensure_ascii=False, default=str)
    return shortened(text, 60)


def _refused(change: Change, refusal: str, allow: Allow) -> Change:
    fields = immutable_fields(change.key, change.fields, change.live or {})
    if fields or "immutable" in refusal or "updates to statefulset spec" in refusal:
        return _recreated(change, fields, allow)
    return replace(change, blocked=refusal)


def _recreated(change: Change, fields: Sequence[str], allow: Allow) -> Change:
    what = ", ".join(fields) or "a field of it"
    reason = f"{what} cannot be changed in place"
    live, row = change.live, kind_of(change.key.group, change.key.kind)
    word = data_word(change.key, live, recreated=True) if live is not None else ""
    stays = " (data in PersistentVolumeClaims stays)" if row.templates and not word else ""
    blocked = "" if allow.recreate else f"{reason}. --recreate deletes and creates it{stays}."
    if word and not (allow.recreate and word in allow.include):
        blocked = f"{reason}. --recreate --include {word} deletes and creates it, and loses {row.loses}."
    return replace(_at_its_size(change), action=Action.RECREATE, reason=reason, blocked=blocked)


def _at_its_size(change: Change) -> Change:
    """The change with the live count of pods: it is left out where another manager owns it, and is lost by deleting."""
    replicas = ((change.live or {}).get("spec") or {}).get("replicas")
    manifest = change.manifest
    if not kind_of(change.key.group, change.key.kind).replicas or replicas is None or manifest is None:
        return change
    spec = manifest.get("spec") or {}
    return (
        change if "replicas" in spec else replace(change, manifest={**manifest, "spec": {**spec, "replicas": replicas}})
    )


def _interrupting(change: Change, allow: Allow) -> Change:
    words = interruption(change.key, change.fields, change.live or {}, change.stage)
    blocked = f"{words}. --allow-disruption lets it." if words and not allow.disruption else ""
    return replace(change, disruption=words, blocked=blocked)


HIDDEN = "(hidden)"


def masked(change: Change) -> Change:
    """The change with a Secret's values left out of its fields, so that none is ever printed."""
    if (change.key.group, change.key.kind) != ("", "Secret"):
        return change
    return replace(change, fields=tuple(_hidden(found) for found in change.fields))


def _hidden(found: FieldChange) -> FieldChange:
    if not found.path.startswith("data"):
        return found
    before, after = (ABSENT if value is ABSENT else HIDDEN for value in (found.before, found.after))
    return replace(found, before=before, after=after)


def prunes(
    objects: Iterable[Wanted], snapshot: Snapshot, allow: Allow, components: Collection[str] = ()
) -> list[Change]:
    """What is ours and no longer rendered. `components`: only within these (all if empty).

    Never what is wanted under another spelling of its key: another group that serves the same object, a namespace
    written for a kind that has none.
    """
    rendered = {one.key for one in objects}
    spelled = {replace(key, namespace="") for key in rendered}
    known = [*snapshot.ours.items(), *snapshot.others.items()]
    wanted = uids(live for key, live in known if key in rendered)
    return [
        _prune(key, live, allow)
        for key, live in sorted(snapshot.ours.items())
        if not (key in rendered or (not key.namespace and key in spelled) or live["metadata"].get("uid") in wanted)
        and (not components or component_of(live) in components)
    ]


def _prune(key: Key, live: Manifest, allow: Allow) -> Change:
    component = component_of(live)
    if live["metadata"].get("deletionTimestamp"):
        held = ", ".join(live["metadata"].get("finalizers") or [])
        return Change(key, Action.KEEP, component, live=live, reason=f"is being deleted; waits for finalizer {held}")
    word = data_word(key, live)
    if word and word not in allow.include:
        return Change(key, Action.KEEP, component, live=live, reason=f"kept: --include {word} removes it")
    return Change(key, Action.PRUNE, component, live=live, reason="no longer rendered")


def spared(removals: Sequence[Change], changes: Iterable[Change], snapshot: Snapshot) -> list[Change]:
    """The prunes without the ConfigMaps of runs that stay: `run --set` gives a run its own (decisions.md, 18)."""
    going = {change.key for change in (*removals, *changes) if change.writes}
    users = {
        (key.namespace, name): key
        for key, live in snapshot.ours.items()
        if is_run(key) and key not in going
        for name in config_names(live)
    }
    return [_spared(change, users.get((change.key.namespace, change.key.name))) for change in removals]


def _spared(change: Change, user: Key | None) -> Change:
    if user is None or (change.key.group, change.key.kind) != ("", "ConfigMap") or not change.writes:
        return change
    return replace(change, action=Action.KEEP, reason=f"kept: goes with {user}, which was started with it")
