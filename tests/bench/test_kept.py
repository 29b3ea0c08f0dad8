"""A websocket that is held open: what counts as kept."""

from __future__ import annotations

import threading
from collections.abc import Callable

from websockets.sync.server import ServerConnection, serve

from bench.kept import PHASES, Kept, keep, side_by_side


def held(handler: Callable[[ServerConnection], None]) -> Kept:
    """Half a second of it before such a server."""
    with serve(handler, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = side_by_side({"it": server.socket.getsockname()[1]}, 0.5)["it"]
        server.shutdown()
    return found


def echo(socket: ServerConnection) -> None:
    """As the pod's process does."""
    for message in socket:
        socket.send(message)


def other(socket: ServerConnection) -> None:
    """Sends back what nobody sent."""
    for message in socket:
        socket.send(message[:-1])


def twice(socket: ServerConnection) -> None:
    """Says too much."""
    for message in socket:
        socket.send(message)
        socket.send(message)


def leaves(socket: ServerConnection) -> None:
    """Ends it after a message."""
    socket.send(socket.recv())


def test_what_is_kept() -> None:
    assert abs(sum(part for part, _ in PHASES) - 1) < 1e-9
    kept = held(echo)
    assert (kept.error, len(kept.answers) > 3) == ("", True)
    assert "messages" in str(kept)
    assert held(other).error == "message 0 came back as another one"
    assert "it ended" in str(held(leaves))
    assert held(twice).error
    assert keep(1, 1).error
