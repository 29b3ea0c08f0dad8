"""Mutated manifests through all that reads them offline: a sentence or a result, never a traceback."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mlstack.compose.documents import parse_manifests
from mlstack.compose.manifests import Manifest, without_nulls
from mlstack.compose.places import Place
from mlstack.compose.render import Component, Target, render_all
from mlstack.errors import MlstackError
from mlstack.plan.decide import Snapshot, drafts, prunes
from mlstack.plan.disruption import immutable_fields, interruption
from mlstack.plan.fit.asks import asks
from mlstack.plan.generated import filled
from mlstack.plan.inventory import Inventory, Owner
from mlstack.plan.model import Allow, FieldChange
from mlstack.plan.needs import held_back, waiting_for
from mlstack.plan.outside import custom_kinds, needs
from mlstack.plan.readiness import waits
from mlstack.plan.rights import rights_of
from mlstack.plan.runs import config_names
from mlstack.plan.wanted import wanted_objects
from tests.cluster.engine.mutations import EMPTY, at, mutate, places
from tests.cluster.engine.samples import CONTAINERS, definition, samples

SEED = 20_001
OWNER = Owner("shop", "gke", "mlstack-1-2", "n", "mlstack-1-2")
TARGET = Target("shop", "1", "gke", "n")


def manifests() -> list[Manifest]:
    group = "shop.example.com"
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": json.loads(json.dumps(CONTAINERS))}
    jobs: list[Any] = [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "j"},
            "spec": {"template": pod, "completions": 2},
        },
        {
            "apiVersion": "kubeflow.org/v1",
            "kind": "TFJob",
            "metadata": {"name": "t"},
            "spec": {"tfReplicaSpecs": {"Worker": {"replicas": 2, "template": json.loads(json.dumps(pod))}}},
        },
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": json.loads(json.dumps(CONTAINERS))},
    ]
    return [*samples(group, 1), definition(group), *jobs]


def read_everywhere(text: str) -> None:
    """All that an apply reads before it sends anything."""
    rendered = render_all([Component("c", None, plain=((Place("components/c/x.yaml", 1), text),))], TARGET)
    components = {"c": list(rendered[0].manifests)}
    (one,) = wanted = wanted_objects(components, OWNER)
    filled(one.manifest, None, lambda kind, length: "x")
    managed = [{"manager": OWNER.manager, "operation": "Apply", "fieldsV1": {"f:spec": {}}}]
    live = {**one.manifest, "metadata": {**one.manifest["metadata"], "uid": "1", "managedFields": managed}}
    there = {} if one.run else {one.key: live}  # a live run is as its server has checked it
    decided = drafts(wanted, Snapshot(there, {}, Inventory(exists=True)), OWNER, Allow())
    changes = [draft.change for draft in decided] + prunes([], Snapshot({one.key: live}), Allow())
    drafts(wanted, Snapshot({}, {}, Inventory(exists=True)), OWNER, Allow())
    held_back(changes, changes, changes)
    waiting_for(changes, changes, changes)
    fields = [FieldChange("spec.template", 1, 2)]
    immutable_fields(one.key, fields, live)
    interruption(one.key, fields, live, one.stage)
    waits(live)
    config_names(one.manifest)
    rights_of(changes, {})
    tidy = {"c": [without_nulls(manifest) for manifest in components["c"]]}
    needs(tidy, tidy, {})
    custom_kinds(tidy, tidy, {})
    asks("c", tidy["c"], "n")


def tried(manifest: Manifest, told: str, found: Counter[str]) -> None:
    text = json.dumps(manifest, indent=1)
    refusal = ""
    try:
        read_everywhere(text)
    except MlstackError as error:
        refusal = error.message
    except Exception as error:
        raise AssertionError(f"{manifest['kind']}: {told}: {error!r}") from error
    assert not refusal or refusal.startswith("components/c/x.yaml:"), (told, refusal)
    found["refused" if refusal else "read"] += 1


OF_THE_SAME_TEMPLATE = {"StatefulSet", "DaemonSet", "ReplicaSet", "CronJob", "PodTemplate", "Pod", "Job", "TFJob"}


def everywhere(kinds: Callable[[str], bool], empties: Sequence[Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in (manifest for manifest in manifests() if kinds(manifest["kind"])):
        for steps, _ in list(places(one)):
            for empty in empties:
                changed = json.loads(json.dumps(one))
                at(changed, steps[:-1])[steps[-1]] = empty
                tried(changed, f"{'.'.join(map(str, steps))} = {empty!r}", found)
    return found


def test_null_in_every_field_of_a_deployment() -> None:
    found = everywhere(lambda kind: kind == "Deployment", [None])
    assert found["read"] > 100
    assert found["refused"] > 10  # null as an item of a list


@pytest.mark.slow
@pytest.mark.parametrize("empty", EMPTY, ids=repr)
def test_every_field_emptied(empty: Any) -> None:
    found = everywhere(lambda kind: kind not in OF_THE_SAME_TEMPLATE, [empty])
    assert found["read"] > 100


@pytest.mark.slow
@pytest.mark.parametrize("empty", EMPTY, ids=repr)
def test_every_field_of_every_workload_emptied(empty: Any) -> None:
    assert everywhere(lambda kind: kind in OF_THE_SAME_TEMPLATE, [empty])["read"] > 100


@pytest.mark.parametrize("seed", [SEED, *(pytest.param(SEED + more, marks=pytest.mark.slow) for more in range(1, 60))])
def test_random_mutations(seed: int) -> None:
    rng, found = random.Random(seed), Counter[str]()
    for one in manifests():
        for _ in range(3):
            changed = json.loads(json.dumps(one))
            told = "; ".join(mutate(rng, changed) for _ in range(3))
            tried(changed, f"seed {seed}: {told}", found)
    assert found["read"]
    assert parse_manifests(json.dumps(manifests()[0]), Place("a"))
