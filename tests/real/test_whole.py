"""What stays of the whole stack when it goes: the last test on the node."""

from __future__ import annotations

from tests.real.place import Place, until
from tools.realnode import cluster


def test_only_volumes_and_definitions_stay(stack: Place) -> None:
    stack.do("delete", "minikube", "--yes")

    def left() -> set[str]:
        """Without what mlstack keeps of the app's history."""
        return {name for name in stack.left() if "/mlstack-" not in name}

    until(lambda: {name.partition("/")[0] for name in left()} == {"persistentvolumeclaim"}, "all to be gone", 90)
    assert "persistentvolumeclaim/db-tf-hub-0" in left()
    cluster_wide = cluster.kubectl(stack.node, "get", "validatingwebhookconfiguration,clusterrole,crd", "-o", "name")
    assert "training-operator" not in cluster_wide
    assert "tfjobs.kubeflow.org" in cluster_wide
