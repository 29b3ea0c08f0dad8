"""How simulated pods behave: from creation to the end that their owner and their annotations ask for."""

from __future__ import annotations

from typing import Any

from . import podstatus
from .selectors import LIVE, MODE, Match, Stage, delay, has, is_in, lacks, not_in, stage, to_status

JOB_KINDS = ["TFJob", "PyTorchJob", "PaddleJob", "XGBoostJob", "JAXJob", "MPIJob"]
BAD_IMAGE = '[.spec.containers[].image | contains("does-not-exist")] | any'
WAITING = ".status.containerStatuses.[].state.waiting.reason"
RUNNING_SINCE = ".status.containerStatuses.[].state.running.startedAt"
INITIALIZED = '.status.conditions.[] | select( .type == "Initialized" ) | .status'
POD_READY = '.status.conditions.[] | select( .type == "Ready" ) | .status'
OWNER = ".metadata.ownerReferences.[].kind"
REPLICA_TYPE = '.metadata.labels["training.kubeflow.org/replica-type"]'
RESTARTS = ".spec.restartPolicy"
RUN_FOR = '.metadata.annotations["sim/run-for"]'
# With these a pod does not get as far as running.
STUCK = ("pending", "imagepull", "configerror", "initfail")
# With these it does not end by itself, or ends otherwise than well.
UNFINISHED = ("fail", "oom", "crashloop", "unready", "forever")


def pod_stages() -> list[Stage]:
    """A pod's way: creating, running and ready, and from there to the end that its owner and annotations ask for."""
    return [
        *_starting(),
        *_crashing(),
        *_ending(),
        _pod(
            "pod-delete",
            [has(".metadata.deletionTimestamp")],
            {"next": {"delete": True}},
            delay=delay(0, "sim/stop-delay"),
        ),
    ]


def _pod(name: str, match: list[Match], then: Stage, **rest: Any) -> Stage:
    return stage("Pod", name, match, then, **rest)


def _starting() -> list[Stage]:
    pending = [LIVE, is_in(".status.phase", "Pending")]
    created = [*pending, has(INITIALIZED)]
    image_missing = f'({MODE} == "imagepull") or ({MODE} == "configerror") or ({BAD_IMAGE})'
    return [
        _pod("pod-create", [*pending, lacks(INITIALIZED)], to_status(podstatus.CREATING)),
        _pod(
            "pod-run",
            [*created, not_in(MODE, *STUCK), not_in(BAD_IMAGE, "true")],
            to_status(podstatus.START_RUNNING, ("Normal", "Started", "Started simulated containers")),
            delay=delay(100, "sim/start-delay"),
        ),
        _pod(
            "pod-stuck",
            [*created, is_in(image_missing, "true"), not_in(WAITING, "ImagePullBackOff", "CreateContainerConfigError")],
            to_status(podstatus.STUCK_WAITING, ("Warning", "Failed", "simulated container start failure")),
        ),
        _pod(
            "pod-init-fail",
            [
                *created,
                is_in(MODE, "initfail"),
                lacks(".status.initContainerStatuses.[].lastState.terminated.exitCode"),
            ],
            to_status(podstatus.INIT_FAILING),
        ),
        _pod(
            "pod-become-ready",
            [
                LIVE,
                is_in(".status.phase", "Running"),
                is_in(POD_READY, "False"),
                has(RUNNING_SINCE),
                not_in(MODE, "unready", "crashloop", "fail", "oom"),
            ],
            to_status(podstatus.BECAME_READY),
            weight=1,
        ),
    ]


def _crashing() -> list[Stage]:
    running = [LIVE, is_in(".status.phase", "Running")]
    return [
        _pod(
            "pod-crash",
            [*running, is_in(MODE, "crashloop"), not_in(RESTARTS, "Never"), has(RUNNING_SINCE)],
            to_status(podstatus.CRASHED, ("Warning", "BackOff", "Back-off restarting failed container")),
            weight=1,
            delay=delay(1000, "sim/run-for"),
        ),
        _pod(
            "pod-crash-restart",
            [*running, is_in(WAITING, "CrashLoopBackOff")],
            to_status(podstatus.RESTARTED),
            weight=1,
            delay={"durationMilliseconds": 3000},
        ),
        _pod(
            "pod-crash-once",
            [*running, is_in(MODE, "crashloop"), is_in(RESTARTS, "Never"), has(RUNNING_SINCE)],
            to_status(podstatus.ENDED_BADLY),
            weight=1,
            delay=delay(1000, "sim/run-for"),
        ),
        _pod(
            "pod-fail",
            [*running, is_in(MODE, "fail", "oom")],
            to_status(podstatus.ENDED_BADLY),
            weight=1,
            delay=delay(1000, "sim/run-for"),
        ),
    ]


def _ending() -> list[Stage]:
    fine = [LIVE, is_in(".status.phase", "Running"), not_in(MODE, *UNFINISHED), has(RUNNING_SINCE)]
    training = [is_in(OWNER, *JOB_KINDS), not_in(REPLICA_TYPE, "ps")]
    others = [has(RUN_FOR), not_in(OWNER, "Job", *JOB_KINDS)]
    done = to_status(podstatus.ENDED_WELL)
    return [
        _pod("pod-complete-job", [*fine, is_in(OWNER, "Job")], done, delay=delay(1000, "sim/run-for")),
        _pod("pod-complete-training", [*fine, *training], done, delay=delay(5000, "sim/run-for")),
        _pod("pod-complete-annotated", [*fine, *others], done, delay=delay(0, "sim/run-for")),
    ]
