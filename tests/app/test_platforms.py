from __future__ import annotations

import pytest

from mlstack.app.platforms import detect_platform, platform_names, platform_path, read_platform
from mlstack.errors import MlstackError


@pytest.mark.parametrize(
    ("environment", "context", "labels", "platform"),
    [
        ("gke", "minikube", (), "gke"),
        ("prod", "gke_project_zone_cluster", (), "gke"),
        ("laptop", "minikube", (), "minikube"),
        ("prod", "team", ("cloud.google.com/gke-nodepool",), "gke"),
        ("prod", "team", ("eks.amazonaws.com/nodegroup",), "eks"),
        ("prod", "team", ("kubernetes.io/os",), "generic"),
        ("prod", "", (), "generic"),
    ],
)
def test_a_platform_is_known_by_name_context_or_nodes(
    environment: str, context: str, labels: tuple[str, ...], platform: str
) -> None:
    assert detect_platform(environment, context, labels)[0] == platform


def test_every_platform_can_be_read() -> None:
    assert set(platform_names()) == {"aks", "eks", "generic", "gke", "minikube"}
    for name in platform_names():
        assert read_platform(platform_path(name), name)["name"] == name


def test_an_unknown_platform() -> None:
    with pytest.raises(MlstackError, match=r"There is no platform gkee\. Did you mean gke\?"):
        platform_path("gkee")
