from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlstack.actions.generate import generate
from mlstack.actions.params import set_param
from mlstack.actions.session import Scope, render_scope
from mlstack.actions.sizing import Sizing, processes
from mlstack.app.environments import save_files
from mlstack.errors import MlstackError
from mlstack.plan.fit.alternatives import AS_IT_IS
from mlstack.plan.fit.asks import asks
from mlstack.plan.fit.scale import Size
from tests.conftest import Sample, write_tree

HEAD = "apiVersion: mlstack.dev/v1\nkind: App\n"


@pytest.fixture
def app(tmp_path: Path, add_environment: Callable[..., None]) -> Sample:
    """An app of built-in prototypes for one environment."""
    root = write_tree(
        tmp_path / "app", {"mlstack.yaml": f"{HEAD}name: app\nid: a1b2c3d4\nregistries:\n  kubeflow: built-in\n"}
    )
    made = Sample(root, tmp_path)
    add_environment(made, "gke")
    return made


def _sizing(app: Sample, prototype: str, **values: Any) -> Sizing:
    given = {name: value if isinstance(value, str) else str(value) for name, value in values.items()}
    generate(app.project(), prototype, "cnn", given)
    return _of(app)


def _of(app: Sample) -> Sizing:
    return Sizing(Scope(app.project(), "gke", ("cnn",)), "cnn", "ml")


def _save(sizing: Sizing, values: dict[str, object]) -> None:
    project, lines = sizing.edited(values)
    assert len(lines) == len(values)
    save_files(*project.edited.values())


def _asked(sizing: Sizing) -> Size:
    (one,), _ = render_scope(sizing.scope)
    return sizing.asked(one)


TF = {
    "tf-job": {"image": "x:1", "command": "python,train.py"},
    "pytorch-job": {"command": "python,train.py"},
    "mpi-job": {"image": "x:1", "command": "run"},
}


@pytest.mark.parametrize(
    ("prototype", "values", "asked"),
    [
        ("pytorch-job", {"num_workers": 3, "num_gpus": 4}, Size(4, 4)),  # F19: 16 GPUs, the master's among them
        ("pytorch-job", {}, Size(1, 0)),
        ("pytorch-job", {"elastic_max": 5, "num_gpus": 1}, Size(5, 1)),
        ("tf-job", {"num_workers": 3, "num_gpus": 1, "num_masters": 1}, Size(4, 1)),
        ("tf-job", {"num_workers": 3, "num_gpus": 1, "num_masters": 1, "num_ps": 2}, Size(3, 1)),
        ("tf-job", {"num_workers": 3, "runner": "native", "num_masters": 1}, Size(4, 0)),
        ("mpi-job", {"num_workers": 2, "num_gpus": 2}, Size(2, 2)),
    ],
)
def test_what_is_asked_counts_all_that_train(app: Sample, prototype: str, values: dict[str, Any], asked: Size) -> None:
    assert _asked(_sizing(app, prototype, **TF[prototype], **values)) == asked


@pytest.mark.parametrize(
    ("prototype", "values"),
    [
        ("pytorch-job", {}),
        ("pytorch-job", {"elastic_max": 2}),
        ("tf-job", {"num_masters": 1}),
        ("tf-job", {"num_masters": 1, "num_ps": 1}),
        ("tf-job", {"num_masters": 1, "runner": "native"}),
        ("mpi-job", {}),
    ],
)
def test_a_size_is_as_many_processes_with_gpus(app: Sample, prototype: str, values: dict[str, Any]) -> None:
    """F28: a scale of 4 is four GPUs in all, whoever has them."""
    sizing = _sizing(app, prototype, **TF[prototype], **values)
    for workers in (1, 2, 4):
        assert processes(sizing.asks_at(AS_IT_IS, workers, 1)) == workers


@pytest.mark.parametrize(
    ("prototype", "values", "stored"),
    [
        ("pytorch-job", {"num_workers": 3}, {"num_workers": 5, "num_gpus": 2}),
        ("tf-job", {"num_masters": 1}, {"num_workers": 5, "num_gpus": 2}),
        ("tf-job", {"num_masters": 1, "num_ps": 1}, {"num_workers": 6, "num_gpus": 2}),
        ("mpi-job", {}, {"num_workers": 6, "num_gpus": 2}),
        # num_workers has no part in an elastic job.
        (
            "pytorch-job",
            {"elastic_max": 2},
            {"scale": "12", "resolved": {"for": "12", "num_workers": 6, "num_gpus": 2}},
        ),
    ],
)
def test_a_size_in_numbers(app: Sample, prototype: str, values: dict[str, Any], stored: dict[str, object]) -> None:
    sizing = _sizing(app, prototype, **TF[prototype], **values)
    found = sizing.stored(Size(6, 2), _asked(sizing), "")
    assert found == stored
    _save(sizing, found)
    (one,), _ = render_scope(_of(app).scope)
    assert processes(asks("cnn", one.manifests, "ml")) == 6


def test_what_an_inherited_scale_came_to_stands_beside_the_users_numbers(app: Sample) -> None:
    """F29: storing it twice is storing it once, and num_gpus stays."""
    _sizing(app, "pytorch-job", **TF["pytorch-job"], scale="4")
    set_param(app.project(), "cnn", "num_gpus", "2", "gke")
    for _ in range(2):
        found = _of(app).stored(Size(2, 2), None, "4")
        assert found == {"resolved": {"for": "4", "num_workers": 2, "num_gpus": 2}}
        _save(_of(app), found)
    assert "num_gpus: 2" in app.read("environments/gke.yaml")
    (one,), _ = render_scope(_of(app).scope)
    assert processes(asks("cnn", one.manifests, "ml")) == 2


def test_another_scale_takes_no_number_away(app: Sample) -> None:
    _sizing(app, "pytorch-job", **TF["pytorch-job"], scale="4")
    set_param(app.project(), "cnn", "num_gpus", "2", "gke")
    before = app.tree()
    with pytest.raises(MlstackError) as seen:
        _of(app).stored(Size(4, 2), None, "8")
    assert seen.value.message.startswith(
        "cnn: scale = 8 cannot be written beside num_gpus = 2, at environments/gke.yaml:"
    )
    assert seen.value.message.endswith(": nothing was written.")
    assert "mlstack param unset --env=gke cnn num_gpus" in (seen.value.hint or "")
    assert app.tree() == before


def test_numbers_of_the_environment_are_changed_in_place(app: Sample) -> None:
    sizing = _sizing(app, "pytorch-job", **TF["pytorch-job"])
    set_param(app.project(), "cnn", "num_gpus", "1", "gke")
    assert _of(app).stored(Size(4, 2), _asked(sizing), "8") == {"num_workers": 3, "num_gpus": 2}
