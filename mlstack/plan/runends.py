"""How the containers of a run ended, as its pods tell: exit codes, reasons, last words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan.reasons import Log, owned_pods
from mlstack.plan.roles import role_of
from mlstack.plan.runrecords import ContainerEnd


@dataclass(frozen=True)
class SeenEnd:
    """A container that ended badly, and where its log is as long as its pod exists."""

    end: ContainerEnd
    log: Log


def bad_ends(run: Manifest, pods: Iterable[Manifest]) -> list[SeenEnd]:
    """The containers of a run's pods that ended with an exit code other than 0, the first one first.

    Pods that are being deleted count, too: an operator deletes them as soon as the run has failed.
    """
    living = (_undeleted(pod) for pod in pods)
    found = [seen for pod in owned_pods(run, living) for seen in _of_pod(pod)]
    return sorted(found, key=lambda seen: (seen.end.finished, seen.end.role, seen.end.container))


EXITED = re.compile(r"Pod: \S+?\.(\S+) exited with code (\d+)")  # NAMESPACE.NAME: a namespace has no dot in its name


def told_ends(run: Manifest, events: Iterable[Manifest]) -> list[ContainerEnd]:
    """The bad ends that the training operator wrote into a run's events, where it has deleted the pods since.

    Events are kept for an hour, and have no lines of a log.
    """
    name, uid = run["metadata"]["name"], run["metadata"].get("uid", "")
    found: dict[str, ContainerEnd] = {}
    for event in sorted(events, key=_last_seen):
        told = EXITED.search(str(event.get("message") or ""))
        about = (event.get("involvedObject") or {}).get("uid")
        if event.get("reason") == "ExitedWithCode" and about == uid and told and int(told[2]):
            pod = told[1]
            found.pop(pod, None)
            found[pod] = ContainerEnd(pod, "", pod.removeprefix(f"{name}-"), int(told[2]), finished=_last_seen(event))
    return list(found.values())


def _last_seen(event: Manifest) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _undeleted(pod: Manifest) -> Manifest:
    metadata = pod["metadata"]
    if "deletionTimestamp" not in metadata:
        return pod
    return {**pod, "metadata": {key: value for key, value in metadata.items() if key != "deletionTimestamp"}}


def _of_pod(pod: Manifest) -> Iterator[SeenEnd]:
    status, metadata = pod.get("status") or {}, pod["metadata"]
    several = len((pod.get("spec") or {}).get("containers") or []) > 1
    title = role_of(pod).title(metadata["name"])
    for one in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        ended = (one.get("state") or {}).get("terminated")
        last = ended or (one.get("lastState") or {}).get("terminated") or {}
        if last.get("exitCode"):
            name = str(one.get("name", ""))
            end = _end(metadata["name"], name, f"{title}/{name}" if several else title, last)
            yield SeenEnd(end, Log(metadata.get("namespace", ""), metadata["name"], name, previous=not ended))


def _end(pod: str, container: str, role: str, ended: Mapping[str, Any]) -> ContainerEnd:
    lines = tuple(str(ended.get("message") or "").splitlines())
    reason, finished = str(ended.get("reason") or ""), str(ended.get("finishedAt") or "")
    return ContainerEnd(pod, container, role, int(ended["exitCode"]), reason, finished, lines)
