"""The way to the control plane, without one."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
import yaml

from bench.cluster import Cluster, distant, redirected, server_of
from bench.requests import AuditLog, Requests

CONFIG = {
    "apiVersion": "v1",
    "current-context": "bench",
    "clusters": [{"name": "bench", "cluster": {"server": "https://127.0.0.1:4711", "certificate-authority-data": "x"}}],
    "users": [{"name": "bench", "user": {"token": "y"}}],
}


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """A kubeconfig, and a kubectl that notes its arguments and answers as for one custom kind."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(CONFIG))
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        f"#!/bin/sh\necho \"$*\" >> {tmp_path}/asked\ncase \"$*\" in\n"
        "*\"-o name\"*) echo customresourcedefinition.apiextensions.k8s.io/widgets.example.com ;;\n"
        "*widgets.example.com*) printf '0 <none>\\n7 <none>\\n' ;;\n"
        "*configmaps*revision*) printf '0 <none>\\n0 2026-11-23T12:00:00Z\\n7 <none>\\n' ;;\n"
        "*revision*) ;;\n*) echo \"$KUBECONFIG $*\" ;;\nesac\n"
    )  # fmt: skip
    kubectl.chmod(0o755)
    (tmp_path / "audit.log").touch()
    return Cluster(kubeconfig, kubectl, AuditLog(tmp_path))


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


def test_counts_what_happens_in_the_block(cluster: Cluster, tmp_path: Path) -> None:
    def note(when: datetime.datetime) -> None:
        values = {"auditID": str(when), "userAgent": "helm", "verb": "patch", "requestURI": "/"}
        with (tmp_path / "audit.log").open("a") as file:
            file.write(json.dumps({**values, "requestReceivedTimestamp": when.isoformat()}) + "\n")

    now = datetime.datetime.now(datetime.UTC)
    note(now)
    with cluster.counting() as asked:
        assert asked == []
        note(datetime.datetime.now(datetime.UTC))
        note(now - datetime.timedelta(hours=1))
    note(datetime.datetime.now(datetime.UTC))
    assert asked == [Requests(reads=0, writes=1)]


def test_objects_on_their_way_out_do_not_count(cluster: Cluster) -> None:
    assert cluster.revisions("configmaps", "helm") == {"configmaps": {"0": 1, "7": 1}}


def test_custom_resources_are_found_by_their_kinds(cluster: Cluster) -> None:
    assert cluster.revisions("mixed", "helm") == {"custom resources": {"0": 1, "7": 1}}


def test_what_lives_in_namespaces_goes_with_them(cluster: Cluster, tmp_path: Path) -> None:
    cluster.clear("mixed", "helm")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert "delete namespaces -l bench=helm" in asked
    assert "delete customresourcedefinitions -l bench=helm" in asked
    assert "delete secrets -n bench-helm -l owner=helm" in asked
    assert not [line for line in asked if "deployments" in line]
