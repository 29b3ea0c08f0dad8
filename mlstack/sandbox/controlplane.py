"""The control plane itself, by kwokctl: made, started again, and filled with what a cluster has from the start."""

from __future__ import annotations

import datetime
import os
import subprocess
from pathlib import Path
from typing import Any

from mlstack.errors import MlstackError

from . import config, nodes
from .api import Api
from .home import Home, write_atomically
from .processes import kill, owned, wait_until

MARK = "mlstack-sandbox"
"""The ConfigMap in kube-system by which a cluster is known to be a sandbox."""

CREATE_S = 300  # a busy machine takes long; what fails says so at once
KWOK = "kwok-controller"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


def create(place: Home, binaries: Path, ports: dict[str, int], listeners: dict[int, int]) -> None:
    """Make the control plane and wait until it serves. Raises MlstackError with the end of kwokctl's own words."""
    place.kwok.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = place.folder / "simulated.log"
    time = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000000000Z")
    write_atomically(log, config.LOG_LINE.format(time=time, name=place.name))
    file = place.folder / "kwokctl.yaml"
    write_atomically(file, config.text(ports, listeners, log))
    named = [f"--{flag}-binary={binaries / program}" for flag, program in BINARY_FLAGS.items()]
    _kwokctl(
        place, binaries, "create", "cluster", "--config", str(file), "--runtime", "binary", *named, "--kubeconfig="
    )


BINARY_FLAGS = {
    "kube-apiserver": "kube-apiserver",
    "kube-controller-manager": "kube-controller-manager",
    "kube-scheduler": "kube-scheduler",
    "etcd": "etcd",
    "kwok-controller": "kwok",
}


def start(place: Home, binaries: Path) -> None:
    """Start what does not run of a control plane that was made before."""
    if KWOK not in _running(place):
        thaw(place, binaries)
    _start(place, binaries)


def thaw(place: Home, binaries: Path) -> None:
    """Remove the nodes' leases before a new kwok starts.

    It would find them held by the one before, and leave nodes and pods frozen until they have run out (200 s).
    """
    api = Api(place.admin_kubeconfig)
    if not api.healthy():
        # kwokctl starts everything at once, so the API server can't be had without a kwok: end that one again.
        _start(place, binaries)
        kill(process for process in owned(place.folder) if process.program == KWOK)
    api.delete(LEASES)


def _start(place: Home, binaries: Path) -> None:
    """Have kwokctl start what is dead; its pid files go first, for any process might have their numbers by now."""
    running = _running(place)
    for file in (place.cluster / "pids").glob("*.pid"):
        if file.stem not in running:
            file.unlink(missing_ok=True)
    _kwokctl(place, binaries, "start", "cluster")


def _running(place: Home) -> set[str]:
    return {process.program for process in owned(place.folder)}


def _kwokctl(place: Home, binaries: Path, *words: str) -> None:
    # kwokctl takes kubectl from PATH: only ours may be found there.
    env = {**os.environ, "KWOK_WORKDIR": str(place.kwok), "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}"}
    env = {key: value for key, value in env.items() if key not in ("KUBECONFIG", "KWOK_CONFIG")}
    command = [str(_own_kwokctl(place, binaries)), "--name", place.name, *words, "--wait", "240s"]
    try:
        done = subprocess.run(
            command, env=env, cwd=place.kwok, capture_output=True, text=True, timeout=CREATE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise MlstackError(f"The control plane did not start within {CREATE_S} s.", _look(place)) from error
    except OSError as error:
        raise MlstackError(f"{binaries / 'kwokctl'} can't be run: {error.strerror}.", _look(place)) from error
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise MlstackError(f"The control plane did not start: {' / '.join(last)}", _look(place))


def _own_kwokctl(place: Home, binaries: Path) -> Path:
    """kwokctl under a path of the sandbox's: so it is known for ours if whoever started it is killed."""
    link = place.kwok / "kwokctl"
    link.unlink(missing_ok=True)
    link.symlink_to(binaries / "kwokctl")
    return link


def _look(place: Home) -> str:
    return f"Its logs are in {place.cluster / 'logs'}; `mlstack sandbox down {place.name}` clears it away."


def furnish(api: Api, name: str, like: str, machines: list[nodes.Node]) -> None:
    """Give the cluster its mark, its StorageClass and its nodes, and wait until the nodes are Ready."""
    if not wait_until(api.healthy, CREATE_S):
        raise MlstackError(f"The API server of sandbox {name} at {api.server} is not ready.")
    api.apply(f"/api/v1/namespaces/kube-system/configmaps/{MARK}", mark(name, like))
    kind = nodes.storage_class(like)
    api.apply(f"/apis/storage.k8s.io/v1/storageclasses/{kind['metadata']['name']}", kind)
    for machine in machines:
        put_node(api, machine)
    wanted = {machine["metadata"]["name"] for machine in machines}
    if not wait_until(lambda: wanted <= ready_nodes(api), 60, 0.1):
        late = ", ".join(sorted(wanted - ready_nodes(api)))
        raise MlstackError(f"The simulated nodes did not become ready: {late}.")


def mark(name: str, like: str) -> dict[str, Any]:
    """The ConfigMap that tells what this cluster is."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": MARK, "namespace": "kube-system"},
        "data": {"name": name, "like": like},
    }


def put_node(api: Api, node: nodes.Node) -> None:
    """Make a node, with its size in the same request; one that is there stays as it is."""
    path = "/api/v1/nodes"
    if api.get(f"{path}/{node['metadata']['name']}") is None:
        api.create(path, node)


def ready_nodes(api: Api) -> set[str]:
    """The names of the nodes that are Ready and that pods may go to."""
    return {node["metadata"]["name"] for node in api.items("/api/v1/nodes") if _is_ready(node)}


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or []
    taints = (node.get("spec") or {}).get("taints") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions) and not any(
        taint["key"].startswith("node.kubernetes.io/") for taint in taints
    )
