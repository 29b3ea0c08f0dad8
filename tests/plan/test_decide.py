from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.plan.decide import Answer, Draft, Snapshot, drafts, masked, prunes, settle, spared, with_their_run
from mlstack.plan.inventory import APPLIED_BY, PART_OF, Inventory, Owner
from mlstack.plan.model import ABSENT, Action, Allow, Change, FieldChange
from mlstack.plan.runs import Run, run_name
from mlstack.plan.wanted import Wanted, wanted_objects

OWNER = Owner("shop", "gke", "mlstack-1-2", "n", "mlstack-1-2")
NOTHING = Allow()


def make(kind: str = "ConfigMap", api: str = "v1", name: str = "x", **more: Any) -> Manifest:
    metadata = {"name": name, "namespace": "n", **more.pop("metadata", {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


def wanted(*manifests: Manifest) -> list[Wanted]:
    return wanted_objects({"c": list(manifests)}, OWNER)


def existing(one: Wanted, **more: Any) -> Manifest:
    """The wanted object as the cluster has it once we applied it."""
    fields: dict[str, Any] = {"f:data": {f"f:{name}": {} for name in one.manifest.get("data", {})}}
    entry = {"manager": OWNER.manager, "operation": "Apply", "fieldsV1": fields}
    metadata = {**one.manifest["metadata"], "uid": "1", "managedFields": [entry], **more.pop("metadata", {})}
    return {**one.manifest, **more, "metadata": metadata}


def foreign(manifest: Manifest, manager: str = "kubectl", **labels: str) -> Manifest:
    metadata = {
        **manifest["metadata"],
        "labels": labels,
        "managedFields": [{"manager": manager, "operation": "Update"}],
    }
    return {**manifest, "metadata": metadata}


def decide(one: Wanted, ours: Any = None, other: Any = None, allow: Allow = NOTHING, **memory: Run) -> Draft:
    snapshot = Snapshot(
        {} if ours is None else {one.key: ours},
        {} if other is None else {one.key: other},
        Inventory(runs={run_name(one.key): run for run in memory.values()}, exists=True),
    )
    (found,) = drafts([one], snapshot, OWNER, allow)
    return found


def test_new_unchanged_and_changed() -> None:
    (one,) = wanted(make(data={"a": "1"}))
    assert decide(one) == Draft(decide(one).change)
    assert decide(one).change.action is Action.CREATE
    same = decide(one, existing(one))
    assert (same.change.action, same.ask) == (Action.UNCHANGED, False)
    other = decide(one, existing(one, data={"a": "2"}))
    assert (other.change.action, other.ask) == (Action.CHANGE, True)
    assert other.change.fields == (FieldChange("data.a", "2", "1"),)


def test_whose_it_is() -> None:
    (one,) = wanted(make())
    cases = [
        (foreign(make()), "it belongs to kubectl."),
        (foreign(make(), "mlstack-9-9", **{PART_OF: "other", "app.kubernetes.io/part-of": "blog"}),
         "it belongs to mlstack app blog."),
        (foreign(make(), **{PART_OF: "other", "app.kubernetes.io/part-of": "blog"}), "it belongs to kubectl."),
    ]  # fmt: skip
    for other, words in cases:
        change = decide(one, None, other).change
        assert change.action is Action.FOREIGN
        assert words in change.blocked
    prod = foreign(make(), "mlstack-1-3")
    prod["metadata"]["annotations"] = {APPLIED_BY: "shop/prod"}
    assert "it belongs to mlstack app shop, environment prod." in decide(one, None, prod).change.blocked
    adopted = decide(one, None, cases[0][0], Allow(adopt=True))
    assert (adopted.change.action, adopted.ask, adopted.change.blocked) == (Action.ADOPT, True, "")


def test_shared_objects_and_what_goes_with_them_are_left() -> None:
    role = make("ClusterRole", "rbac.authorization.k8s.io/v1", metadata={"annotations": {"mlstack.dev/shared": "true"}})
    role["metadata"].pop("namespace")
    account = make("ServiceAccount", metadata={"annotations": {"mlstack.dev/shared-with": "ClusterRole/x"}})
    objects = wanted(role, account)
    alone = drafts(objects, Snapshot(), OWNER, NOTHING)
    assert {draft.change.action for draft in alone} == {Action.CREATE}
    others = {key_of(role): foreign(role)}
    for allow in (NOTHING, Allow(adopt=True)):
        left = drafts(objects, Snapshot({}, others), OWNER, allow)
        assert {draft.change.action for draft in left} == {Action.SHARED}
        assert not [draft for draft in left if draft.change.blocked]


JOB = {"template": {"spec": {"containers": [{"name": "a"}]}}}
DONE = {"conditions": [{"type": "Complete", "status": "True"}]}


def test_runs() -> None:
    (one,) = wanted(make("Job", "batch/v1", spec=JOB))
    (other,) = wanted(make("Job", "batch/v1", spec={**JOB, "backoffLimit": 1}))
    remembered = Run(one.run, "running", "T")
    running, ended = existing(one), existing(one, status=DONE)
    assert decide(one).change.action is Action.NEW_RUN
    assert decide(one, running).change.action is Action.UNCHANGED
    assert decide(one, ended).change.action is Action.DONE
    gone = decide(one, last=remembered).change
    assert (gone.action, gone.reason) == (Action.DONE, "ended and removed, started T")
    assert decide(other, last=remembered).change.action is Action.NEW_RUN
    assert decide(other, ended).change.blocked == ""
    held = decide(other, running).change
    assert (held.action, held.blocked, held.writes) == (Action.HELD, "", False)
    assert "the new run is held" in held.note
    assert "--allow-disruption" in held.note
    allowed = decide(other, running, allow=Allow(disruption=True)).change
    assert (allowed.action, allowed.disruption) == (Action.NEW_RUN, "replaces the running Job/x")


def test_the_files_that_only_a_held_run_mounts_are_held_with_it() -> None:
    def mounts(name: str, action: Action) -> Change:
        spec = {"containers": [{"name": "a", "envFrom": [{"configMapRef": {"name": name}}]}]}
        manifest = make("Job", "batch/v1", spec={"template": {"spec": spec}})
        return Change(key_of(manifest), action, manifest=manifest)

    configs = [Change(Key("", "ConfigMap", "n", name), Action.CHANGE) for name in ("own", "shared", "other")]
    changes = [*configs, mounts("own", Action.HELD), mounts("shared", Action.HELD), mounts("shared", Action.CHANGE)]
    found = with_their_run(changes)
    assert [one.action for one in found[:3]] == [Action.HELD, Action.CHANGE, Action.CHANGE]
    assert with_their_run(configs) == configs


def test_a_switch_that_suspends_is_patched_in_place() -> None:
    (one,) = wanted(make("Job", "batch/v1", spec=JOB))
    (off,) = wanted(make("Job", "batch/v1", spec={**JOB, "suspend": True}))
    assert one.run == off.run
    change = decide(off, existing(one)).change
    assert (change.action, change.blocked, change.fields) == (
        Action.SUSPEND,
        "",
        (FieldChange("spec.suspend", False, True),),
    )
    held = existing(one, spec={**JOB, "suspend": True})
    remembered = Run(one.run, "suspended", "T")
    assert decide(off, held, last=remembered).change.action is Action.UNCHANGED
    assert decide(one, held, last=remembered).change.action is Action.RESUME
    assert decide(one, held).change.action is Action.UNCHANGED  # another user suspended it
    gone = decide(one, last=remembered).change
    assert (gone.action, gone.reason) == (Action.DONE, "ended and removed, started T")


def test_the_live_size_is_sent_until_an_autoscaler_of_ours_has_it() -> None:
    scaler = make(
        "HorizontalPodAutoscaler", "autoscaling/v2", spec={"scaleTargetRef": {"kind": "Deployment", "name": "x"}}
    )
    one = next(one for one in wanted(make("Deployment", "apps/v1", spec={"replicas": 5}), scaler) if one.sized)
    assert "replicas" not in one.manifest["spec"]
    entry = {"manager": OWNER.manager, "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    live = existing(one, spec={"replicas": 5})
    live["metadata"]["managedFields"] = [entry]
    sent = decide(one, live).change.manifest
    assert sent is not None
    assert sent["spec"]["replicas"] == 5
    live["metadata"]["managedFields"] = [{**entry, "fieldsV1": {"f:spec": {"f:paused": {}}}}]
    sent = decide(one, live).change.manifest
    assert sent is not None
    assert "replicas" not in sent["spec"]


def test_an_object_that_is_going_is_made_anew() -> None:
    (one,) = wanted(make())
    assert decide(one, existing(one, metadata={"deletionTimestamp": "now"})).change.action is Action.RECREATE


def draft(kind: str = "Deployment", api: str = "apps/v1", *paths: str, ready: int = 0) -> Draft:
    (one,) = wanted(make(kind, api, spec={"template": {"x": 1}}))
    live = existing(one, spec={"template": {"x": 2}}, status={"readyReplicas": ready})
    fields = tuple(FieldChange(path, 2, 1) for path in paths or ("spec.template.x",))
    return Draft(Change(one.key, Action.CHANGE, "c", one.stage, one.manifest, live, fields), ask=True)


def test_the_answer_decides() -> None:
    asked = draft()
    assert asked.change.manifest is not None
    assert asked.change.live is not None
    same = settle(asked, Answer(asked.change.live), NOTHING)
    assert (same.action, same.fields) == (Action.UNCHANGED, ())
    other = settle(asked, Answer({**asked.change.live, "spec": {"template": {"x": 1}}}), NOTHING)
    assert (other.action, other.fields) == (Action.CHANGE, (FieldChange("spec.template.x", 2, 1),))
    assert settle(asked, Answer(refusal="no such field"), NOTHING).blocked == "no such field"
    assert settle(asked, Answer(), NOTHING) == asked.change


def test_conflicts_name_both_values_and_the_other() -> None:
    conflict = FieldChange("data.a", "red", "blue", "ann")
    told = settle(draft(), Answer(conflicts=(conflict,)), NOTHING).blocked
    assert told.startswith("conflict: data.a is red by ann, here blue. --force-conflicts takes it, ")


def test_a_running_workload_is_restarted_only_when_allowed() -> None:
    asked = draft(ready=1)
    assert asked.change.live is not None
    answer = Answer({**asked.change.live, "spec": {"template": {"x": 1}}})
    assert settle(asked, answer, NOTHING).blocked == "restarts x (1 running pod). --allow-disruption lets it."
    allowed = settle(asked, answer, Allow(disruption=True))
    assert (allowed.blocked, allowed.disruption) == ("", "restarts x (1 running pod)")


def test_immutable_fields_need_recreate_and_data_its_word_too() -> None:
    asked = draft("StatefulSet", "apps/v1", "spec.serviceName")
    refusal = Answer(refusal="updates to statefulset spec for fields other than ... are forbidden")
    refused = settle(asked, refusal, NOTHING)
    assert refused.action is Action.RECREATE
    assert refused.blocked.startswith("spec.serviceName cannot be changed in place. --recreate")
    assert settle(asked, refusal, Allow(recreate=True)).blocked == ""
    claim = draft("PersistentVolumeClaim", "v1", "spec.storageClassName")
    refusal = Answer(refusal="spec is immutable after creation")
    for allow in (NOTHING, Allow(recreate=True), Allow(include=frozenset({"pvc"}))):
        told = settle(claim, refusal, allow).blocked
        assert "--recreate --include pvc deletes and creates it, and loses the data of its volume." in told
    assert settle(claim, refusal, Allow(recreate=True, include=frozenset({"pvc"}))).blocked == ""


def test_secrets_are_masked() -> None:
    fields = (FieldChange("data.a", "c2VjcmV0", ABSENT), FieldChange("metadata.labels.x", "1", "2"))
    shown = masked(Change(Key("", "Secret", "n", "s"), Action.CHANGE, fields=fields)).fields
    assert [(field.before, field.after) for field in shown] == [("(hidden)", ABSENT), ("1", "2")]
    config = Change(Key("", "ConfigMap", "n", "s"), Action.CHANGE, fields=fields)
    assert masked(config) is config


def member(kind: str = "ConfigMap", name: str = "old", api: str = "v1", component: str = "c", **more: Any) -> Manifest:
    labels = {PART_OF: OWNER.set_id, "app.kubernetes.io/component": component}
    return make(kind, api, name, metadata={"labels": labels, **more})


@pytest.mark.parametrize(
    ("live", "allow", "components", "expected"),
    [
        (member(), NOTHING, (), [Action.PRUNE]),
        (member(), NOTHING, ("c",), [Action.PRUNE]),
        (member(), NOTHING, ("d",), []),
        (member(name="x"), NOTHING, (), []),
        (member("PersistentVolumeClaim"), NOTHING, (), [Action.KEEP]),
        (member("PersistentVolumeClaim"), Allow(include=frozenset({"pvc"})), (), [Action.PRUNE]),
        (member("PersistentVolumeClaim"), Allow(include=frozenset({"crd"})), (), [Action.KEEP]),
        (member("CustomResourceDefinition", api="apiextensions.k8s.io/v1"), NOTHING, (), [Action.KEEP]),
        (member("Namespace"), NOTHING, (), [Action.KEEP]),
    ],
)
def test_prunes(live: Manifest, allow: Allow, components: tuple[str, ...], expected: list[Action]) -> None:
    found = prunes(wanted(make()), Snapshot({key_of(live): live}), allow, components)
    assert [change.action for change in found] == expected


def test_no_prune_of_what_is_wanted_under_another_spelling_of_its_key() -> None:
    flavor = make("Flavor", "kk.io/v1", name="fl")
    unplaced = {**flavor, "metadata": {"name": "fl", "uid": "2"}}
    assert prunes(wanted(flavor), Snapshot({key_of(unplaced): unplaced}), NOTHING) == []
    event, same = (make("Event", api, metadata={"uid": "3"}) for api in ("v1", "events.k8s.io/v1"))
    assert prunes(wanted(event), Snapshot({key_of(one): one for one in (event, same)}), NOTHING) == []
    other = {**same, "metadata": {**same["metadata"], "uid": "4"}}
    found = prunes(wanted(event), Snapshot({key_of(one): one for one in (event, other)}), NOTHING)
    assert [change.action for change in found] == [Action.PRUNE]


def mounted(by: str = "Job", api: str = "batch/v1", config: str = "a") -> Manifest:
    """A live object whose pods mount a ConfigMap."""
    pod = {"volumes": [{"name": "v", "configMap": {"name": config}}], "containers": []}
    metadata = {"name": "user", "namespace": "n"}
    return {"apiVersion": api, "kind": by, "metadata": metadata, "spec": {"template": {"spec": pod}}}


@pytest.mark.parametrize(
    ("user", "its_action", "expected"),
    [
        (mounted(), Action.UNCHANGED, Action.KEEP),
        (mounted(), Action.DONE, Action.KEEP),
        (mounted(), Action.NEW_RUN, Action.PRUNE),
        (mounted(), Action.PRUNE, Action.PRUNE),
        (mounted(config="b"), Action.DONE, Action.PRUNE),
        (mounted("Deployment", "apps/v1"), Action.UNCHANGED, Action.PRUNE),
    ],
)
def test_a_configmap_stays_while_its_run_does(user: Manifest, its_action: Action, expected: Action) -> None:
    live: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}}
    snapshot = Snapshot({key_of(one): one for one in (live, user)})
    removals = prunes([], Snapshot({key_of(live): live}), NOTHING)
    (found,) = spared(removals, [Change(key_of(user), its_action, live=user)], snapshot)
    assert found.action is expected


def test_a_size_set_from_outside_is_left() -> None:
    (one,) = wanted(make("Deployment", "apps/v1", spec={"replicas": 1, "paused": True}))
    scaler = {"manager": "hpa", "operation": "Update", "subresource": "scale",
              "fieldsV1": {"f:spec": {"f:replicas": {}}}}  # fmt: skip
    live = existing(one, spec={"replicas": 5, "paused": True})
    live["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"] = {"f:paused": {}}
    live["metadata"]["managedFields"].append(scaler)
    found = decide(one, live)
    assert (found.change.action, found.change.reason) == (
        Action.UNCHANGED,
        "replicas left at 5: scaled from outside",
    )


def test_what_is_being_deleted_already_is_not_deleted_again() -> None:
    metadata = {"name": "a", "deletionTimestamp": "now", "finalizers": ["x.io/y"]}
    live: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    (found,) = prunes([], Snapshot({key_of(live): live}), NOTHING)
    assert (found.action, found.reason) == (Action.KEEP, "is being deleted; waits for finalizer x.io/y")
