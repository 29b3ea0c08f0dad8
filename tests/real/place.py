"""An app whose environment is the real node, worked on by mlstack's own commands; and what the cluster then holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.realnode import cluster
from tools.realnode.settings import Node

SMALL = ("--cpu=100m", "--memory=1500Mi")
CLAIM = """{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "NAME"},
"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}"""


@dataclass(frozen=True)
class Place:
    """The app's folder, its environment's namespace, and the node."""

    root: Path
    namespace: str
    node: Node
    environ: Mapping[str, str]

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """`mlstack WORDS` in the app's folder, its output in pipes."""
        script = str(Path(sys.executable).with_name("mlstack"))
        pipe = subprocess.PIPE
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": pipe, "stderr": pipe, **more}
        return subprocess.Popen(
            [script, *words], cwd=self.root, env={**os.environ, **self.environ}, text=True, **options
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`mlstack WORDS` to its end. No user sees a traceback."""
        with self.start(*words) as process:
            out, err = process.communicate(timeout=600)
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def do(self, *words: str) -> str:
        """`mlstack WORDS`, which has to work; what it printed."""
        done = self.run(*words)
        assert done.returncode == 0, f"mlstack {' '.join(words)}\n{done.stdout}{done.stderr}\n{self.pods()}"
        return done.stdout

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """kubectl in the environment's namespace, which has to work."""
        return cluster.kubectl(self.node, words[0], "-n", self.namespace, *words[1:], stdin=stdin)

    def get(self, what: str, name: str) -> dict[str, Any]:
        """An object."""
        found = json.loads(self.kubectl("get", what, name, "-o", "json"))
        assert isinstance(found, dict)
        return found

    def claim(self, name: str) -> None:
        """A volume claim of the user's own."""
        self.kubectl("apply", "-f", "-", stdin=CLAIM.replace("NAME", name))

    def left(self) -> set[str]:
        """What there is in the namespace, as kind/name, without what every namespace has and without events."""
        kinds = "pod,service,configmap,secret,deployment,statefulset,job,replicaset,serviceaccount,role,rolebinding"
        named = self.kubectl("get", f"{kinds},networkpolicy,pvc", "-o", "name").split()
        return set(named) - {"configmap/kube-root-ca.crt", "serviceaccount/default"}

    def pods(self) -> str:
        """Pods and events, for a failed test's message."""
        events = self.kubectl("get", "events", "--sort-by=.lastTimestamp").splitlines()[-15:]
        return "\n".join([self.kubectl("get", "pods", "-o", "wide"), *events])

    def lose(self, pod: str, seconds: float = 120) -> None:
        """Delete the pod of a StatefulSet, and wait until the next one of that name is ready."""
        before = self.get("pod", pod)["metadata"]["uid"]
        self.kubectl("delete", "pod", pod)

        def again() -> bool:
            found = json.loads(self.kubectl("get", "pod", pod, "--ignore-not-found", "-o", "json") or "{}")
            states = found.get("status", {}).get("containerStatuses", [])
            new = bool(states) and found["metadata"]["uid"] != before
            return new and all(state["ready"] for state in states)

        until(again, f"the next {pod}", seconds)

    def facts(self, component: str, event: str) -> dict[str, Any]:
        """The JSON line `event` that the benchmark printed, by `mlstack logs`."""
        said = self.do("logs", "minikube", component)
        lines = [line[line.index("{") :] for line in said.splitlines() if f'"event": "{event}"' in line]
        assert lines, said
        found = json.loads(lines[-1])
        assert isinstance(found, dict)
        return found


def until(there: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.2)
