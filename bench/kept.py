"""A websocket that stays open through forwards for a long time, in traffic and in silence, as a notebook's kernel's."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

# What part of the time each phase takes, and whether something is said in it.
PHASES = ((0.05, True), (0.1, False), (0.05, True), (0.2, False), (0.05, True), (0.4, False), (0.15, True))
_SIZES = (20, 1_000, 60_000)
_PAUSE_SECONDS = 0.02
_ANSWER_SECONDS = 60.0


@dataclass
class Kept:
    """What came back of a websocket's messages. `seconds`: how long it was open; `error`: why no longer."""

    answers: list[float] = field(default_factory=list)
    size: int = 0
    seconds: float = 0.0
    error: str = ""

    def __str__(self) -> str:
        millions, longest = self.size / 1e6, max(self.answers, default=0.0) * 1000
        middle = sorted(self.answers)[len(self.answers) // 2] * 1000 if self.answers else 0.0
        ended = f"; it ended: {self.error}" if self.error else ""
        return (
            f"{self.seconds:.0f} s, {len(self.answers):,} messages ({millions:.0f} MB) each way, answered after "
            f"{middle:.1f} ms (median) to {longest:.0f} ms{ended}"
        )


def keep(port: int, seconds: float) -> Kept:
    """Holds a websocket behind a local port open for so long; each message has to come back as it was."""
    kept = Kept()
    start = time.monotonic()
    try:
        with connect(
            f"ws://127.0.0.1:{port}/", ping_interval=None, max_size=None, compression=None, proxy=None, close_timeout=1
        ) as socket:
            for part, talks in PHASES:
                (_talk if talks else _wait)(socket, part * seconds, kept)
    except (OSError, ConnectionClosed, ValueError) as error:
        kept.error = str(error) or type(error).__name__
    kept.seconds = time.monotonic() - start
    return kept


def side_by_side(ports: Mapping[str, int], seconds: float) -> dict[str, Kept]:
    """One through each forward, at the same time."""
    with ThreadPoolExecutor(len(ports)) as pool:
        found = {tool: pool.submit(keep, port, seconds) for tool, port in ports.items()}
        return {tool: one.result() for tool, one in found.items()}


def _talk(socket: ClientConnection, seconds: float, kept: Kept) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        number = len(kept.answers)
        message = number.to_bytes(4, "big") * (_SIZES[number % len(_SIZES)] // 4)
        start = time.perf_counter()
        socket.send(message)
        if socket.recv(_ANSWER_SECONDS) != message:
            raise ValueError(f"message {number} came back as another one")
        kept.answers.append(time.perf_counter() - start)
        kept.size += len(message)
        time.sleep(_PAUSE_SECONDS)


def _wait(socket: ClientConnection, seconds: float, kept: Kept) -> None:
    with suppress(TimeoutError):
        said = socket.recv(seconds)
        raise ValueError(f"{len(said)} bytes came that nobody sent, after message {len(kept.answers)}")
