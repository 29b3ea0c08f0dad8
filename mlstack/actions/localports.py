"""The local port that a forward had the last time, so that bookmarks live. Losing it costs nothing but that."""

from __future__ import annotations

import json

from mlstack.app.atomic import write_atomic
from mlstack.cachefolder import cache_folder
from mlstack.errors import MlstackError

_FILE = "ports.json"
_KEPT = 200


def last_port(app: str, environment: str, what: str, default: int) -> int:
    """The port that `what` of this app (its id) and environment was forwarded from, else `default`."""
    port = _read().get(_key(app, environment, what))
    return port if isinstance(port, int) and 0 < port < 65536 else default


def remember_port(app: str, environment: str, what: str, port: int) -> None:
    """Keeps the port for the next time. A folder that can't be written is no reason to fail."""
    known = _read()
    key = _key(app, environment, what)
    if known.pop(key, None) == port:
        return
    known[key] = port
    latest = dict(list(known.items())[-_KEPT:])
    try:
        write_atomic(cache_folder() / _FILE, json.dumps(latest, indent=1).encode())
    except MlstackError:
        return


def _key(app: str, environment: str, what: str) -> str:
    return f"{app}/{environment}/{what}"


def _read() -> dict[str, object]:
    try:
        known = json.loads((cache_folder() / _FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
