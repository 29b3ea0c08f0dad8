"""vllm: where the model comes from, how its replicas share GPUs, who may use it, and when it is ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError

One = Callable[..., dict[str, Any]]


@pytest.fixture
def pod(one: One) -> Callable[..., dict[str, Any]]:
    """`pod(platform, **values)`: the spec of the server's pods."""

    def pod(platform: str = "gke", **values: Any) -> dict[str, Any]:
        spec: dict[str, Any] = one("Deployment", "vllm", platform, **values)["spec"]["template"]["spec"]
        return spec

    return pod


Pod = Callable[..., dict[str, Any]]


def variables(container: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}


@pytest.mark.parametrize(
    ("model", "path", "served", "copied", "claims"),
    [
        ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B", False, []),
        ("gs://models/qwen", "/cache/model", "x", True, []),
        ("s3://models/qwen", "/cache/model", "x", True, []),
        ("pvc://models/llm/qwen", "/mnt/models/llm/qwen", "x", False, ["models"]),
        ("/opt/model", "/opt/model", "x", False, []),
    ],
)
def test_where_the_model_comes_from(
    model: str, path: str, served: str, copied: bool, claims: list[str], pod: Pod
) -> None:
    spec = pod(model=model)
    (server,) = spec["containers"]
    assert server["args"][:2] == ["serve", path]
    assert f"--served-model-name={served}" in server["args"]
    assert [one["name"] for one in spec.get("initContainers", [])] == (["copy-model"] if copied else [])
    found = [volume["persistentVolumeClaim"] for volume in spec["volumes"] if "persistentVolumeClaim" in volume]
    assert found == [{"claimName": claim, "readOnly": True} for claim in claims]
    # Off the hub nothing is asked of it.
    assert ("HF_HUB_OFFLINE" in variables(server)) == (model != served)


def test_a_bucket_is_copied_with_the_secrets_credentials(pod: Pod) -> None:
    (copy,) = pod(model="s3://models/qwen", credentials_secret="minio", s3_endpoint="http://minio:9000")[
        "initContainers"
    ]
    assert (copy["command"], copy["args"][:3]) == (["aws"], ["s3", "sync", "--no-progress"])
    assert variables(copy)["AWS_ENDPOINT_URL"] == "http://minio:9000"
    assert variables(copy)["AWS_ACCESS_KEY_ID"] == {"secretKeyRef": {"name": "minio", "key": "AWS_ACCESS_KEY_ID"}}
    spec = pod(model="gs://models/qwen", credentials_secret="google")
    (copy,) = spec["initContainers"]
    assert copy["args"] == ["storage", "rsync", "--recursive", "gs://models/qwen", "/cache/model"]
    assert variables(copy)["CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE"] == "/etc/credentials/key.json"
    assert {"name": "credentials", "secret": {"secretName": "google"}} in spec["volumes"]


@pytest.mark.parametrize(("gpus", "parallel", "shm"), [(0, None, None), (1, None, "2Gi"), (4, 4, "2Gi")])
def test_the_gpus_of_a_replica_share_the_model(gpus: int, parallel: int | None, shm: str | None, pod: Pod) -> None:
    spec = pod(num_gpus=gpus)
    (server,) = spec["containers"]
    assert [arg for arg in server["args"] if "tensor-parallel" in arg] == (
        [f"--tensor-parallel-size={parallel}"] if parallel else []
    )
    assert server["resources"]["limits"].get("nvidia.com/gpu") == (str(gpus) if gpus else None)
    sizes = [volume["emptyDir"].get("sizeLimit") for volume in spec["volumes"] if volume["name"] == "shm"]
    assert sizes == ([shm] if shm else [])
    assert ("vllm-openai" in server["image"]) == bool(gpus)


@pytest.mark.parametrize(("gpus", "surge", "unavailable"), [(0, 1, 0), (1, 0, 1)])
def test_an_update_waits_for_no_gpu_that_the_old_pod_holds(gpus: int, surge: int, unavailable: int, one: One) -> None:
    strategy = one("Deployment", "vllm", num_gpus=gpus)["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxSurge": surge, "maxUnavailable": unavailable}


def test_loading_may_take_its_time(one: One, pod: Pod) -> None:
    (server,) = pod(start_timeout_s=3601)["containers"]
    probe = server["startupProbe"]
    assert probe["failureThreshold"] * probe["periodSeconds"] == 3610
    assert {server[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")} == {
        "/health"
    }
    assert one("Deployment", "vllm", start_timeout_s=3601)["spec"]["progressDeadlineSeconds"] > 3610


def test_secrets_are_named_and_never_told(pod: Pod) -> None:
    (server,) = pod(token={"name": "hub", "key": "token"}, api_key={"name": "api", "key": "word"})["containers"]
    assert variables(server)["HF_TOKEN"] == {"secretKeyRef": {"name": "hub", "key": "token"}}
    assert variables(server)["VLLM_API_KEY"] == {"secretKeyRef": {"name": "api", "key": "word"}}
    assert not {"HF_TOKEN", "VLLM_API_KEY"} & set(variables(pod()["containers"][0]))


def test_a_public_service_needs_a_key(show: Callable[..., Rendered], one: One) -> None:
    with pytest.raises(MlstackError, match="lets everybody who reaches it use the model"):
        show("vllm", service_type="LoadBalancer")
    public = one("Service", "vllm", service_type="LoadBalancer", api_key={"name": "api", "key": "word"})
    assert public["spec"]["type"] == "LoadBalancer"


def test_the_cache_is_each_pods_own_or_a_claim(pod: Pod) -> None:
    assert {"name": "cache", "emptyDir": {"sizeLimit": "200Gi"}} in pod()["volumes"]
    assert {"name": "cache", "emptyDir": {"sizeLimit": "1Ti"}} in pod(cache_size="1Ti")["volumes"]
    kept = {"name": "cache", "persistentVolumeClaim": {"claimName": "weights"}}
    assert kept in pod(cache_claim="weights")["volumes"]
    (server,) = pod()["containers"]
    assert {name for name, value in variables(server).items() if str(value).startswith("/cache/")} == {
        "HF_HOME",
        "VLLM_CACHE_ROOT",
        "TORCHINDUCTOR_CACHE_DIR",
        "TRITON_CACHE_DIR",
    }


def test_a_service_called_vllm_sets_no_port_of_its(pod: Pod) -> None:
    spec = pod()
    assert spec["enableServiceLinks"] is False  # VLLM_PORT=tcp://… would be read as vLLM's own
    assert spec["automountServiceAccountToken"] is False
