"""A user's notebook server, as its pod comes up: what the hub's page shows as a bar, in words."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from urllib.parse import quote

from mlstack.actions.events import Notice, OnEvent
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.readiness import readiness
from mlstack.plan.reasons import pod_reason
from mlstack.wording import shortened

_POD = well_known("v1", "Pod")
_EVENT = well_known("v1", "Event")
# KubeSpawner's: a label on each server's pod, and who it is for.
_LABELS = "component=singleuser-server"
_USER = "hub.jupyter.org/username"
_STEPS = frozenset({"Pulling", "Pulled", "FailedMount", "FailedAttachVolume"})
_LOOK_SECONDS = 2.0


def hub_user(name: str) -> str:
    """A user's name as JupyterHub stores it: without spaces around it, in lower case. Raises MlstackError for others.

    Source: JupyterHub 5, LoginHandler, and Authenticator's normalize_username and validate_username.
    """
    user = name.strip().lower()
    if not user or "/" in user or not user.strip("."):
        raise MlstackError(
            f"A user of the notebook hub must have a name without slashes, which is not dots alone; got {name!r}.",
            "Name the user as at the hub's log-in, such as --user ada.",
        )
    return user


def server_path(user: str) -> str:
    """The path of a user's server on the hub, written as JupyterHub writes it."""
    return f"/user/{quote(user, safe='@~')}/"


class ServerStory:
    """Tells the steps of `user`'s server from a thread, within a `with` block."""

    def __init__(self, client: Client, namespace: str, user: str, on_event: OnEvent) -> None:
        self._client = client
        self._namespace = namespace
        self._user = user
        self._on_event = on_event
        self._told: set[str] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="server story")

    def __enter__(self) -> ServerStory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()

    def _run(self) -> None:
        while not self._end.wait(_LOOK_SECONDS):
            try:
                self.look()
            except MlstackError:
                continue  # the server restarts, or may not be asked: the forward itself says so

    def look(self) -> None:
        """One look. Each sentence is told once for each pod. Sends two requests where there is a pod that comes up."""
        for pod in objects.list_objects(self._client, _POD, self._namespace, labels=_LABELS).items:
            if self._is_ours(pod):
                self._tell_pod(pod)

    def _is_ours(self, pod: Manifest) -> bool:
        # The annotation holds the name as it is; the label of the same name only what a label can hold of it.
        return bool((pod["metadata"].get("annotations") or {}).get(_USER) == self._user)

    def _tell_pod(self, pod: Manifest) -> None:
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        if readiness(pod).ready:
            self._tell(uid, f"{self._user}'s server is ready ({name}).")
            return
        reason = pod_reason(pod).text
        if reason:
            self._tell(uid, f"{self._user}'s server waits: {reason.rstrip('.')}.")
        fields = f"involvedObject.name={name},involvedObject.uid={uid}"
        for text in steps(objects.list_objects(self._client, _EVENT, self._namespace, fields=fields).items):
            self._tell(uid, f"{self._user}'s server: {text}")

    def _tell(self, uid: str, text: str) -> None:
        if uid + text not in self._told:
            self._told.add(uid + text)
            self._on_event(Notice(text))


def steps(events: Iterable[Manifest]) -> list[str]:
    """What a starting pod's events say of images and volumes, the oldest first, a sentence each."""
    chosen = [event for event in events if event.get("reason") in _STEPS]
    chosen.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    return [shortened(str(event.get("message") or "")).rstrip(".") + "." for event in chosen]
