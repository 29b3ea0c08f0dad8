"""The local control plane: real Kubernetes on this machine by kwokctl, with simulated nodes and pods."""

from __future__ import annotations

from .controlplane import MARK
from .home import binaries_folder
from .lifecycle import down, listing, only, recognise, simulated_nodes, status, up
from .sources import Binaries, find
from .state import Sandbox

__all__ = [
    "MARK",
    "Binaries",
    "Sandbox",
    "binaries_folder",
    "down",
    "find",
    "listing",
    "only",
    "recognise",
    "simulated_nodes",
    "status",
    "up",
]
