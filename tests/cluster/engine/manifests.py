"""What the tests of the engine apply: small, each kind once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

SCHEMALESS = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: train}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {MODE}}
    spec:
      restartPolicy: Never
      containers: [{name: train, image: busybox, args: ["1"]}]
"""


def job(mode: str, argument: str = "1") -> str:
    """A Job called train, with an annotation for the simulated pods and an argument that makes it another run."""
    return JOB.replace("MODE", mode).replace('"1"', f'"{argument}"')


def config(name: str, namespace: str = "", **data: str) -> str:
    """A ConfigMap."""
    where = {"namespace": namespace} if namespace else {}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **where}, "data": data})


def deployment(name: str = "web", namespace: str = "", image: str = "nginx:1.27", mode: str = "", **spec: Any) -> str:
    """A Deployment of one container called like it; `spec` is said beside its selector and its pods.

    `mode` is how its simulated pods behave (docs/sandbox.md: sim/mode).
    """
    return workload("Deployment", name, namespace, image, mode, **spec)


def workload(kind: str, name: str, namespace: str = "", image: str = "nginx:1.27", mode: str = "", **spec: Any) -> str:
    """A Deployment, or another kind of apps that is written the same way."""
    where = {"namespace": namespace} if namespace else {}
    labels = {"labels": {"app": name}} | ({"annotations": {"sim/mode": mode}} if mode else {})
    pods = {"metadata": labels, "spec": {"containers": [{"name": name, "image": image}]}}
    every = {**spec, "selector": {"matchLabels": {"app": name}}, "template": pods}
    return json.dumps({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, **where}, "spec": every})


def service(name: str) -> str:
    """A Service of the pods that `deployment` makes."""
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    return json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})


def definition(group: str, schema: Any = SCHEMALESS, versions: Sequence[str] = ("v1",)) -> str:
    """The definition of a kind Thing in a group, served in these versions; the first one is stored."""
    spec = {
        "group": group,
        "scope": "Namespaced",
        "names": {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"},
        "versions": [
            {"name": name, "served": True, "storage": name == versions[0], "schema": {"openAPIV3Schema": schema}}
            for name in versions
        ],
    }
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    return json.dumps({**kind, "metadata": {"name": f"things.{group}"}, "spec": spec})


def thing(group: str, name: str = "one", version: str = "v1", **spec: Any) -> str:
    """An object of that kind."""
    kind = {"apiVersion": f"{group}/{version}", "kind": "Thing"}
    return json.dumps({**kind, "metadata": {"name": name}, "spec": {"size": 3, **spec}})


def together(*manifests: str) -> str:
    """The objects as documents of one file."""
    return "\n---\n".join(manifests)
