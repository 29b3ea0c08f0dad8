"""What tune prints, from answers made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mlstack.actions.tune import NodeRow, Tuned, Tuning
from mlstack.cli.tune import tuning_as_dict
from mlstack.cli.tunetext import MOST, tuning_text
from mlstack.compose.manifests import Key
from mlstack.plan.fit.alternatives import AS_IT_IS, Alternative, Trial
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.outlook import Outlook, outlooks
from mlstack.plan.fit.pools import Growth
from mlstack.plan.fit.scale import Size
from mlstack.plan.fit.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

GPU = "nvidia.com/gpu"
ROW = NodeRow("l4-0", "l4", 2, 2, 1, "", spot=False)


def outlook(count: int) -> Outlook:
    """What becomes of so many workers of 2 GPUs on one node that has 2."""
    node = {"metadata": {"name": "l4-0"}, "status": {"allocatable": {GPU: "2", "pods": "9"}}}
    spec = {"containers": [{"name": "c", "resources": {"limits": {GPU: "2"}}}]}
    ask = Ask("cnn", Key("", "Job", "ml", "cnn"), "worker", count, {"metadata": {"namespace": "ml"}, "spec": spec})
    (found,) = outlooks(View(rooms([node], [])), [ask], grows=Growth(), types={})
    return found


def tuned(count: int = 1, nodes: Sequence[NodeRow] = (ROW,), set_by: str = "") -> Tuned:
    return Tuned("cnn", GPU, (outlook(count),), tuple(nodes), True, Size(1, 2), Size(count, 2), set_by)


def text(one: Tuned, scale: str = "", *, drawn: bool = False) -> list[str]:
    return tuning_text(Tuning("gke", (one,)), scale, drawn=drawn).splitlines()


def test_what_fits() -> None:
    assert text(tuned()) == [
        "cnn asks 1 worker x 2 GPUs; 1 worker x 2 GPUs fit now.",
        "  node  model  GPUs  free  takes  why not more",
        "  l4-0  l4     2     2     1",
        "Fits: 1 worker x 2 GPUs, or as asked. Take it with: mlstack tune gke cnn --scale max --write",
    ]


def test_what_does_not_fit_names_the_parameter() -> None:
    lines = text(tuned(3, set_by="num_gpus = 2, at components/cnn.yaml:8"), "50%")
    assert lines[3:] == [
        "  1 of 3 workers fits: the node has 2 GPUs",
        "  set by: num_gpus = 2, at components/cnn.yaml:8",
        "Fits: 1 worker x 2 GPUs. Take it with: mlstack tune gke cnn --scale 50% --write",
    ]


def test_what_would_fit_instead() -> None:
    """All but what the last line says anyway."""
    others = (
        Alternative(Trial("on a100", {"accelerator_type": "a100", "spot": True}), Size(3, 2), full=True),
        Alternative(AS_IT_IS, Size(4, 1), full=False),
        Alternative(AS_IT_IS, Size(1, 2), full=False),
    )
    lines = text(replace(tuned(3), instead=others))
    assert [line for line in lines if "instead" in line] == [
        "  instead: 3 workers x 2 GPUs (6 GPUs) on a100 (accelerator_type=a100, spot=true), as many as asked",
        "  instead: 4 workers x 1 GPU",
    ]
    assert not any("instead" in line for line in text(replace(tuned(), instead=others)))
    (found,) = tuning_as_dict(Tuning("gke", (replace(tuned(3), instead=others[:1]),)))["components"]
    settings = {"accelerator_type": "a100", "spot": True}
    assert found["instead"] == [{"what": "on a100", "settings": settings, "full": True, "workers": 3, "each": 2}]


def test_a_picture_for_the_table() -> None:
    assert text(tuned(), drawn=True)[1:3] == ["  l4  l4-0  [++]  2 of 2 free", "  + cnn may go here (1 pod)"]


def test_more_nodes_than_a_table_holds_are_drawn_or_counted() -> None:
    many = [replace(ROW, name=f"l4-{number}") for number in range(MOST + 2)]
    assert text(tuned(nodes=many))[1].endswith("[++]  2 of 2 free")
    without = replace(tuned(nodes=many), resource="")
    assert text(without)[1].split() == ["node", "takes", "why", "not", "more"]  # no devices: nothing to count of them
    assert "  and 2 nodes more" in text(without)


def test_what_was_not_seen_and_what_was_written_come_last() -> None:
    found = Tuning("gke", (tuned(),), ("quotas may not be listed",), ("environments/gke.yaml: cnn.num_gpus = 2",))
    assert tuning_text(found, "").splitlines()[-2:] == [
        "Not seen: quotas may not be listed.",
        "environments/gke.yaml: cnn.num_gpus = 2",
    ]


@pytest.mark.parametrize("count", [1, 3])
def test_for_programs(count: int) -> None:
    (found,) = tuning_as_dict(Tuning("gke", (tuned(count, set_by="num_gpus"),)))["components"]
    assert found["asked"] == {"workers": count, "each": 2}
    assert found["prospect"] == ("fits" if count == 1 else "never fits")
    assert (found["set_by"], found["nodes"][0]["takes"]) == ("num_gpus", 1)
