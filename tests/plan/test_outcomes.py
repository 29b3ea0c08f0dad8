from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.plan.outcomes import at_once, of_objects, of_states
from mlstack.plan.readiness import Readiness, State


def thing(kind: str, name: str, component: str, version: str = "v1", **more: Any) -> Manifest:
    metadata = {"name": name, "namespace": "n", "labels": {"app.kubernetes.io/component": component}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def deployment(name: str, component: str, ready: int) -> Manifest:
    conditions = [{"type": "Available", "status": "True" if ready else "False"}]
    counts = dict.fromkeys(("updatedReplicas", "readyReplicas", "availableReplicas"), ready)
    status = {"observedGeneration": 1, "replicas": 1, **counts, "conditions": conditions}
    return thing("Deployment", name, component, "apps/v1", spec={"replicas": 1}, status=status)


def job(name: str, component: str, **condition: str) -> Manifest:
    conditions = [{"type": kind, "status": value} for kind, value in condition.items()]
    return thing("Job", name, component, "batch/v1", spec={}, status={"conditions": conditions})


CONFIG = thing("ConfigMap", "c", "config")


def test_what_nobody_needs_to_wait_for_is_ready_at_once() -> None:
    run, web = job("train", "train"), deployment("web", "web", 0)
    manifests = {"config": [CONFIG], "web": [CONFIG, web], "train": [run], "none": []}
    found = at_once(manifests, {key_of(run)}, {"other": "not ready", "web": "ready"})
    assert found == {"config": "ready", "web": "unknown", "train": "ready", "none": "ready", "other": "not ready"}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((State.READY, State.FINISHED), "ready"),
        ((State.READY, State.WAITING), "not ready"),
        ((State.WAITING, State.READY), "not ready"),
        ((State.FAILED, State.READY), "not ready"),
    ],
)
def test_one_object_that_is_not_ready_is_enough(states: tuple[State, ...], expected: str) -> None:
    keys = [Key("apps", "Deployment", "n", str(number)) for number in range(len(states))]
    found = of_states(dict(zip(keys, map(Readiness, states), strict=True)), dict.fromkeys(keys, "web"))
    assert found == {"web": expected}


def test_live_objects_say_what_became_of_their_components() -> None:
    lives = [CONFIG, deployment("a", "web", 1), deployment("b", "slow", 0), deployment("c", "slow", 1)]
    lives += [job("good", "good", Complete="True"), job("bad", "bad", Failed="True"), deployment("d", "half", 1)]
    found = of_objects({key_of(live): live for live in lives}, absent=["half"])
    assert found == {
        "config": "ready",
        "web": "ready",
        "slow": "not ready",
        "good": "ready",
        "bad": "not ready",
        "half": "unknown",
    }
