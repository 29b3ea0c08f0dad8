"""What is known of a sandbox without asking it: what `up` was asked for, and how far it came."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .home import Home, home, names, read_json, write_atomically
from .processes import Process, owned

STARTING = "starting"
READY = "ready"


@dataclass(frozen=True)
class Record:
    """The file sandbox.json. `made` says whether the kubeconfig was made for the sandbox; `nodes` is the digest of the
    user's nodes file, empty for the platform's own; `listeners` maps pods' ports to the local ones of their pages."""

    name: str
    like: str
    context: str
    kubeconfig: str
    binaries: str
    phase: str = STARTING
    made: bool = False
    nodes: str = ""
    server: str = ""
    listeners: Mapping[int, int] = field(default_factory=dict)

    def save(self) -> Record:
        """Write it, in one step."""
        write_atomically(home(self.name).state, json.dumps(dataclasses.asdict(self), indent=2) + "\n")
        return self

    def but(self, **changes: Any) -> Record:
        """A copy with some fields changed, saved."""
        return dataclasses.replace(self, **changes).save()


def load(name: str) -> Record | None:
    """The record of the sandbox `name`; None if there is none, or it was never finished being written."""
    data = read_json(home(name).state)
    known = {entry.name for entry in dataclasses.fields(Record)}
    if not known.issubset(data):
        return None
    listeners = {int(port): int(local) for port, local in data["listeners"].items()}
    return Record(**{**{key: data[key] for key in known}, "listeners": listeners})


@dataclass(frozen=True)
class Sandbox:
    """A sandbox as it is now.

    `kubeconfig` is the user's file that has the `context`; `admin_kubeconfig` the control plane's own. `pids` maps the
    running processes' programs to their numbers; `dead` names what should run and does not. `operator` says how the
    training operator is: state (absent, waiting, running, restarting), reason, deployment, pid, restarts.
    """

    name: str
    like: str
    context: str
    kubeconfig: Path
    admin_kubeconfig: Path
    server: str
    binaries: Path
    phase: str
    pids: Mapping[str, int]
    dead: tuple[str, ...]
    operator: Mapping[str, Any]

    @property
    def ready(self) -> bool:
        """Whether it came up wholly and all of it still runs."""
        return self.phase == READY and not self.dead

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `-o json`."""
        fields = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        plain = {key: str(value) if isinstance(value, Path) else value for key, value in fields.items()}
        return {**plain, "dead": list(self.dead), "ready": self.ready, "simulated": True}


def sandbox(record: Record) -> Sandbox:
    """The sandbox that a record tells of, with what runs of it now."""
    place = home(record.name)
    running = {process.program: process.pid for process in owned(place.folder)}
    return Sandbox(
        name=record.name,
        like=record.like,
        context=record.context,
        kubeconfig=Path(record.kubeconfig),
        admin_kubeconfig=place.admin_kubeconfig,
        server=record.server,
        binaries=Path(record.binaries),
        phase=record.phase,
        pids=running,
        dead=missing(running),
        operator=operator_state(place, running),
    )


def missing(running: Mapping[str, int]) -> tuple[str, ...]:
    """What a sandbox is made of and does not run; the operator is the supervisor's affair."""
    from .pins import RUNNING
    from .processes import SUPERVISOR

    return tuple(program for program in (*RUNNING, SUPERVISOR) if program not in running)


def operator_state(place: Home, running: Mapping[str, int]) -> dict[str, Any]:
    """What the supervisor last wrote of the training operator, corrected by whether it runs."""
    from .pins import OPERATOR

    told = dict(read_json(place.supervisor).get("operator") or {"state": "absent"})
    if told.get("state") == "running" and OPERATOR not in running:
        told |= {"state": "restarting", "reason": "its process ended"}
    return told


def records() -> list[Record]:
    """All sandboxes' records, by name."""
    return [record for record in map(load, names()) if record is not None]


def processes(name: str) -> list[Process]:
    """Everything of the sandbox `name` that runs."""
    return owned(home(name).folder)


def digest(path: Path) -> str:
    """What a file's content is known by."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
