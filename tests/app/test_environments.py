from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlstack.app.environments import is_local, pin_environment

if TYPE_CHECKING:
    from tests.conftest import Sample


@pytest.mark.parametrize(
    ("platform", "context", "server", "local"),
    [
        ("minikube", "minikube", "https://192.168.49.2:8443", True),
        ("gke", "sandbox-gke", "https://10.0.0.1", True),
        ("gke", "gke", "https://127.0.0.1:40000", True),
        ("gke", "gke", "https://34.1.2.3", False),
        ("generic", "", "", False),
    ],
)
def test_whose_cluster_it_is(platform: str, context: str, server: str, local: bool) -> None:
    assert is_local(platform, context, server) is local


def test_a_shared_cluster_is_pinned_in_its_own_file(sample: Sample) -> None:
    done = pin_environment(sample.project(), "gke", "9d41", "https://34.9.9.9")
    assert done.summary == ("Pinned gke to cluster 9d41.",)
    assert done.files == ("environments/gke.yaml",)
    env = sample.project().environment("gke")
    assert (env.cluster, env.server, env.file.string("cluster")) == ("9d41", "https://34.9.9.9", "9d41")


def test_a_local_one_is_pinned_in_the_local_file(sample: Sample) -> None:
    before = sample.read("environments/minikube.yaml")
    done = pin_environment(sample.project(), "minikube", "3f0c")
    assert done.files == (".mlstack/local.yaml",)
    assert sample.project().environment("minikube").cluster == "3f0c"
    assert sample.read("environments/minikube.yaml") == before


def test_pinning_anew_says_what_was_there_and_twice_the_same_is_nothing(sample: Sample) -> None:
    pin_environment(sample.project(), "gke", "old")
    assert pin_environment(sample.project(), "gke", "new").summary == ("Pinned gke to cluster new (before: old).",)
    before = sample.tree()
    assert pin_environment(sample.project(), "gke", "new").summary == ("gke: nothing to change.",)
    assert sample.tree() == before
