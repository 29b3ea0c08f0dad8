"""up, down, list, status: what one does with sandboxes. Every step can be interrupted and done again."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mlstack.errors import MlstackError, did_you_mean

from . import config, controlplane, kubeconfig, nodes, pins, processes, sources, state
from .api import Api, access
from .home import Home, home, locked, remove_tree, sandboxes_folder
from .state import READY, Record, Sandbox

Progress = Callable[[str], None]
DEFAULT = "minikube"
SUPERVISOR_S = 60


def _quiet(text: str) -> None:
    """Say nothing."""


def up(
    name: str | None = None,
    *,
    like: str | None = None,
    context: str | None = None,
    kubeconfig_file: str | None = None,
    nodes_file: Path | None = None,
    binaries: Path | None = None,
    build: bool | None = None,
    progress: Progress = _quiet,
) -> Sandbox:
    """Bring up the sandbox `name` (default: what it is like), or start again what of it does not run.

    `like` is minikube or gke; `context` the name of its context in the user's kubeconfig (default sandbox-NAME);
    `nodes_file` gives Node manifests of one's own; `build` permits a build of minutes (None: as
    MLSTACK_SANDBOX_BUILD says). Raises MlstackError; what is half made then is finished or replaced by the next `up`.
    """
    name = name or like or DEFAULT
    place = home(name)
    lock = locked(sandboxes_folder() / f".{name}.lock", f"Another mlstack is working on the sandbox {name}.")
    with lock, ExitStack() as held:
        record = state.load(name)
        if record is None:
            clear(place)
            record = planned(name, like, context, kubeconfig_file, nodes_file)
        else:
            check_same(record, like, context, nodes_file)
        check_context(record, kubeconfig_file)
        machines = nodes.read_nodes(nodes_file) if nodes_file else None
        if record.phase != READY or build:
            found = sources.find(binaries, may_build=build, progress=progress)
            record = record if record.phase == READY else created(place, record, found, held, progress)
        record = brought_up(place, record, machines, progress)
        supervised(place, record)
        return state.sandbox(record)


def planned(
    name: str, like: str | None, context: str | None, kubeconfig_file: str | None, nodes_file: Path | None
) -> Record:
    """The record of a sandbox that is to be, not yet written."""
    like = like or (name if name in nodes.LIKE else DEFAULT)
    if like not in nodes.LIKE:
        raise MlstackError(f"There is no sandbox like {like}.", did_you_mean(like, nodes.LIKE))
    if nodes_file:
        nodes.read_nodes(nodes_file)
    return Record(
        name=name,
        like=like,
        context=context or f"sandbox-{name}",
        kubeconfig=str(kubeconfig.target(kubeconfig_file)),
        binaries="",
        nodes=state.digest(nodes_file) if nodes_file else "",
    )


def check_same(record: Record, like: str | None, context: str | None, nodes_file: Path | None) -> None:
    """A sandbox is what it was made as: something else needs a new one."""
    if record.phase != READY and record.nodes and nodes_file is None:
        raise MlstackError(f"The sandbox {record.name} was not finished; give its --nodes file again.")
    asked = {"like": like, "context": context, "nodes": state.digest(nodes_file) if nodes_file else None}
    for field, value in asked.items():
        if value is not None and value != getattr(record, field):
            was = "other nodes" if field == "nodes" else f"--{field} {getattr(record, field)}"
            raise MlstackError(
                f"The sandbox {record.name} exists already, with {was}.",
                f"Take it down first: mlstack sandbox down {record.name}",
            )


def check_context(record: Record, kubeconfig_file: str | None = None) -> None:
    """Refuse a context name that is somebody else's in any file that counts, before anything is started."""
    entry = kubeconfig.find(record.context, record.kubeconfig)
    if entry is None and not record.server:
        entry = kubeconfig.find(record.context, kubeconfig_file)
    if entry is not None and (not record.server or entry.server != record.server):
        raise MlstackError(
            f"{entry.file} has a context, cluster or user {record.context} already; nothing was started.",
            "Choose another name with --context.",
        )


def brought_up(place: Home, record: Record, machines: list[nodes.Node] | None, progress: Progress) -> Record:
    """A control plane that was made: all of it running, furnished, and in the user's kubeconfig."""
    if lacking := [program for program in pins.RUNNING if program in state.sandbox(record).dead]:
        progress(f"Starting {', '.join(lacking)} of sandbox {record.name} again")
        controlplane.start(place, Path(record.binaries))
    api = Api(place.admin_kubeconfig)
    controlplane.furnish(api, record.name, record.like, made_nodes(record, machines, api))
    file = Path(record.kubeconfig)
    record = record.but(made=record.made or not file.exists())
    kubeconfig.add(file, record.context, access(place.admin_kubeconfig))
    return record.but(phase=READY)


def made_nodes(record: Record, machines: list[nodes.Node] | None, api: Api) -> list[nodes.Node]:
    """The nodes to see to: the user's, else the platform's; none for one whose nodes file is not given again."""
    if machines is not None:
        return machines
    return [] if record.nodes else nodes.LIKE[record.like].nodes()


def created(place: Home, record: Record, found: sources.Binaries, held: ExitStack, progress: Progress) -> Record:
    """A new control plane. What is left of an attempt that was killed goes first."""
    clear(place)
    ports, listeners = config.choose_ports(held)
    server = f"https://127.0.0.1:{ports['kubeApiserverPort']}"
    place.folder.mkdir(parents=True, mode=0o700)
    record = record.but(binaries=str(found.folder), listeners=listeners, server=server)
    progress(f"Starting sandbox {record.name}: Kubernetes {pins.KUBERNETES} like {record.like}, from {found.source}")
    controlplane.create(place, found.folder, ports, listeners)
    return record


def clear(place: Home) -> None:
    """End what runs of a sandbox and remove its files."""
    processes.end_all(place.folder)
    remove_tree(place.folder)


def supervised(place: Home, record: Record) -> None:
    """See that the background process runs, and that its pages answer."""
    if processes.SUPERVISOR in [process.program for process in processes.owned(place.folder)]:
        return
    log = place.folder / "supervisor.log"
    command = [sys.executable, "-m", processes.SUPERVISOR, str(place.folder)]
    started = processes.spawn(
        command, log, place.folder, {**os.environ, "MLSTACK_SANDBOX_DIR": str(place.folder.parent)}
    )
    last = list(record.listeners.values())[-1]
    processes.wait_until(lambda: not config.is_free(last) or started.poll() is not None, SUPERVISOR_S)
    if config.is_free(last):
        said = (log.read_text().splitlines() or ["nothing"])[-1]
        problem = f"The background process of sandbox {record.name} did not start: it said {said!r}."
        raise MlstackError(problem, f"Its log is {log}.")


def down(name: str | None = None, *, progress: Progress = _quiet) -> bool:
    """End the sandbox `name` (default: the only one) with all its processes, and remove what `up` added anywhere.

    Whether there was anything to do. Raises MlstackError for a name that no sandbox has.
    """
    name = only("down") if name is None else name
    place = home(name)
    with locked(sandboxes_folder() / f".{name}.lock", f"Another mlstack is working on the sandbox {name}."):
        record = state.load(name)
        if record is None and not place.folder.exists():
            known = did_you_mean(name, [entry.name for entry in state.records()])
            raise MlstackError(f"There is no sandbox {name}.", known)
        progress(f"Stopping sandbox {name}")
        processes.end_all(place.folder)
        if record is not None and record.server:
            kubeconfig.remove(Path(record.kubeconfig), record.context, record.server, made=record.made)
        remove_tree(place.folder)
    return True


def only(verb: str) -> str:
    """The name of the only sandbox. Raises MlstackError if there is none or more than one."""
    known = [entry.name for entry in state.records()]
    if len(known) == 1:
        return known[0]
    if not known:
        raise MlstackError("There is no sandbox.", "Make one: mlstack sandbox up")
    raise MlstackError(f"There are several sandboxes: {', '.join(known)}.", f"Say which to {verb}, or --all.")


def listing() -> list[Sandbox]:
    """All sandboxes, by name."""
    return [state.sandbox(record) for record in state.records()]


def status(name: str | None = None) -> Sandbox:
    """The sandbox `name` (default: the only one) as it is now. Raises MlstackError if there is none of that name."""
    name = only("look at") if name is None else name
    record = state.load(home(name).name)
    if record is None:
        raise MlstackError(f"There is no sandbox {name}.", did_you_mean(name, [r.name for r in state.records()]))
    return state.sandbox(record)


def simulated_nodes(sandbox: Sandbox) -> list[dict[str, Any]]:
    """A sandbox's nodes for `status`: name, ready, what pods can have, instance type. Empty if it does not answer."""
    try:
        api = Api(sandbox.admin_kubeconfig)
        ready = controlplane.ready_nodes(api)
        return [_node_row(node, node["metadata"]["name"] in ready) for node in api.items("/api/v1/nodes")]
    except OSError:
        return []


def _node_row(node: dict[str, Any], ready: bool) -> dict[str, Any]:
    labels, size = node["metadata"].get("labels") or {}, node["status"].get("allocatable") or {}
    return {
        "name": node["metadata"]["name"],
        "ready": ready,
        "simulated": labels.get(nodes.SIMULATED) == "true",
        "cpu": size.get("cpu", ""),
        "memory": size.get("memory", ""),
        "gpus": size.get(nodes.GPU, "0"),
        "type": labels.get("node.kubernetes.io/instance-type", ""),
    }


def recognise(server: str) -> dict[str, str] | None:
    """The sandbox whose API server is at the address `server`, without asking it: its name and what it is like."""
    wanted = server.rstrip("/").replace("://localhost:", "://127.0.0.1:")
    for record in state.records():
        if record.server == wanted:
            return {"name": record.name, "like": record.like, "context": record.context}
    return None
