"""One real node for the whole session, and an app on it. It ends with the session, however that ends.

`make test-real` makes what it needs, and sets MLSTACK_REAL: without it nothing here is collected.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.real.place import Place
from tools.realnode import chromium, cluster
from tools.realnode.settings import Node

collect_ignore_glob = [] if os.environ.get("MLSTACK_REAL") else ["test_*.py"]
if not chromium.able():
    collect_ignore_glob += ["test_browser.py", "test_two_clusters.py"]
MakePlace = Callable[[str], Place]


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node called minikube with two pretended GPUs, in a folder of this session's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLSTACK_REALNODE_DIR", str(tmp_path_factory.mktemp("nodes")))
        try:
            yield cluster.up("minikube", gpus=2, tied=True)
        finally:
            cluster.down("minikube")


@pytest.fixture(scope="session")
def new_place(node: Node, tmp_path_factory: pytest.TempPathFactory) -> MakePlace:
    """`new_place("ml")`: an app with the environment minikube, in a namespace of that name."""

    def make(namespace: str) -> Place:
        root = tmp_path_factory.mktemp("app")
        home = root / "home"
        home.mkdir()
        environ = {"HOME": str(home), "KUBECONFIG": str(node.kubeconfig), "MLSTACK_CACHE_DIR": str(root / "cache")}
        cluster.kubectl(node, "create", "namespace", namespace)
        Place(root, namespace, node, environ).do("init", "stack")
        place = Place(root / "stack", namespace, node, environ)
        place.do("env", "add", "minikube", "--namespace", namespace)
        return place

    return make


@pytest.fixture(scope="session")
def stack(new_place: MakePlace) -> Place:
    """An app whose kubeflow-core is applied: hub and operator run as pods of their own."""
    place = new_place("ml")
    place.do("generate", "kubeflow-core", "core", "--hub_storage=1Gi", "--hub_memory_guarantee=256M")
    place.do("apply", "minikube", "-c", "core")
    return place
