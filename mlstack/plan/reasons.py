"""Why something does not come up, in one line: from pods, claims and events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan.pending import UNBOUND, from_admission, from_scheduler
from mlstack.plan.readiness import condition
from mlstack.wording import shortened


@dataclass(frozen=True)
class Log:
    """Where a crashed container's last words stand; `previous`: it has been started again since."""

    namespace: str
    pod: str
    container: str
    previous: bool


@dataclass(frozen=True)
class Reason:
    """Why. `text` is for people; `topic` and `value` say what a parameter could change: ("resource", "nvidia.com/gpu").

    `hopeless`: waiting alone will not mend it, on any cluster; `unschedulable`: not unless nodes come or free up;
    `log`: where a crashed container said more.
    """

    text: str
    topic: str = ""
    value: str = ""
    hopeless: bool = False
    unschedulable: bool = False
    log: Log | None = None


NOTHING = Reason("")

HOPELESS_WAITING = frozenset({"InvalidImageName"})
IMAGE_WAITING = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"})


def scheduler_reason(message: str, pod: Manifest | None = None) -> Reason:
    """The scheduler's message ("0/3 nodes are available: …") in our words; `pod`: the one that it is about."""
    said = from_scheduler(message, pod or {})
    return Reason(said.text, said.topic, said.value, unschedulable=not UNBOUND.search(message))


def pod_reason(pod: Manifest) -> Reason:
    """Why a pod does not run or is not ready; NOTHING if it is well."""
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return scheduler_reason(str(scheduled.get("message") or scheduled.get("reason") or "not scheduled yet"), pod)
    for status in _containers(pod):
        found = _container_reason(pod, status)
        if found.text:
            return found
    ready = condition(pod, "Ready")
    running = (pod.get("status") or {}).get("phase") == "Running"
    return Reason("its containers run, but are not ready") if running and ready.get("status") == "False" else NOTHING


def _containers(pod: Manifest) -> list[Mapping[str, Any]]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _container_reason(pod: Manifest, status: Mapping[str, Any]) -> Reason:
    state, last = status.get("state") or {}, status.get("lastState") or {}
    waiting = state.get("waiting") or {}
    ended = state.get("terminated") or last.get("terminated") or {}
    name, why = status.get("name", ""), str(waiting.get("reason") or "")
    if why in IMAGE_WAITING:
        image = _image(pod, name) or str(status.get("image", ""))
        return Reason(f"{why}: image {image}", "image", image, hopeless=why in HOPELESS_WAITING)
    if ended.get("reason") == "OOMKilled":
        return Reason(f"{name}: OOMKilled{_memory_limit(pod, name)}", "resource", "memory")
    if why == "CrashLoopBackOff":
        told = f"CrashLoopBackOff: {name} ended with exit code {ended.get('exitCode', '?')}{_said(ended)}"
        return Reason(told, "crash", log=_log(pod, name, previous=True))
    if state.get("terminated") and ended.get("exitCode"):
        told = f"{name} ended with exit code {ended['exitCode']}{_said(ended)}"
        return Reason(told, "crash", log=_log(pod, name, previous=False))
    if why and why not in ("ContainerCreating", "PodInitializing"):
        return Reason(f"{why}: {shortened(str(waiting.get('message') or name))}", "config")
    return NOTHING


def _log(pod: Manifest, container: str, *, previous: bool) -> Log:
    metadata = pod["metadata"]
    return Log(metadata.get("namespace", ""), metadata["name"], container, previous)


def _said(ended: Mapping[str, Any]) -> str:
    message = shortened(str(ended.get("message") or ""))
    return f" ({message})" if message else ""


def _spec_of(pod: Manifest, name: str) -> Mapping[str, Any]:
    spec = pod.get("spec") or {}
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    found: Mapping[str, Any] = next((c for c in containers if c.get("name") == name), {})
    return found


def _image(pod: Manifest, name: str) -> str:
    return str(_spec_of(pod, name).get("image", ""))


def _memory_limit(pod: Manifest, name: str) -> str:
    limit = ((_spec_of(pod, name).get("resources") or {}).get("limits") or {}).get("memory")
    return f" at its limit of {limit}" if limit else ""


TELLING_EVENTS = frozenset(
    {"FailedCreate", "FailedMount", "FailedAttachVolume", "ProvisioningFailed", "FailedBinding", "FailedScheduling"}
)


def event_reason(events: Sequence[Manifest]) -> Reason:
    """Why, by the newest telling event about an object; NOTHING if none tells."""
    telling = [event for event in events if event.get("reason") in TELLING_EVENTS]
    if not telling:
        return NOTHING
    newest = max(telling, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    message = str(newest.get("message", "")).removeprefix("(combined from similar events): ")
    if newest["reason"] == "FailedScheduling":
        return scheduler_reason(message)
    told = f"{newest['reason']}: {shortened(message)}"
    return refused(message) or Reason(told, _event_topic(message))


def events_about(live: Manifest | None, events: Iterable[Manifest], around: Iterable[Manifest] = ()) -> list[Manifest]:
    """The events about an object or what was made for it: its ReplicaSets and pods among `around`, and their claims."""
    if live is None:
        return []
    namespace, made = _namespace(live), _made_for(live, list(around))
    known = {str(one["metadata"].get("uid")) for one in (live, *made)} - {"None"}
    named = {(one["kind"], one["metadata"]["name"]) for one in (live, *made) if "kind" in one}
    named |= {("PersistentVolumeClaim", name) for name in _claims(live, made)}
    return [event for event in events if _is_about(event.get("involvedObject") or {}, namespace, known, named)]


def _is_about(
    involved: Mapping[str, Any], namespace: str | None, uids: Collection[str], named: Collection[tuple[str, str]]
) -> bool:
    """By UID; by kind and name of a claim, which the owner only names, and where a client left the UID out."""
    if involved.get("namespace", namespace) != namespace:
        return False
    what = (str(involved.get("kind")), str(involved.get("name")))
    uid_decides = involved.get("uid") and what[0] != "PersistentVolumeClaim"
    return involved.get("uid") in uids if uid_decides else what in named


def _made_for(live: Manifest, around: Sequence[Manifest]) -> list[Manifest]:
    """The objects that owner references lead to, directly or by way of others; pods by labels where an operator's."""
    found = owned_pods(live, around)
    owners = {live["metadata"].get("uid"), *(one["metadata"].get("uid") for one in found)} - {None}
    rest = [one for one in around if one not in found and one["metadata"].get("namespace") == _namespace(live)]
    while more := [one for one in rest if owners & {ref.get("uid") for ref in _owners(one)}]:
        found += more
        owners |= {one["metadata"].get("uid") for one in more}
        rest = [one for one in rest if one not in more]
    return found


def _namespace(live: Manifest) -> str | None:
    namespace: str | None = live["metadata"].get("namespace")
    return namespace


def _owners(one: Manifest) -> list[Mapping[str, Any]]:
    return list(one["metadata"].get("ownerReferences") or [])


def _claims(live: Manifest, pods: Iterable[Manifest]) -> set[str]:
    """The names of the claims that pods mount; those of a StatefulSet before it has any."""
    volumes = [volume for pod in pods for volume in (pod.get("spec") or {}).get("volumes") or []]
    mounted = {str((volume.get("persistentVolumeClaim") or {}).get("claimName")) for volume in volumes} - {"None"}
    spec, name = live.get("spec") or {}, live["metadata"]["name"]
    templates = [template["metadata"]["name"] for template in spec.get("volumeClaimTemplates") or []]
    numbers = range(int(spec.get("replicas") or 1)) if templates else ()
    return mounted | {f"{template}-{name}-{number}" for template in templates for number in numbers}


def own_reason(text: str) -> Reason:
    """What an object says of itself, in its conditions."""
    return refused(text) or Reason(shortened(text), _event_topic(text))


def refused(message: str) -> Reason | None:
    """What the API server does not let in, in our words: waiting alone will not mend it. None for other messages."""
    if said := from_admission(message):
        return Reason(said.text, said.topic, said.value, hopeless=True)
    return Reason(shortened(message), "quota", hopeless=True) if "exceeded quota" in message else None


def _event_topic(message: str) -> str:
    return "volume" if "volume" in message.lower() else ""


def best_reason(pods: Iterable[Manifest], events: Sequence[Manifest] = ()) -> Reason:
    """The reason of an object's pods that most of them share, with their count; else what its events say."""
    reasons = [found for found in map(pod_reason, pods) if found.text]
    if not reasons:
        return event_reason(events)
    texts = [found.text for found in reasons]
    chosen = max(reasons, key=lambda found: (found.hopeless, texts.count(found.text)))
    many = texts.count(chosen.text)
    if many < 2:
        return chosen
    return replace(chosen, text=f"{many} pods: {chosen.text}")


# Where a job's pods are made by way of other objects, its operator labels them with the job's name.
NAME_LABELS = ("training.kubeflow.org/job-name", "jobset.sigs.k8s.io/jobset-name", "sparkoperator.k8s.io/app-name")


def owned_pods(owner: Manifest, pods: Iterable[Manifest]) -> list[Manifest]:
    """The pods of a workload or job: by owner reference, by its selector, or by a label that its operator sets."""
    uid, name = owner["metadata"].get("uid"), owner["metadata"]["name"]
    selector = (((owner.get("spec") or {}).get("selector") or {}).get("matchLabels")) or {}
    return [pod for pod in pods if _belongs(pod, uid, name, selector, owner["metadata"].get("namespace"))]


def _belongs(pod: Manifest, uid: str | None, name: str, selector: Mapping[str, str], namespace: str | None) -> bool:
    metadata = pod["metadata"]
    if metadata.get("namespace") != namespace or metadata.get("deletionTimestamp"):
        return False
    labels = metadata.get("labels") or {}
    references = metadata.get("ownerReferences") or []
    if any(uid and reference.get("uid") == uid for reference in references):
        return True
    if selector:
        return selector.items() <= labels.items()
    return any(labels.get(label) == name for label in NAME_LABELS)
