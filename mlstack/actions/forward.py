"""Local ports that lead to a component, a service, a pod, or the notebook hub."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from mlstack.actions.events import Notice, OnEvent, ignore
from mlstack.cluster import forward as ports_forward
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import GoneError
from mlstack.cluster.forward import LOOPBACK, Forwarding
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Manifest
from mlstack.cluster.targets import NoTargetError, PortPair, Target, declared_ports, parse_ports, parse_target
from mlstack.cluster.watch import Watch
from mlstack.errors import NotReadyError
from mlstack.plan.readiness import readiness
from mlstack.plan.reasons import pod_reason

HUB = "tf-hub"
HUB_PORT = 8000
NOTEBOOK_PORT = 8100
_ANSWER_SECONDS = 10.0
_PAUSE_SECONDS = 0.5
_POD = well_known("v1", "Pod")
_STATEFUL_SET = well_known("apps/v1", "StatefulSet")


def forward(
    client: Client,
    namespace: str,
    target: str,
    ports: Sequence[str] = (),
    on_event: OnEvent = ignore,
    *,
    address: str = LOOPBACK,
    timeout: float = 0.0,
) -> Forwarding:
    """Ports that lead to `target` ("tf-hub-0", "svc/NAME", a component's name …) within a `with` block.

    `ports` are "8100:8000", "8000", ":8000", "8100:http"; none means those that the target declares. Raises
    NoTargetError; where there is a target of which no pod runs yet, entering waits for one, `timeout` seconds.
    `with forward(...) as forwarding: forwarding.addresses`; `forwarding.wait()` blocks until Ctrl-C.
    """
    wanted = parse_target(target)
    pairs = [parse_ports(text) for text in ports] or declared_ports(client, namespace, wanted)
    return Forwarding(client, namespace, wanted, pairs, _tell(on_event), address=address, timeout=timeout)


def notebook(
    client: Client,
    namespace: str,
    on_event: OnEvent = ignore,
    *,
    hub: str = HUB,
    local: int = NOTEBOOK_PORT,
    address: str = LOOPBACK,
    timeout: float = 600.0,
) -> Forwarding:
    """Waits until the hub's pod is ready, then forwards local port 8100 (or the next free one) to it.

    `hub` is the name of its StatefulSet, `timeout` in seconds. Raises NoTargetError where there is no hub, and
    NotReadyError with the reason when it does not come up in time.
    """
    if objects.find(client, _STATEFUL_SET, namespace, hub, metadata_only=True) is None:
        problem = f"There is no notebook hub (StatefulSet {hub}) in namespace {namespace} of context {client.context}."
        raise NoTargetError(problem, "A hub comes with `mlstack generate kubeflow-core`, applied to this environment.")
    pod = f"{hub}-0"
    wait_for_pod(client, namespace, pod, on_event, timeout=timeout)
    pairs = [PortPair(local, HUB_PORT)]
    # The pod was ready a moment ago: what may be missing of it now comes back by itself.
    return Forwarding(client, namespace, Target("pod", pod), pairs, _tell(on_event), address=address, timeout=timeout)


def wait_for_answer(address: str, path: str, what: str, on_event: OnEvent = ignore, *, timeout: float = 600.0) -> None:
    """Returns when a GET of `path` at a forwarded address has an answer below 500: a ready pod may not answer yet.

    `what` ("tf-hub-0") is for the sentences; `timeout` in seconds, then NotReadyError.
    """
    from http.client import HTTPConnection, HTTPException

    deadline = time.monotonic() + timeout
    said = ""
    while True:
        connection = HTTPConnection(address, timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", path)
            status = connection.getresponse().status
            if status < 500:
                return
            reason = f"it says {status}"
        except (OSError, HTTPException):
            reason = "nothing answers at its port"
        finally:
            connection.close()
        if time.monotonic() > deadline:
            raise NotReadyError(
                f"{what} does not answer after {timeout:.0f} s: {reason}.",
                "`mlstack status` shows why its pods do not answer.",
            )
        if reason != said:
            on_event(Notice(f"Waiting for {what} to answer: {reason}."))
        said = reason
        time.sleep(_PAUSE_SECONDS)


def wait_for_pod(
    client: Client, namespace: str, name: str, on_event: OnEvent = ignore, *, timeout: float = 600.0
) -> None:
    """Returns when the pod is ready, by watching; says each reason why it is not yet. `timeout` in seconds."""
    waiting = _Waiting(name, lambda reason: on_event(Notice(f"Waiting for {name}: {reason}.")))
    fields = f"metadata.name={name}"
    expired = threading.Event()
    deadline = time.monotonic() + timeout
    while not expired.is_set():
        found = objects.list_objects(client, _POD, namespace, fields=fields)
        if waiting.over(found.items[0] if found.items else None):
            return
        with Watch(client, _POD, namespace, found.resource_version, fields=fields) as watch:
            if _watched(watch, waiting, expired, deadline):
                return
    problem = f"Pod {name} in namespace {namespace} is not ready after {timeout:.0f} s: {waiting.reason}."
    raise NotReadyError(problem, "`mlstack status` shows the rest.")


class _Waiting:
    """Why the pod is not ready, told when it changes."""

    def __init__(self, name: str, tell: Callable[[str], None]) -> None:
        self.reason = ""
        self._tell = tell

    def over(self, pod: Manifest | None) -> bool:
        if pod is not None and readiness(pod).ready:
            return True
        reason = _reason(pod)
        if reason != self.reason:
            self.reason = reason
            self._tell(reason)
        return False


def _watched(watch: Watch, waiting: _Waiting, expired: threading.Event, deadline: float) -> bool:
    """Whether the pod became ready; False at the deadline, or when the list must be read again."""

    def expire() -> None:
        expired.set()
        watch.stop()

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), expire)
    timer.daemon = True
    timer.start()
    try:
        return any(waiting.over(None if event.type == "DELETED" else event.object) for event in watch)
    except GoneError:
        return False
    finally:
        timer.cancel()


def _reason(pod: Manifest | None) -> str:
    if pod is None:
        return "it does not exist yet"
    return (pod_reason(pod).text or readiness(pod).reason or "its containers are starting").rstrip(".")


def _tell(on_event: OnEvent) -> Callable[[ports_forward.Notice], None]:
    return lambda notice: on_event(Notice(notice.text))
