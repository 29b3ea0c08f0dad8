"""tensorboard: where the logs come from, and who reaches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

One = Callable[..., dict[str, Any]]


def spec_of(one: One, platform: str = "gke", **values: Any) -> dict[str, Any]:
    spec: dict[str, Any] = one("Deployment", "tensorboard", platform, **values)["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize(
    ("logdir", "seen", "volume"),
    [
        ("gs://runs/cnn", "gs://runs/cnn", None),
        ("s3://runs/cnn", "/logs", {"name": "logs", "emptyDir": {"sizeLimit": "20Gi"}}),
        (
            "pvc://runs/a/b",
            "/mnt/runs/a/b",
            {"name": "model", "persistentVolumeClaim": {"claimName": "runs", "readOnly": True}},
        ),
    ],
)
def test_where_the_logs_come_from(logdir: str, seen: str, volume: dict[str, Any] | None, one: One) -> None:
    spec = spec_of(one, logdir=logdir)
    assert f"--logdir={seen}" in spec["containers"][0]["args"]
    assert spec["volumes"] == ([volume] if volume else [])
    mounts = [mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]]
    assert all(seen.startswith(mount) for mount in mounts)
    assert bool(mounts) == bool(volume)


def test_a_sidecar_keeps_copying_from_s3(one: One) -> None:
    (copy,) = spec_of(one, logdir="s3://runs/cnn", reload_s=7)["initContainers"]
    assert copy["restartPolicy"] == "Always"
    assert copy["command"][2] == 'while true; do "$@" || true; sleep 7; done'
    assert copy["args"] == ["aws", "s3", "sync", "--no-progress", "s3://runs/cnn", "/logs"]
    assert "initContainers" not in spec_of(one, logdir="gs://runs/cnn")


def test_it_is_reached_inside_the_cluster_alone(one: One) -> None:
    service = one("Service", "tensorboard")
    assert service["spec"]["type"] == "ClusterIP"  # it asks nobody for a password
    assert [port["port"] for port in service["spec"]["ports"]] == [6006]
