"""Where `serving` and `tensorboard` lead: what the prototypes say."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlstack.actions.endpoints import Access, access
from mlstack.actions.init import init
from mlstack.actions.packages import install_package
from mlstack.app.project import Project
from mlstack.app.vendor import vendor_platform
from mlstack.errors import MlstackError

COMPONENTS = {
    "inception": ("tf-serving/tf-serving", "model_path: gs://m/inception"),
    "resnet": ("tf-serving/tf-serving", "model_path: gs://m/r\n  model_name: r50"),
    "chat": ("vllm/vllm", "model: x/y"),
    "board": ("tensorboard/tensorboard", "logdir: gs://runs"),
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An app with models and a board."""
    made = init(tmp_path / "app")
    for name, (prototype, params) in COMPONENTS.items():
        install_package(Project.load(made.root), f"kubeflow/{prototype.partition('/')[0]}")
        text = f"apiVersion: mlstack.dev/v1\nkind: Component\nprototype: kubeflow/{prototype}\nparams:\n  {params}\n"
        (made.root / "components" / f"{name}.yaml").write_text(text)
    vendor_platform(Project.load(made.root), "generic")
    head = "apiVersion: mlstack.dev/v1\nkind: Environment\n"
    (made.root / "environments" / "lab.yaml").write_text(f"{head}context: lab\nnamespace: ml\n")
    return Project.load(made.root)


@pytest.mark.parametrize(
    ("verb", "component", "expected"),
    [
        ("serving", "inception", Access("inception", 8501, "/v1/models/inception")),
        ("serving", "resnet", Access("resnet", 8501, "/v1/models/r50")),
        ("serving", "chat", Access("chat", 8000, "/v1/models")),
        ("tensorboard", None, Access("board", 6006)),
        ("tensorboard", "board", Access("board", 6006)),
    ],
)
def test_where_it_leads(project: Project, verb: str, component: str | None, expected: Access) -> None:
    assert access(project, "lab", verb, component) == expected


@pytest.mark.parametrize(
    ("verb", "component", "said"),
    [
        ("serving", None, "Several components can be meant: chat, inception, resnet"),
        ("serving", "board", "board has nothing for `mlstack serving`"),
        ("notebook", None, "No component of lab has an endpoint for `mlstack notebook`"),
    ],
)
def test_where_nothing_leads(project: Project, verb: str, component: str | None, said: str) -> None:
    with pytest.raises(MlstackError, match=said):
        access(project, "lab", verb, component)
