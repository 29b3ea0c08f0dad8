"""A newer version of a prototype reaches a cluster without loss of what the former one kept there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlstack.bundled import bundled
from mlstack.sandbox import Sandbox

Kubectl = Callable[..., str]

NEWER = "registry.example.com/hub:newer"
# What KubeSpawner leaves of a notebook: nothing of it is mlstack's.
NOTEBOOK = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: claim-ada}
spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}
"""


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def release(folder: Path, image: str) -> None:
    """Version 0.2.0 of the package core: jupyterhub has another image."""
    edit(folder / "core/package.yaml", "version: 0.1.0", "version: 0.2.0")
    edit(folder / "core/jupyterhub/prototype.yaml", "version: 0.1.0", "version: 0.2.0")
    edit(folder / "core/jupyterhub/prototype.yaml", image, NEWER)


def read(kubectl: Kubectl, namespace: str, kind: str) -> list[dict[str, Any]]:
    """The hub's objects of a kind."""
    labels = "app.kubernetes.io/component=hub"
    text = kubectl("get", kind, "-n", namespace, "-l", labels, "-o", "json", context="minikube")
    found: list[dict[str, Any]] = json.loads(text)["items"]
    return found


def kept(kubectl: Kubectl, namespace: str) -> dict[str, Any]:
    """What must outlive an upgrade: the claims, bound to their volumes, and the generated secrets."""
    text = kubectl("get", "pvc,secret", "-n", namespace, "-o", "json", context="minikube")
    claims, secrets = (
        [one for one in json.loads(text)["items"] if one["kind"] == kind]
        for kind in ("PersistentVolumeClaim", "Secret")
    )
    return {
        "claims": {one["metadata"]["name"]: (one["metadata"]["uid"], one["spec"].get("volumeName")) for one in claims},
        "secrets": {one["metadata"]["uid"]: one["data"] for one in secrets if one["type"] == "Opaque"},
    }


def images(kubectl: Kubectl, namespace: str) -> set[str]:
    sets = [*read(kubectl, namespace, "statefulset"), *read(kubectl, namespace, "deployment")]
    return {one["image"] for found in sets for one in found["spec"]["template"]["spec"]["containers"]}


def test_the_hubs_data_outlives_an_upgrade(
    new_app: Callable[[str], Any], made: str, minikube: Sandbox, kubectl: Kubectl, tmp_path: Path
) -> None:
    registry = tmp_path / "registry"
    shutil.copytree(bundled("prototypes"), registry)
    app = new_app("upgrade")
    app.do("registry", "add", "team", str(registry))
    app.do("env", "add", "minikube", "--namespace", made)
    app.do("generate", "team/core/jupyterhub", "hub")
    app.do("apply", "minikube")
    [image] = [one for one in images(kubectl, made) if "k8s-hub" in one]
    kubectl("apply", "-n", made, "-f", "-", context="minikube", stdin=NOTEBOOK)
    before = kept(kubectl, made)
    assert {bool(volume) for _, volume in before["claims"].values()} == {True, False}
    assert set(before["claims"]) > {"claim-ada"}
    assert before["secrets"]
    live = kubectl("get", "all,pvc,secret", "-n", made, "-o", "name", context="minikube")

    release(registry, image)
    files = app.files()
    shown = app.do("pkg", "update", "--dry-run")
    told = (
        f'team/core 0.1.0 -> 0.2.0\n  jupyterhub 0.1.0 -> 0.2.0\n    ~ image: default "{image}" -> default "{NEWER}"\n'
    )
    assert told in shown
    assert f"image: {image}" in shown
    assert f"image: {NEWER}" in shown
    assert app.files() == files
    app.do("show", "minikube")
    assert image in app.do("show", "minikube")  # until it is taken, the app renders what it did

    app.do("pkg", "update", "--yes")
    assert app.do("pkg", "update") == "All is up to date.\n"
    changes = app.run("diff", "minikube")
    assert (changes.returncode, NEWER in changes.stdout) == (16, True), changes.stderr
    refused = app.run("apply", "minikube")  # a hub that runs is not restarted unasked
    assert (refused.returncode, "--allow-disruption" in refused.stderr) == (1, True), refused.stderr
    app.do("apply", "minikube", "--allow-disruption")
    assert NEWER in images(kubectl, made)
    assert kept(kubectl, made) == before
    after = kubectl("get", "all,pvc,secret", "-n", made, "-o", "name", context="minikube")
    services = [{line for line in text.splitlines() if "service/" in line} for text in (live, after)]
    assert services[0] == services[1]
