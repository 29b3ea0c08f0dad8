"""What there is of a kind in one place, and each change of it, told from a thread for as long as somebody listens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError, GoneError, UnreachableError
from mlstack.cluster.kinds import Resource
from mlstack.cluster.watch import Event, Watch
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError, wrap_unexpected

PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Listed:
    """All that there is now; what was told before and is not among it is gone."""

    items: tuple[Manifest, ...]


@dataclass(frozen=True)
class Lost:
    """The server does not answer; a Listed follows when it does."""

    error: ClusterError


Told = Listed | Lost | Event | MlstackError


class Mirror:
    """A LIST, and a WATCH from there that is taken up again whatever breaks it. One thread.

    From `version`, if it is given, without the LIST. `tell` is called from it: Listed first, then Events; Lost where
    the server is away for longer than a watch bears; an MlstackError, as the last, for what does not mend by itself.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        namespace: str,
        tell: Callable[[Told], None],
        *,
        labels: str = "",
        fields: str = "",
        version: str = "",
    ) -> None:
        self._client = client
        self._place = resource, namespace or None
        self._labels, self._fields = labels, fields
        self._tell = tell
        self._watch = Watch(client, resource, namespace or None, version, labels=labels, fields=fields)
        self._over = threading.Event()
        threading.Thread(target=self._run, daemon=True, name=f"mirror-{resource.plural}").start()

    def stop(self) -> None:
        """Nothing more is told soon after this."""
        self._over.set()
        self._watch.stop()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with wrap_unexpected(f"watching {self._place[0].plural}"):
                    self._follow()
            except GoneError:
                self._watch.resource_version = ""  # too old: list again
            except ClusterError as error:
                if not (isinstance(error, UnreachableError) or error.retryable):
                    return self._tell(error)
                self._tell(Lost(error))
                self._watch.resource_version = ""
                self._over.wait(PAUSE_SECONDS)
            except MlstackError as error:
                return self._tell(error)
        return None

    def _follow(self) -> None:
        resource, namespace = self._place
        if not self._watch.resource_version:
            found = objects.list_objects(self._client, resource, namespace, labels=self._labels, fields=self._fields)
            self._tell(Listed(tuple(found.items)))
            self._watch.resource_version = found.resource_version
        for event in self._watch:
            self._tell(event)
