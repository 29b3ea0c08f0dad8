"""Killed (SIGKILL) after each request of an apply that creates, changes and prunes: the next apply converges."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.engine.manifests import config, definition, deployment, job, service, thing, together

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]

# `python -c RUNNER K WORDS`: mlstack WORDS, killed as the K-th request is answered (0: never; says how many).
RUNNER = """
import itertools, os, signal, sys, threading
from mlstack.cluster.client import Client
from mlstack.cli.main import run
last, answered, counting = int(sys.argv[1]), itertools.count(1), threading.Lock()
def counted(real):
    def request(*arguments):
        answer = real(*arguments)
        with counting:
            number = next(answered)
            if number == last:
                os.kill(os.getpid(), signal.SIGKILL)
        return answer
    return request
Client.send, Client.stream = counted(Client.send), counted(Client.stream)
code = run(sys.argv[2:])
print(next(answered) - 1, file=sys.stderr)
sys.exit(code)
"""

BEFORE = together(config("settings", color="red"), config("old"), service("old"), deployment(replicas=0))
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: NAME}\n"
JOB = job("sim/run-for: 1s", "ROUND")
AFTER = together(
    config("settings", color="blue"),
    ACCOUNT.replace("NAME", "new"),
    service("new"),
    deployment(replicas=0, image="nginx:1.28"),
    definition("GROUP"),
    thing("GROUP"),
    JOB,
)
FOREIGN = together(
    config("foreign", a="b"),
    service("foreign"),
    ACCOUNT.replace("NAME", "foreign"),
    deployment("foreign", replicas=0),
    job("").replace("name: train", "name: foreign").replace("spec:", "spec:\n  suspend: true", 1),
)
KINDS = "configmaps,services,serviceaccounts,deployments,jobs"
PASSING = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation")


@dataclass
class Killing:
    """A stack that is brought from BEFORE to AFTER again and again, beside foreign objects."""

    stack: Stack
    namespace: str
    kubectl: Kubectl
    rounds: int = 0

    def reset(self) -> None:
        """BEFORE, and nothing of AFTER, whose run is another each time: one that was pruned does not start again."""
        self.rounds += 1
        self.stack.write("web", BEFORE)
        self.stack.apply(wait="none", include=frozenset({"crd"}), disruption=True)
        after = AFTER.replace("GROUP", f"{self.namespace}.example.com").replace("ROUND", f"round-{self.rounds}")
        self.stack.write("web", after)

    def run(self, last: int) -> subprocess.CompletedProcess[str]:
        """A real `mlstack apply`, killed after its `last`-th request."""
        words = ["apply", "gke", "--no-wait", "--allow-disruption"]
        command = [sys.executable, "-c", RUNNER, str(last), *words]
        return subprocess.run(
            command, cwd=self.stack.root, capture_output=True, text=True, timeout=120, check=False, env=dict(os.environ)
        )

    def objects(self) -> dict[str, Any]:
        """All that is in the namespace, by KIND/NAME, without what differs from one creation to the next."""
        kinds = f"{KINDS},things.{self.namespace}.example.com"
        text = self.kubectl("get", kinds, "-n", self.namespace, "-o", "json", context="gke")
        items = [item for item in json.loads(text)["items"] if not _is_record(item)]
        return {f"{item['kind']}/{item['metadata']['name']}": _lasting(item) for item in items}

    def foreign(self) -> str:
        """The foreign objects as they are, to the last byte."""
        words = [f"{kind}/foreign" for kind in KINDS.split(",")]
        return self.kubectl("get", *words, "-n", self.namespace, "-o", "json", "--show-managed-fields", context="gke")


def _is_record(item: dict[str, Any]) -> bool:
    """Whether it is a receipt or a run's record: of those a killed apply may leave more or fewer."""
    return item["kind"] == "ConfigMap" and item["metadata"]["name"].startswith("mlstack-") and "data" not in item


def _lasting(item: dict[str, Any]) -> Any:
    metadata = {name: value for name, value in item["metadata"].items() if name not in PASSING}
    if item["kind"] == "ConfigMap" and item["metadata"]["name"].startswith("mlstack-"):
        # Our inventory: what it knows of, not the digests of runs, times and revisions.
        return {**metadata, **{name: sorted(json.loads(item["data"][name])) for name in ("applied", "runs")}}
    if item["kind"] == "Job":
        return metadata["name"]
    kept = {name: value for name, value in item.items() if name not in ("status", "metadata")}
    for volatile in ("clusterIP", "clusterIPs"):
        kept.get("spec", {}).pop(volatile, None)
    annotations = metadata.get("annotations", {})
    annotations.pop("deployment.kubernetes.io/revision", None)
    return {**kept, "metadata": metadata}


@pytest.fixture
def killing(stack: Stack, namespace: str, kubectl: Kubectl) -> Any:
    """The stack applied once without being killed, to know how many requests that takes and how it should end."""
    kubectl("create", "namespace", namespace, context="gke")
    kubectl("apply", "--server-side", "-n", namespace, "-f", "-", context="gke", stdin=FOREIGN)
    yield Killing(stack, namespace, kubectl)
    kubectl("delete", "crd", f"things.{namespace}.example.com", "--ignore-not-found", "--wait=false", context="gke")


def converges(killing: Killing, points: Callable[[int], list[int]]) -> int:
    """Kills at each of the points that `points` chooses from the number of requests; how many it tried."""
    killing.reset()
    foreign = killing.foreign()
    whole = killing.run(0)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    requests, wanted = int(whole.stderr.split()[-1]), killing.objects()
    assert {"ServiceAccount/new", "Service/new", "Thing/one", "Job/train"} <= wanted.keys()
    assert not [name for name in wanted if name.endswith("/old")]
    chosen = points(requests)
    for last in chosen:
        killing.reset()
        killed = killing.run(last)
        assert killed.returncode == -signal.SIGKILL, f"request {last} of {requests}: {killed.stdout}{killed.stderr}"
        killing.stack.apply(wait="none", disruption=True, lock_timeout_s=0)
        assert killing.objects() == wanted, f"killed after request {last} of {requests}"
        assert killing.foreign() == foreign, f"killed after request {last} of {requests}"
        assert killing.stack.apply(wait="none").plan.writes == ()
    return len(chosen)


def test_killed_at_a_sample_of_points_the_next_apply_converges(killing: Killing, capsys: Any) -> None:
    tried = converges(killing, lambda requests: [requests * part // 8 for part in (3, 5, 7)])
    with capsys.disabled():
        print(f"\n  kill points tried: {tried}")


def test_a_run_started_just_before_the_kill_is_remembered_beyond_its_ttl(
    stack: Stack, namespace: str, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    stack.write("train", JOB)
    with monkeypatch.context() as patch:
        patch.setattr("mlstack.actions.apply.exact", ended)  # all is sent by then, and not yet remembered
        with pytest.raises(KeyboardInterrupt):
            stack.apply(wait="none")
    assert kubectl("get", "leases", "-n", namespace, "-o", "name", context="gke") == ""
    assert stack.apply(wait="finished").plan.writes == ()
    kubectl("delete", "job/train", "-n", namespace, context="gke")  # as its TTL would
    assert stack.apply().plan.writes == ()
    assert stack.writes() == {}


@pytest.mark.slow
def test_killed_at_every_point_the_next_apply_converges(killing: Killing, capsys: Any) -> None:
    tried = converges(killing, lambda requests: list(range(1, requests + 1)))
    with capsys.disabled():
        print(f"\n  kill points tried: {tried}")
