"""Which cluster this is."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.connect import connect
from mlstack.cluster.identity import cluster_uid
from mlstack.cluster.kinds import well_known
from mlstack.sandbox import Sandbox


def test_the_uid_of_kube_system(client: Client) -> None:
    assert (
        cluster_uid(client)
        == objects.get(client, well_known("v1", "Namespace"), None, "kube-system")["metadata"]["uid"]
    )
    assert client.requests == {"GET namespaces": 2}


def test_two_clusters_are_two(client: Client, gke: Sandbox, kubeconfig: Path) -> None:
    assert cluster_uid(connect("gke", str(kubeconfig))) != cluster_uid(client)


def test_who_may_only_list_finds_the_same(
    client: Client, stranger: Client, granted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cluster_uid(stranger) == cluster_uid(client)
    assert stranger.requests == {"GET namespaces": 1, "LIST namespaces": 1}


def test_who_may_read_nothing_knows_the_server(stranger: Client) -> None:
    first = cluster_uid(stranger)
    assert first.startswith("server-")
    assert cluster_uid(stranger) == first
