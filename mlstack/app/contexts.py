"""What a kubeconfig offers, as plain data: `mlstack.cluster` reads it, `env add` chooses from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LOOPBACK = re.compile(r"(?:127\.[0-9.]+|localhost|::1)\Z")


@dataclass(frozen=True)
class KubeContexts:
    """The contexts of a kubeconfig. `servers` and `namespaces` by context, where it says one; `current` may be ""."""

    names: tuple[str, ...] = ()
    current: str = ""
    servers: Mapping[str, str] = field(default_factory=dict)
    namespaces: Mapping[str, str] = field(default_factory=dict)


def on_this_machine(server: str) -> bool:
    """Whether an API server's address is a loopback one: a sandbox or kind cluster that only this machine has."""
    return bool(LOOPBACK.match(urlsplit(server).hostname or ""))
