from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlstack.compose.manifests import Key
from mlstack.plan.fit.alternatives import AS_IT_IS, Trial, alternatives, trials
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.scale import Size
from mlstack.plan.fit.view import View

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU, MODEL, POOL = "nvidia.com/gpu", "cloud.google.com/gke-accelerator", "cloud.google.com/gke-nodepool"
SPOT_LABEL = "cloud.google.com/gke-spot"
TYPES = {"l4": "nvidia-l4", "a100": "nvidia-tesla-a100"}
KNOWN = {"spot", "accelerator_type", "node_selector"}


def _view(build: Build) -> View:
    """An L4 node of 2 GPUs in pool one, a spot L4 node of 4 in pool two, an A100 node of 8 in pool three."""
    taint = {"key": SPOT_LABEL, "value": "true", "effect": "NoSchedule"}
    nodes = [
        build.node("l4", {MODEL: "nvidia-l4", POOL: "one"}, allocatable={GPU: "2"}),
        build.node("s", {MODEL: "nvidia-l4", POOL: "two", SPOT_LABEL: "true"}, taints=[taint], allocatable={GPU: "4"}),
        build.node("a100", {MODEL: "nvidia-tesla-a100", POOL: "three"}, allocatable={GPU: "8"}),
    ]
    return View(rooms(nodes, []))


def _worker(build: Build, count: int, each: int, trial: Trial = AS_IT_IS, model: str = "l4") -> Ask:
    chosen = str(trial.settings.get("accelerator_type", model))
    selector = dict({MODEL: TYPES[chosen]} if chosen else {})
    spec: dict[str, Any] = {"nodeSelector": trial.settings.get("node_selector", selector)}
    if trial.settings.get("spot"):
        spec["nodeSelector"] = {**selector, SPOT_LABEL: "true"}
        spec["tolerations"] = [{"key": SPOT_LABEL, "operator": "Exists"}]
    pod = build.pod(requests={GPU: str(each), "cpu": "1"}, **spec)
    return Ask("cnn", Key("", "Job", "ml", "cnn"), "worker", count, pod)


def test_what_is_worth_a_try(build: Build) -> None:
    view, worker = _view(build), _worker(build, 1, 1)
    assert [trial.what for trial in trials(view, worker, TYPES, KNOWN)] == ["as it is", "on spot nodes", "on a100"]
    assert [trial.what for trial in trials(view, worker, TYPES, {"spot"})] == ["as it is", "on spot nodes"]
    free = _worker(build, 1, 1, model="")
    told = [trial.what for trial in trials(view, free, TYPES, KNOWN)]
    assert told == ["as it is", "on spot nodes", "on a100", "on l4"]


def test_another_pool_is_tried_where_one_is_asked_for(build: Build) -> None:
    worker = _worker(build, 1, 1, Trial("", {"node_selector": {POOL: "one"}}))
    found = [trial for trial in trials(_view(build), worker, TYPES, KNOWN) if "pool" in trial.what]
    assert [trial.what for trial in found] == ["in node pool three", "in node pool two"]
    assert found[0].settings == {"node_selector": {POOL: "three"}}


def test_what_would_fit(build: Build) -> None:
    view = _view(build)

    def asks_at(trial: Trial, workers: int, each: int) -> Sequence[Ask]:
        return [_worker(build, workers, each, trial)]

    found = trials(view, _worker(build, 1, 4), TYPES, KNOWN)
    told = [(one.trial.what, one.size, one.full) for one in alternatives(view, Size(2, 4), found, asks_at)]
    assert told == [
        ("on a100", Size(2, 4), True),
        ("on spot nodes", Size(1, 4), False),
        ("as it is", Size(1, 2), False),
    ]


def test_nothing_is_better(build: Build) -> None:
    view = View(rooms([build.node("n")], []))
    found = trials(view, _worker(build, 1, 4), TYPES, KNOWN)
    assert found == [AS_IT_IS]
    assert alternatives(view, Size(1, 4), found, lambda trial, n, each: [_worker(build, n, each, trial)]) == []
