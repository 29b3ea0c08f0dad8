"""The fate of one pod, told while it is forwarded to."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known
from mlstack.cluster.targets import Endpoint
from mlstack.cluster.watch import Watch
from mlstack.errors import MlstackError

_POD = well_known("v1", "Pod")
_JOIN_SECONDS = 5.0


class PodWatch:
    """Calls `on_leaving` (from a thread) when the pod is being deleted, and `on_gone` when it is no more.

    Who may not watch pods hears nothing: then connections that fail are the only sign.
    """

    def __init__(
        self, client: Client, endpoint: Endpoint, on_leaving: Callable[[], None], on_gone: Callable[[], None]
    ) -> None:
        self._uid = endpoint.uid
        self._on_leaving = on_leaving
        self._on_gone = on_gone
        self._watch = Watch(client, _POD, endpoint.namespace, "", fields=f"metadata.name={endpoint.pod}")
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"watch {endpoint.pod}")
        self._thread.start()

    def stop(self) -> None:
        """Ends it."""
        self._watch.stop()

    def join(self) -> None:
        """Waits until it has ended, a moment at most: it may be asking a server that does not answer."""
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        try:
            for event in self._watch:
                metadata = event.object["metadata"]
                # Another pod of the same name, or this one's last news.
                if metadata["uid"] != self._uid or event.type == "DELETED":
                    self._on_gone()
                    return
                if metadata.get("deletionTimestamp") or _ended(event.object):
                    self._on_leaving()
        except MlstackError:
            return


def _ended(pod: dict[str, object]) -> bool:
    status = pod.get("status")
    return isinstance(status, dict) and status.get("phase") in ("Succeeded", "Failed")
