"""Two applies at once on one environment: the second is told who, waits or leaves; a crashed holder is taken over."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mlstack.actions import lock, sending
from mlstack.actions.apply import ApplyOptions, PlanBlockedError, apply
from mlstack.actions.delete import delete
from mlstack.actions.events import Event, NothingToDo, Notice
from mlstack.actions.lock import Lock, LockedError, LockLostError, locked
from mlstack.actions.process import started, this_process
from mlstack.actions.replan import MovedError
from mlstack.actions.session import Session, connect_only
from mlstack.cluster import objects
from mlstack.plan.lease import Held, Holder, Process, lease

if TYPE_CHECKING:
    from mlstack.plan.model import Plan

    from .conftest import Stack

Kubectl = Callable[..., str]
ONE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: '1'}\n"
TWO = ONE + "---\n" + ONE.replace("one", "two")


@pytest.fixture
def applied(stack: Stack) -> Stack:
    """A stack of one ConfigMap."""
    stack.write("web", ONE)
    stack.apply()
    return stack


def session_of(stack: Stack) -> Session:
    return connect_only(stack.scope())


def held(seconds_ago: float = 0, process: Process | None = None) -> Held:
    when = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return Held(Holder("ann@laptop (pid 7, mlstack 0.1.0)", "theirs", process or this_process()), when, when, "")


@contextmanager
def somebody(session: Session, held: Held) -> Iterator[None]:
    """Somebody else holds the lease meanwhile."""
    manifest = lease(session.owner.name, session.owner.namespace, held)
    objects.create(session.connection.client, lock.LEASE, manifest, manager="somebody")
    try:
        yield
    finally:
        objects.delete(session.connection.client, lock.LEASE, session.owner.namespace, session.owner.name)


def gone() -> Process:
    """A process of this machine that has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        return replace(this_process(), pid=process.pid, started=started(process.pid))


def leases(kubectl: Kubectl, namespace: str) -> str:
    return kubectl("get", "leases", "-n", namespace, "-o", "name", context="gke", check=False)


def test_held_only_while_something_is_written(applied: Stack, namespace: str, kubectl: Kubectl) -> None:
    first = applied.sent()
    assert (first["POST leases"], first["DELETE leases"], first["GET leases"]) == (1, 1, 0)
    assert first["GET configmaps"] == 1  # the inventory: under the lease its first write finds out whether it moved
    assert "lease" not in leases(kubectl, namespace)
    applied.apply()
    assert not [name for name in applied.sent() if "leases" in name]
    delete(applied.scope())
    assert (applied.sent()["POST leases"], applied.sent()["DELETE leases"]) == (1, 1)
    assert "lease" not in leases(kubectl, namespace)


def test_the_second_is_told_and_leaves(applied: Stack, namespace: str, kubectl: Kubectl) -> None:
    applied.write("web", TWO)
    told = r"another apply is under way, by ann@laptop \(pid 7, mlstack 0.1.0\), at work on gke since 20\d\d-.* UTC"
    with somebody(session_of(applied), held()):
        with pytest.raises(LockedError, match=told) as caught:
            applied.apply(lock_timeout_s=0)
        with pytest.raises(LockedError):
            delete(applied.scope(), lock_timeout_s=0)
    assert caught.value.exit_code == 1
    assert "configmap/two" not in kubectl("get", "configmaps", "-n", namespace, "-o", "name", context="gke")


def test_or_waits_and_plans_again(applied: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one applies the same meanwhile: nothing is left to do."""
    applied.write("web", TWO)
    begun, real = threading.Event(), sending.send

    def slow(*arguments: Any, **options: Any) -> Any:
        begun.set()
        until(lambda: waited_for(applied.events))
        return real(*arguments, **options)

    monkeypatch.setattr("mlstack.actions.staging.send", slow)
    thread = threading.Thread(target=apply, args=(applied.scope(), ApplyOptions()), daemon=True)
    thread.start()
    assert begun.wait(30)
    outcome = applied.apply()
    thread.join(30)
    assert outcome.plan.writes == ()
    assert waited_for(applied.events)
    assert type(applied.events[-1]) is NothingToDo


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Waits until something is true, and not for ever."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def waited_for(events: Sequence[Event]) -> bool:
    """Whether somebody was told to wait."""
    return any(isinstance(event, Notice) and event.text.startswith("Waiting for") for event in events)


FREE = {
    "its process is gone": lambda: held(0, gone()),
    "it expired here": lambda: held(20),
    "it expired elsewhere": lambda: held(90, Process("another", 7, "1")),
}


@pytest.mark.parametrize("why", FREE)
def test_a_crashed_holder_is_taken_over_at_once(applied: Stack, namespace: str, kubectl: Kubectl, why: str) -> None:
    applied.write("web", TWO)
    session = session_of(applied)
    with somebody(session, FREE[why]()):
        applied.apply(lock_timeout_s=0)
    assert applied.sent()["PUT leases"] == 1
    assert "lease" not in leases(kubectl, namespace)


def test_one_that_nobody_renews_is_taken_over_in_time(applied: Stack) -> None:
    """On another machine, whose clock may differ: seen unchanged for as long as it lasts."""
    applied.write("web", TWO)
    with somebody(session_of(applied), replace(held(5, Process("another", 7, "1")), seconds=1)):
        with pytest.raises(LockedError):
            applied.apply(lock_timeout_s=0)
        applied.apply(lock_timeout_s=30)
    assert waited_for(applied.events)


def test_renewed_while_it_is_held(applied: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.02)
    session = session_of(applied)
    client, owner = session.connection.client, session.owner
    with locked(session, 0, applied.events.append) as mine:
        first = objects.get(client, lock.LEASE, owner.namespace, owner.name)["spec"]["renewTime"]
        until(lambda: objects.get(client, lock.LEASE, owner.namespace, owner.name)["spec"]["renewTime"] != first)
        mine.check()
    assert objects.find(client, lock.LEASE, owner.namespace, owner.name) is None


def test_a_lost_lease_stops_the_apply_before_its_next_stage(
    applied: Stack, namespace: str, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody takes it while this one writes its first stage."""
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.02)
    applied.write("web", TWO)
    applied.write("job", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: late}\n" + SPEC)
    session = session_of(applied)
    real = Lock.check

    def check(self: Lock) -> None:
        if not taken:
            taken.append(True)
            manifest = lease(session.owner.name, session.owner.namespace, held())
            objects.apply(session.connection.client, lock.LEASE, manifest, manager="somebody", force=True)
            until(lambda: self._lost)
            return
        real(self)

    taken: list[bool] = []
    monkeypatch.setattr(Lock, "check", check)
    with pytest.raises(LockLostError, match="another one has taken over"):
        applied.apply()
    assert "late" not in kubectl("get", "deployments", "-n", namespace, "-o", "name", context="gke")
    assert "configmap/two" in kubectl("get", "configmaps", "-n", namespace, "-o", "name", context="gke")
    assert "lease" in leases(kubectl, namespace)  # theirs
    with pytest.raises(LockedError):
        applied.apply(lock_timeout_s=0)


SPEC = """
spec:
  selector: {matchLabels: {app: late}}
  template: {metadata: {labels: {app: late}}, spec: {containers: [{name: late, image: late}]}}
"""


def test_who_may_not_write_leases_goes_on_and_is_told(applied: Stack, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "serviceaccount", "editor", "-n", namespace, context="gke")
    kubectl("create", "role", "editor", "--verb=*", "--resource=configmaps", "-n", namespace, context="gke")
    account = f"--serviceaccount={namespace}:editor"
    kubectl("create", "rolebinding", "editor", "--role=editor", account, "-n", namespace, context="gke")
    token = kubectl("create", "token", "editor", "-n", namespace, context="gke").strip()
    kubectl("config", "set-credentials", "editor", f"--token={token}")
    cluster = kubectl("config", "view", "-o", 'jsonpath={.contexts[?(@.name=="gke")].context.cluster}')
    kubectl("config", "set-context", "editor", f"--cluster={cluster}", "--user=editor")
    applied.environment("limited", "editor", namespace)
    applied.write("web", ONE.replace("one", "three"))
    applied.apply(environment="limited")
    notices = [event.text for event in applied.events if isinstance(event, Notice)]
    (notice,) = [text for text in notices if text.startswith("Going on without a lock: User")]
    assert "may not create leases" in notice


def agreeing(change: Callable[[], object]) -> Callable[[Plan], bool]:
    """A person who takes long enough to agree that something changes meanwhile."""

    def confirm(plan: Plan) -> bool:
        change()
        return True

    return confirm


def test_a_plan_that_changed_after_it_was_confirmed_is_not_carried_out(
    applied: Stack, namespace: str, kubectl: Kubectl
) -> None:
    def edit() -> None:
        kubectl("delete", "configmap", "one", "-n", namespace, context="gke")

    applied.write("web", TWO)
    with pytest.raises(MovedError, match="ConfigMap/one: unchanged then, create now") as caught:
        apply(applied.scope(), confirm=agreeing(edit))
    assert "--replan" in caught.value.hint
    assert "configmap/two" not in kubectl("get", "configmaps", "-n", namespace, "-o", "name", context="gke")
    assert "lease" not in leases(kubectl, namespace)

    done = apply(applied.scope(), confirm=agreeing(lambda: None))
    assert done.applied == 2
    applied.write("web", TWO.replace("'1'", "'2'"))
    done = apply(applied.scope(), ApplyOptions(replan=True), confirm=agreeing(edit))
    assert json.loads(kubectl("get", "configmap", "one", "-n", namespace, "-o", "json", context="gke"))["data"]


def test_a_foreign_object_that_came_meanwhile_is_not_taken(applied: Stack, namespace: str, kubectl: Kubectl) -> None:
    def create() -> None:
        kubectl("create", "configmap", "two", "--from-literal=theirs=1", "-n", namespace, context="gke")

    applied.write("web", TWO)
    with pytest.raises(PlanBlockedError, match="exists, not ours"):
        apply(applied.scope(), ApplyOptions(replan=True), confirm=agreeing(create))
    found: dict[str, Any] = json.loads(kubectl("get", "cm", "two", "-n", namespace, "-o", "json", context="gke"))
    assert found["data"] == {"theirs": "1"}
