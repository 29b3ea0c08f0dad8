from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from mlstack.actions.sending import Sent
from mlstack.actions.session import Session
from mlstack.actions.staging import spent_on
from mlstack.actions.wait import check_outcome, is_enough
from mlstack.actions.waiting import Waited
from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import NotReadyError, WorkloadFailedError
from mlstack.plan.readiness import Readiness, State

JOB, WEB = Key("batch", "Job", "n", "train"), Key("apps", "Deployment", "n", "web")
SESSION = cast("Session", SimpleNamespace(scope=SimpleNamespace(environment="gke"), manifests={}))


def waited(timed_out: bool = False, **states: Readiness) -> Waited:
    keys = {"job": JOB, "web": WEB}
    found = {keys[name]: state for name, state in states.items()}
    return Waited(found, dict.fromkeys(found, "why"), {}, timed_out)


READY, FINISHED, FAILED = Readiness(State.READY), Readiness(State.FINISHED), Readiness(State.FAILED)
WAITING = Readiness(State.WAITING, "0/1")


def test_well() -> None:
    check_outcome(SESSION, waited(job=READY, web=READY), "ready")
    check_outcome(SESSION, waited(job=FINISHED, web=READY), "finished")


@pytest.mark.parametrize(
    ("how", "what", "error", "message", "code"),
    [
        (waited(job=FAILED, web=WAITING), "ready", WorkloadFailedError, "Job/train failed: why", 4),
        (waited(True, web=WAITING), "ready", NotReadyError, "Not ready in time: Deployment/web 0/1 why", 3),
        (waited(job=WAITING), "finished", NotReadyError, "Cannot finish as things stand: Job/train 0/1 why", 3),
        (waited(web=FAILED), "ready", NotReadyError, "Cannot become ready as things stand: Deployment/web", 3),
        (waited(True, job=READY), "finished", NotReadyError, "Not finished in time: Job/train", 3),
    ],
)
def test_ill(how: Waited, what: str, error: type[Exception], message: str, code: int) -> None:
    with pytest.raises(error, match=message) as caught:
        check_outcome(SESSION, how, what)
    assert cast("Any", caught.value).exit_code == code


def test_where_the_time_went_is_told_when_it_was_too_short() -> None:
    spent = "Of the 100 s of --timeout, 95 went to Deployment/operator."
    with pytest.raises(NotReadyError, match=r"0/1 why\. Of the 100 s of --timeout, 95 went to Deployment/operator\."):
        check_outcome(SESSION, waited(True, web=WAITING), "ready", spent)
    with pytest.raises(NotReadyError, match=r"Deployment/web why\. Look again"):
        check_outcome(SESSION, waited(web=FAILED), "ready", spent)


@pytest.mark.parametrize(
    ("seconds", "said"), [(95.2, "Of the 100 s of --timeout, 95 went to Deployment/web."), (49, "")]
)
def test_most_of_the_time(seconds: float, said: str) -> None:
    operator = cast("Sent", SimpleNamespace(change=SimpleNamespace(key=WEB)))
    assert spent_on([operator], seconds, 100) == said


def job(*conditions: str, ready: int = 0) -> Manifest:
    status = {"ready": ready, "conditions": [{"type": kind, "status": "True"} for kind in conditions]}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": {}, "status": status}


@pytest.mark.parametrize(
    ("live", "what", "enough"),
    [
        (job(), "ready", False),
        (job(ready=1), "ready", True),
        (job(ready=1), "finished", False),
        (job("Complete"), "finished", True),
        (job("Failed"), "finished", True),
    ],
)
def test_enough(live: Manifest, what: str, enough: bool) -> None:
    assert is_enough(live, what) is enough
