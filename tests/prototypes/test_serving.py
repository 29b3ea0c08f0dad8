"""tf-serving: where the model comes from, which versions, how a replica is ready, how many there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError

Show = Callable[..., Rendered]
One = Callable[..., dict[str, Any]]


def pod(deployment: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def variables(container: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}


@pytest.mark.parametrize(
    ("path", "base", "volume", "copied"),
    [
        ("gs://models/flowers", "gs://models/flowers", None, False),
        ("/models/flowers", "/models/flowers", None, False),
        ("s3://models/flowers", "/models/x", {"name": "model", "emptyDir": {"sizeLimit": "20Gi"}}, True),
        (
            "pvc://models/flowers/best",
            "/mnt/models/flowers/best",
            {"name": "model", "persistentVolumeClaim": {"claimName": "models", "readOnly": True}},
            False,
        ),
    ],
)
def test_where_the_model_comes_from(
    path: str, base: str, volume: dict[str, Any] | None, copied: bool, one: One
) -> None:
    spec = pod(one("Deployment", "tf-serving", model_path=path))
    assert f'base_path: "{base}"' in one("ConfigMap", "tf-serving", model_path=path)["data"]["models.config"]
    assert [found for found in spec["volumes"] if found["name"] == "model"] == ([volume] if volume else [])
    mounts = [mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"] if mount["name"] == "model"]
    assert all(base.startswith(mount) for mount in mounts)
    assert bool(mounts) == bool(volume)
    assert bool(spec.get("initContainers")) == copied


def test_a_model_in_s3_is_copied_before_the_server_starts(one: One) -> None:
    values = {"model_path": "s3://models/flowers", "s3_endpoint": "http://minio:9000", "credentials_secret": "minio"}
    (copy,) = pod(one("Deployment", "tf-serving", **values))["initContainers"]
    assert copy["args"] == ["s3", "sync", "--no-progress", "s3://models/flowers", "/models/x"]
    assert variables(copy)["AWS_ENDPOINT_URL"] == "http://minio:9000"
    assert variables(copy)["AWS_SECRET_ACCESS_KEY"] == {
        "secretKeyRef": {"name": "minio", "key": "AWS_SECRET_ACCESS_KEY"}
    }


@pytest.mark.parametrize(
    ("platform", "values", "found"),
    [
        ("gke", {}, {}),
        ("minikube", {}, {"NO_GCE_CHECK": "true"}),
        ("minikube", {"service_account": "serving"}, {}),
        (
            "minikube",
            {"credentials_secret": "bucket"},
            {"GOOGLE_APPLICATION_CREDENTIALS": "/etc/credentials/key.json"},
        ),
        ("minikube", {"model_path": "/models/flowers"}, {}),
    ],
)
def test_credentials_for_a_google_bucket(
    platform: str, values: dict[str, Any], found: dict[str, str], one: One
) -> None:
    server = pod(one("Deployment", "tf-serving", platform, **values))["containers"][0]
    assert found.items() <= variables(server).items()
    assert ("NO_GCE_CHECK" in variables(server)) == ("NO_GCE_CHECK" in found)
    assert ("GOOGLE_APPLICATION_CREDENTIALS" in variables(server)) == ("GOOGLE_APPLICATION_CREDENTIALS" in found)


def test_versions_and_their_labels(one: One) -> None:
    values = {"versions": [1, 3], "version_labels": {"stable": 1, "canary": 3}}
    config = one("ConfigMap", "tf-serving", **values)["data"]["models.config"]
    assert "specific { versions: 1 versions: 3 }" in config
    assert 'version_labels { key: "stable" value: 1 }' in config
    assert 'version_labels { key: "canary" value: 3 }' in config
    assert "model_version_policy" not in one("ConfigMap", "tf-serving")["data"]["models.config"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"version_labels": {"stable": 1}}, "names a version that is not served"),
        ({"min_replicas": 4, "max_replicas": 3}, "min_replicas (4) is above max_replicas (3)"),
        ({"model_path": "http://models/flowers"}, "model_path"),
    ],
)
def test_what_cannot_be_served(values: dict[str, Any], says: str, show: Show) -> None:
    with pytest.raises(MlstackError) as error:
        show("tf-serving", **values)
    assert says in str(error.value)


def test_a_model_path_is_required(show: Show) -> None:
    with pytest.raises(MlstackError, match="model_path"):
        show("tf-serving", model_path=None)


def test_a_replica_is_ready_when_its_model_is(one: One) -> None:
    server = pod(one("Deployment", "tf-serving", model_name="flowers", start_timeout_s=301))["containers"][0]
    assert server["startupProbe"]["httpGet"] == {"path": "/v1/models/flowers", "port": "http"}
    assert server["startupProbe"]["failureThreshold"] * server["startupProbe"]["periodSeconds"] == 305
    assert server["readinessProbe"]["httpGet"]["path"] == "/v1/models/flowers/metadata"
    assert server["livenessProbe"]["tcpSocket"] == {"port": "grpc"}


def test_rest_and_grpc(one: One) -> None:
    ports = {port["name"]: port["port"] for port in one("Service", "tf-serving")["spec"]["ports"]}
    assert ports == {"grpc": 8500, "http": 8501}
    args = pod(one("Deployment", "tf-serving"))["containers"][0]["args"]
    assert {"--port=8500", "--rest_api_port=8501"} <= set(args)


@pytest.mark.parametrize(("gpus", "surge", "unavailable"), [(0, 1, 0), (2, 0, 1)])
def test_an_update_waits_for_no_gpu_that_the_old_pod_holds(gpus: int, surge: int, unavailable: int, one: One) -> None:
    deployment = one("Deployment", "tf-serving", num_gpus=gpus, cpu="2")
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": surge, "maxUnavailable": unavailable}
    resources = pod(deployment)["containers"][0]["resources"]
    assert resources["requests"]["cpu"] == "2"  # of a replica, however many GPUs it has
    assert resources["limits"].get("nvidia.com/gpu") == (str(gpus) if gpus else None)


def test_the_autoscaler_owns_the_number_of_replicas(show: Show, one: One) -> None:
    scaler = one("HorizontalPodAutoscaler", "tf-serving", max_replicas=5, min_replicas=2)
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (2, 5)
    target = scaler["spec"]["scaleTargetRef"]
    deployment = one("Deployment", "tf-serving", max_replicas=5)
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    assert "replicas" not in deployment["spec"]
    assert "HorizontalPodAutoscaler" not in [manifest["kind"] for manifest in show("tf-serving").manifests]
    assert one("Deployment", "tf-serving", replicas=3)["spec"]["replicas"] == 3


def test_batching_and_metrics(one: One) -> None:
    values = {"batching": True, "max_batch_size": 8, "batch_timeout_us": 100}
    data = one("ConfigMap", "tf-serving", **values)["data"]
    assert data["batching.config"] == "max_batch_size { value: 8 }\nbatch_timeout_micros { value: 100 }\n"
    args = pod(one("Deployment", "tf-serving", **values))["containers"][0]["args"]
    assert "--batching_parameters_file=/etc/tf-serving/batching.config" in args
    assert "--monitoring_config_file=/etc/tf-serving/monitoring.config" in args
    bare = one("Deployment", "tf-serving", metrics=False)
    assert not any("monitoring" in arg or "batching" in arg for arg in pod(bare)["containers"][0]["args"])
    assert not any(key.startswith("prometheus.io") for key in bare["spec"]["template"]["metadata"]["annotations"])


def test_a_changed_model_configuration_rolls_the_replicas(one: One) -> None:
    def digest(**values: Any) -> str:
        template = one("Deployment", "tf-serving", **values)["spec"]["template"]
        return str(template["metadata"]["annotations"]["mlstack.dev/config"])

    assert len({digest(), digest(versions=[1]), digest(batching=True), digest(metrics=False)}) == 4


def test_a_hostile_model_path_stays_a_path(one: One) -> None:
    config = one("ConfigMap", "tf-serving", model_path='/m" } config { name: "evil')["data"]["models.config"]
    assert config.count("\n  config {") == 1
    assert r'base_path: "/m\" } config { name: \"evil"' in config


LABELS_AT_START = "--allow_version_labels_for_unavailable_models=true"


def test_labels_are_taken_before_a_version_is_loaded(one: One) -> None:
    """The server reads its file when it starts; without the flag a label for what is not loaded ends it."""
    labelled = {"model_path": "/m", "versions": [1, 2], "version_labels": {"stable": 1, "canary": 2}}
    assert LABELS_AT_START in pod(one("Deployment", "tf-serving", **labelled))["containers"][0]["args"]
    assert LABELS_AT_START not in pod(one("Deployment", "tf-serving", model_path="/m"))["containers"][0]["args"]


@pytest.mark.parametrize("prototype", ["tf-serving", "vllm"])
@pytest.mark.parametrize(("replicas", "several"), [(1, False), (2, True)])
def test_several_replicas_are_spread_and_drained_one_by_one(
    prototype: str, replicas: int, several: bool, one: One, show: Callable[..., Rendered]
) -> None:
    spec = pod(one("Deployment", prototype, replicas=replicas))
    labels = one("Deployment", prototype, replicas=replicas)["spec"]["template"]["metadata"]["labels"]
    kinds = [manifest["kind"] for manifest in show(prototype, replicas=replicas).manifests]
    assert ("topologySpreadConstraints" in spec, "PodDisruptionBudget" in kinds) == (several, several)
    if several:
        (spread,) = spec["topologySpreadConstraints"]
        budget = one("PodDisruptionBudget", prototype, replicas=replicas)["spec"]
        assert (spread["whenUnsatisfiable"], budget["maxUnavailable"]) == ("ScheduleAnyway", 1)
        for chosen in (spread["labelSelector"], budget["selector"]):
            assert chosen["matchLabels"].items() <= labels.items()


def test_replicas_that_the_load_makes_are_spread_too(one: One) -> None:
    assert one("PodDisruptionBudget", "tf-serving", max_replicas=3)
