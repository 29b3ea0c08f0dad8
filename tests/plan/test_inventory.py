from __future__ import annotations

import pytest

from mlstack.compose.manifests import Key
from mlstack.errors import MlstackError
from mlstack.plan.inventory import (
    Inventory,
    Owner,
    Stored,
    from_stored,
    is_ours,
    labelled,
    same_contents,
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
    inventory = shrunk(Inventory(), [A, B], {A: "1", B: "2"}, {"Job.batch/n/t": RUN})
    stored = to_stored(inventory, OWNER)
    assert stored.annotations["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap,Deployment.apps"
    assert stored.annotations["applyset.kubernetes.io/additional-namespaces"] == "m"
    back = from_stored(stored, OWNER)
    assert same_contents(back, inventory)
    assert back.runs == {"Job.batch/n/t": RUN}
    assert back.namespaces == {"n", "m"}
    assert back.exists


def test_the_superset_forgets_nothing_but_digests_in_doubt() -> None:
    before = shrunk(Inventory(exists=True), [A], {A: "1"}, {"x": RUN})
    announced = superset(before, [B])
    assert announced.kinds == {("", "ConfigMap"), ("apps", "Deployment")}
    assert announced.namespaces == {"n", "m"}
    assert announced.digests == before.digests
    assert superset(before, [A]).digests == {}
    assert superset(before, [A]).runs == {"x": RUN}


def test_runs_outlive_their_objects() -> None:
    before = shrunk(Inventory(), [A], {}, {"x": RUN})
    after = shrunk(before, [], {}, {"y": RUN})
    assert after.kinds == frozenset()
    assert set(after.runs) == {"x", "y"}


def test_another_tools_parent_is_refused() -> None:
    with pytest.raises(MlstackError, match="ConfigMap mlstack-1-2 in namespace n is not mlstack's inventory"):
        from_stored(Stored({}, {}, {}), OWNER)


def test_the_label_tells_whose_it_is() -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"x": "y"}}}
    assert not is_ours(manifest, OWNER)
    ours = labelled(manifest, OWNER)
    assert is_ours(ours, OWNER)
    assert ours["metadata"]["labels"]["x"] == "y"
    assert manifest["metadata"] == {"name": "a", "labels": {"x": "y"}}
