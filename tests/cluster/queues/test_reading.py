"""Reading queues: without Kueue, and as a user with rights in one namespace."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from mlstack.actions.queues import EVERY_SECONDS, QueueWords, see_queues, workloads_in
from mlstack.cluster.client import Client
from mlstack.cluster.connect import connection
from mlstack.plan.fit.queues import Queues
from mlstack.sandbox import Sandbox
from tests.cluster.queues.conftest import NAME
from tests.cluster.queues.test_queue import quotas

Kubectl = Callable[..., str]


def test_without_kueue_there_are_no_queues(client: Client) -> None:
    assert see_queues(client, "default") == Queues()
    assert workloads_in(client, "default") == []


def test_what_a_user_of_one_namespace_sees(queued: Sandbox, kubectl: Kubectl, kubeconfig: Path, namespace: str) -> None:
    local = {**quotas(8)[2], "metadata": {"name": "team-a", "namespace": namespace}}
    kubectl("create", "namespace", namespace, context=NAME)
    kubectl("apply", "-f", "-", context=NAME, stdin=yaml.safe_dump(local))
    reads = ("--verb=list", "--resource=localqueues.kueue.x-k8s.io,workloads.kueue.x-k8s.io")
    kubectl("create", "role", "reader", *reads, "-n", namespace, context=NAME)
    kubectl("create", "rolebinding", "reader", "--role=reader", "--user=one", "-n", namespace, context=NAME)
    settings = replace(connection(NAME, str(kubeconfig)), extra_headers=(("Impersonate-User", "one"),))
    with Client(settings) as one:
        deadline = time.monotonic() + 30
        while (seen := see_queues(one, namespace)).local is None:  # the authorizer learns of it a moment later
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert [found["metadata"]["name"] for found in seen.local] == ["team-a"]
        assert (seen.there, seen.cluster, seen.flavors, seen.cohorts, seen.namespace) == (True, None, None, None, None)
        assert workloads_in(one, "default") == []


def test_queues_are_asked_rarely_and_only_for_who_waits_in_one(client: Client) -> None:
    words = QueueWords(client)
    running: dict[str, Any] = {
        "kind": "Job",
        "apiVersion": "batch/v1",
        "metadata": {"name": "x", "namespace": "default"},
        "spec": {},
    }
    client.requests.clear()
    words.ask([running])
    assert not client.requests
    suspended = {"conditions": [{"type": "Suspended", "status": "True"}]}
    labels = {"kueue.x-k8s.io/queue-name": "team-a"}
    waiting = {**running, "metadata": {**running["metadata"], "labels": labels}, "status": suspended}
    words.ask([waiting])
    asked = sum(client.requests.values())
    words.ask([waiting])
    assert (asked > 0, sum(client.requests.values())) == (True, asked)
    assert EVERY_SECONDS >= 1
    assert words.told(waiting, "waits in queue team-a") == "waits in queue team-a"
