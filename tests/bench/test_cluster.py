"""The way to the control plane, without one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bench.cluster import Cluster, distant, redirected, server_of
from bench.requests import Requests

CONFIG = {
    "apiVersion": "v1",
    "current-context": "bench",
    "clusters": [{"name": "bench", "cluster": {"server": "https://127.0.0.1:4711", "certificate-authority-data": "x"}}],
    "users": [{"name": "bench", "user": {"token": "y"}}],
}


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """A kubeconfig, and a kubectl that answers with its arguments or with the next count."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(CONFIG))
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        "#!/bin/sh\ncase \"$*\" in\n"
        f"*/metrics) echo >> {tmp_path}/asked; n=$(wc -l < {tmp_path}/asked)\n"
        "  echo \"apiserver_request_total{resource=\\\"configmaps\\\",verb=\\\"APPLY\\\"} $((n * 500))\" ;;\n"
        "*revision*) echo 0 0 7 0 ;;\n*) echo \"$KUBECONFIG $*\" ;;\nesac\n"
    )  # fmt: skip
    kubectl.chmod(0o755)
    return Cluster(kubeconfig, kubectl)


def test_only_the_address_changes() -> None:
    found = yaml.safe_load(redirected(yaml.safe_dump(CONFIG), 99))
    assert found["clusters"][0]["cluster"].pop("server") == "https://127.0.0.1:99"
    assert found["clusters"][0]["cluster"] == {"certificate-authority-data": "x"}
    assert found["users"] == CONFIG["users"]


def test_no_round_trip_is_the_direct_way(cluster: Cluster) -> None:
    with distant(cluster, 0) as kubeconfig:
        assert kubeconfig == cluster.kubeconfig


def test_a_round_trip_is_by_a_proxy_that_ends(cluster: Cluster) -> None:
    with distant(cluster, 5) as kubeconfig:
        assert server_of(kubeconfig).startswith("https://127.0.0.1:")
        assert server_of(kubeconfig) != server_of(cluster.kubeconfig)
    assert not kubeconfig.exists()


def test_asks_by_its_own_kubeconfig(cluster: Cluster) -> None:
    assert cluster.ask("get", "pods") == f"{cluster.kubeconfig} get pods\n"


def test_counts_what_happens_in_the_block(cluster: Cluster) -> None:
    with cluster.counting() as asked:
        assert asked == []
    assert asked == [Requests(reads=0, writes=500)]


def test_revisions(cluster: Cluster) -> None:
    assert cluster.revisions("bench-helm") == {"0": 3, "7": 1}
