from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import asdict, replace

import pytest

from mlstack.compose.manifests import Key
from mlstack.errors import MlstackError
from mlstack.plan.inventory import (
    APPLIED_BY,
    COMPONENT,
    Inventory,
    Owner,
    Stored,
    applied_by,
    component_of,
    from_stored,
    labelled,
    part_of,
    short_uid,
    shrunk,
    superset,
    to_stored,
)
from mlstack.plan.runs import Run

OWNER = Owner("shop", "gke", "mlstack-1-2", "n", "mlstack-1-2")
A, B = Key("", "ConfigMap", "n", "a"), Key("apps", "Deployment", "m", "b")
RUN = Run("h", "running", "2026-01-01T00:00:00Z", "train")


def test_the_id_follows_the_applyset_formula() -> None:
    # base64url(sha256("mlstack-1-2.n.ConfigMap.")) by coreutils
    assert OWNER.set_id == "applyset-VNK8dZ_MHlx2FOzMar6i2SiILUXndrlDOGE2yhxemUU-v1"


def test_there_and_back() -> None:
    inventory = shrunk(Inventory(), {A: "u", B: ""}, {A: "1", B: "2"}, {"Job.batch/n/t": RUN})
    stored = to_stored(inventory, OWNER)
    assert stored.annotations["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap,Deployment.apps"
    assert stored.annotations["applyset.kubernetes.io/additional-namespaces"] == "m"
    back = from_stored(stored, OWNER)
    assert (back.kinds, back.digests) == (inventory.kinds, inventory.digests)
    assert back.members == {"ConfigMap./n/a": "u", "Deployment.apps/m/b": ""}
    assert back.runs == {"Job.batch/n/t": RUN}
    assert back.namespaces == {"n", "m"}
    assert back.exists


def test_the_superset_forgets_nothing_but_digests_in_doubt() -> None:
    before = shrunk(Inventory(exists=True), {A: "u"}, {A: "1"}, {"x": RUN})
    announced = superset(before, [B])
    assert announced.kinds == {("", "ConfigMap"), ("apps", "Deployment")}
    assert announced.namespaces == {"n", "m"}
    assert announced.digests == before.digests
    assert announced.members == {"ConfigMap./n/a": "u", "Deployment.apps/m/b": ""}
    assert superset(before, [A]).members == before.members
    assert superset(before, [A]).digests == {}
    assert superset(before, [A]).runs == {"x": RUN}


def test_answers_are_kept_with_their_objects() -> None:
    before = replace(shrunk(Inventory(), {A: ""}, {}, {}), answered={"ConfigMap./n/a": "1", "ConfigMap./n/gone": "2"})
    after = shrunk(before, {A: ""}, {}, {})
    assert from_stored(to_stored(after, OWNER), OWNER).answered == {"ConfigMap./n/a": "1"}
    assert superset(before, [A]).answered == {"ConfigMap./n/gone": "2"}  # a written object is asked about anew
    assert "answered" not in to_stored(shrunk(before, {}, {}, {}), OWNER).data


def test_runs_outlive_their_objects() -> None:
    before = shrunk(Inventory(), {A: ""}, {}, {"x": RUN})
    after = shrunk(before, {}, {}, {"y": RUN})
    assert after.kinds == frozenset()
    assert set(after.runs) == {"x", "y"}


def test_another_tools_parent_is_refused() -> None:
    with pytest.raises(MlstackError, match="ConfigMap mlstack-1-2 in namespace n is not mlstack's inventory"):
        from_stored(Stored({}, {}, {}), OWNER)


def test_labels_of_ours_stand_on_the_object_alone() -> None:
    template = {"metadata": {"labels": {"x": "y"}}, "spec": {"containers": [{"name": "a"}]}}
    metadata = {"name": "a", "labels": {"x": "y"}}
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}
    ours = labelled(manifest, OWNER, "web")
    assert part_of(ours) == OWNER.set_id
    assert part_of(manifest) == ""
    assert ours["metadata"]["labels"].items() >= {"x": "y", COMPONENT: "web"}.items()
    assert ours["metadata"]["annotations"] == {APPLIED_BY: "shop/gke"}
    assert applied_by(ours) == ("shop", "gke")
    assert ours["spec"] == manifest["spec"]
    assert manifest["metadata"] == {"name": "a", "labels": {"x": "y"}}


@pytest.mark.parametrize(
    ("labels", "component"),
    [
        ({}, ""),
        ({"app.kubernetes.io/component": "old"}, "old"),
        ({"app.kubernetes.io/component": "database", COMPONENT: "web"}, "web"),
    ],
)
def test_the_component_by_our_own_label_first(labels: dict[str, str], component: str) -> None:
    assert component_of({"metadata": {"labels": labels}}) == component


def test_a_former_inventory_has_keys_without_uids() -> None:
    stored = to_stored(shrunk(Inventory(), {A: "u"}, {A: "1"}, {}), OWNER)
    data = {name: value for name, value in stored.data.items() if name != "members"}
    assert from_stored(replace(stored, data=data), OWNER).members == {"ConfigMap./n/a": ""}


def test_fields_of_a_newer_version_are_left_out() -> None:
    stored = to_stored(shrunk(Inventory(revision=3), {A: "u"}, {}, {"x": RUN}), OWNER)
    newer = {**asdict(RUN), "cost": 1}
    data = {
        **stored.data,
        "runs": json.dumps({"x": newer, "y": {**newer, "outcome": "hibernated"}}),
        "past": json.dumps({"x": [newer]}),
        "history": json.dumps({"revision": 3, "former": 0, "branch": "main"}),
        "more": "{}",
    }
    found = from_stored(replace(stored, data=data), OWNER)
    assert found.runs["x"] == RUN
    assert found.runs["y"].outcome == "ended and removed"
    assert found.past == {"x": (RUN,)}
    assert found.revision == 3


def test_five_thousand_objects_fit_into_a_config_map() -> None:
    """1 MiB is the API server's limit for the object; UIDs and digests are what does not compress."""
    keys = [Key("apps", "Deployment", f"team-{n % 50}", f"recommendation-service-{n}") for n in range(5000)]
    there = {key: short_uid({"metadata": {"uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, str(key)))}}) for key in keys}
    digests = {key: hashlib.sha256(str(key).encode()).hexdigest()[:10] for key in keys}
    inventory = shrunk(Inventory(), there, digests, {})
    stored = to_stored(inventory, OWNER)
    assert sum(map(len, stored.data.values())) < 300_000
    assert from_stored(stored, OWNER).members == inventory.members
