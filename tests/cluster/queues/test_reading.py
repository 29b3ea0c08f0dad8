"""Reading queues: without Kueue, and as rarely as need be."""

from __future__ import annotations

from typing import Any

from mlstack.actions.queues import EVERY_SECONDS, QueueWords, see_queues, workloads_in
from mlstack.cluster.client import Client
from mlstack.plan.fit.queues import Queues
from mlstack.plan.readiness import readiness


def test_without_kueue_there_are_no_queues(client: Client) -> None:
    assert see_queues(client, "default") == Queues()
    assert workloads_in(client, "default") == []


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
    assert words.told(waiting, readiness(waiting)) == "waits in queue team-a"
