"""Queues in Kueue's own definitions, as its controller left them: what mlstack says of a job is what Kueue then did."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from mlstack.actions.queues import GROUP, VERSIONS, see_queues, workloads_in
from mlstack.cluster.client import Client
from mlstack.cluster.connect import connection
from mlstack.plan.fit.queues import Standing, answers
from tests.cluster.queues.recording import RECORDED, Recording, read

Kubectl = Callable[..., str]
RECORDINGS = read(RECORDED)
MINIKUBE = {"context": "minikube"}


@pytest.fixture(scope="module")
def stood(defined: None, kubectl: Kubectl) -> None:
    """All that was recorded, on the control plane: first what is wanted, then how it stood."""
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": one.scene.namespace}} for one in RECORDINGS
    ]
    every = [found for one in RECORDINGS for found in one.stood]
    wanted = [{key: value for key, value in found.items() if key != "status"} for found in every]
    states = [found for found in every if "status" in found]
    for manifests, words in (([*spaces, *wanted], ()), (states, ("--subresource=status",))):
        kubectl("apply", "--server-side", "-f", "-", *words, **MINIKUBE, stdin=yaml.safe_dump_all(manifests))


def test_there_is_one_of_each(stood: None) -> None:
    admitted = Counter(one.admitted for one in RECORDINGS)
    assert min(admitted[True], admitted[False]) > 2
    assert {found["kind"] for one in RECORDINGS for found in one.stood} == {
        "ClusterQueue",
        "Cohort",
        "LocalQueue",
        "ResourceFlavor",
        "Workload",
    }


@pytest.mark.parametrize("one", RECORDINGS, ids=lambda one: one.scene.namespace)
def test_what_mlstack_says_is_what_kueue_did(one: Recording, stood: None, client: Client) -> None:
    (answer,) = answers(see_queues(client, one.scene.namespace), one.scene.asks).values()
    assert (answer.standing is Standing.ADMITTED) == one.admitted, answer.reason
    held = [found["metadata"]["name"] for found in one.stood if found["kind"] == "Workload"]
    assert sorted(found["metadata"]["name"] for found in workloads_in(client, one.scene.namespace)) == sorted(held)


def test_what_a_user_of_one_namespace_sees(defined: None, kubectl: Kubectl, kubeconfig: Path, namespace: str) -> None:
    metadata, spec = {"name": "team-a", "namespace": namespace}, {"clusterQueue": "research"}
    local = {"apiVersion": f"{GROUP}/{VERSIONS[0]}", "kind": "LocalQueue", "metadata": metadata, "spec": spec}
    kubectl("create", "namespace", namespace, context="minikube")
    kubectl("apply", "-f", "-", **MINIKUBE, stdin=yaml.safe_dump(local))
    reads = ("--verb=list", "--resource=localqueues.kueue.x-k8s.io,workloads.kueue.x-k8s.io")
    kubectl("create", "role", "reader", *reads, "-n", namespace, context="minikube")
    kubectl("create", "rolebinding", "reader", "--role=reader", "--user=one", "-n", namespace, context="minikube")
    settings = replace(connection("minikube", str(kubeconfig)), extra_headers=(("Impersonate-User", "one"),))
    with Client(settings) as one:
        deadline = time.monotonic() + 30
        while (seen := see_queues(one, namespace)).local is None:  # the authorizer learns of it a moment later
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert [found["metadata"]["name"] for found in seen.local] == ["team-a"]
        assert (seen.there, seen.cluster, seen.flavors, seen.cohorts, seen.namespace) == (True, None, None, None, None)
        assert workloads_in(one, "default") == []
