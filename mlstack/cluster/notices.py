"""What a forward tells its user: each thing once, however many connections meet it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from mlstack.cluster.failures import NotFoundError
from mlstack.cluster.targets import Endpoint, NoTargetError, NotYetError, Target
from mlstack.errors import MlstackError

# Tunnels mostly break together: they are counted for so long and told at once.
_TOGETHER_SECONDS = 0.5


@dataclass(frozen=True)
class Notice:
    """Something that the user should know. `kind`: "waiting" (for the first pod), "listening", "moved" (another local
    port), "open" (others can reach it), "target" (another pod), "lost" (open connections ended), "trouble" (a
    connection waits or could not be served), "recovered"."""

    kind: str
    text: str


OnNotice = Callable[[Notice], None]


class Teller:
    """The notices of one route to `target`; lives on the event loop."""

    def __init__(self, notify: OnNotice, target: Target) -> None:
        self._notify = notify
        self._target = target
        self._trouble = ""
        self._silent = False
        self._broken = 0

    def trouble(self, text: str) -> None:
        """Why connections wait or fail; 500 that fail alike are one message."""
        if text != self._trouble:
            self._notify(Notice("trouble", text))
        self._trouble, self._silent = text, False

    def failed(self, error: MlstackError, former: Endpoint | None) -> None:
        """The same, of an error; `former` is where connections went before."""
        missing = isinstance(error, NoTargetError | NotFoundError) and not isinstance(error, NotYetError)
        self.trouble(f"{former.pod} is gone; waiting for the next one." if former and missing else str(error))

    def silent(self, endpoint: Endpoint | None) -> None:
        """Nothing comes from there, and connections wait."""
        self.trouble(f"{endpoint or self._target} has been silent for some seconds; connections wait.")
        self._silent = True

    def heard(self) -> None:
        """It is no longer silent."""
        if self._trouble and self._silent:
            self.answered()

    def answered(self) -> None:
        """Bytes came from the pod."""
        if self._trouble:
            self._notify(Notice("recovered", f"{self._target} answers again."))
        self._trouble = ""

    def found(self, endpoint: Endpoint, former: Endpoint) -> None:
        """Connections go to another pod now."""
        same = former.pod == endpoint.pod
        text = f"{endpoint.pod} was replaced" if same else f"{self._target} is now {endpoint}"
        self._notify(Notice("target", f"{text}; forwarding again."))
        self._trouble = ""

    def lost(self, endpoint: Endpoint, count: int) -> None:
        """A tunnel broke, and with it so many open connections."""
        if not self._broken:
            asyncio.get_running_loop().call_later(_TOGETHER_SECONDS, self._tell_lost, endpoint)
        self._broken += count

    def _tell_lost(self, endpoint: Endpoint) -> None:
        count, self._broken = self._broken, 0
        what = "1 open connection" if count == 1 else f"{count} open connections"
        self._notify(Notice("lost", f"The way to {endpoint.pod} broke: {what} ended. New ones are forwarded again."))
