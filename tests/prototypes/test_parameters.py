"""Every declared parameter has an effect, and every name of 2017 is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError

Values = Mapping[str, Any]

# A value that is not the default, for each parameter; beside it what it needs to have an effect (a pair).
POD: dict[str, Any] = {
    "accelerator": ("amd.com/gpu", {"num_gpus": 1}),
    "accelerator_type": ("l4", {"num_gpus": 1}),
    "annotations": {"team": "vision"},
    "cpu": "3",
    "env": {"LEVEL": "debug"},
    "image": "registry.example.com/other:2",
    "image_gpu": ("registry.example.com/other:gpu", {"num_gpus": 1}),
    "image_pull_policy": "Always",
    "image_pull_secrets": ["registry"],
    "labels": {"team": "vision"},
    "memory": "3Gi",
    "node_selector": {"pool": "a"},
    "num_gpus": 2,
    "priority_class": "high",
    "secret_env": {"TOKEN": "hub/token"},
    "service_account": "trainer",
    "spot": True,
    "tolerations": [{"key": "team", "operator": "Exists"}],
}
RESOLVED = {"for": "max", "num_workers": 5, "num_gpus": 2}
JOB: dict[str, Any] = {
    **POD,
    "active_deadline_s": 60,
    "backoff_limit": 0,
    "clean_pod_policy": "All",
    "gang": "volcano",
    "num_ps": 2,
    "num_workers": 3,
    "port": 3333,
    "ps_cpu": ("2", {"num_ps": 1, "num_masters": 1}),
    "ps_memory": ("3Gi", {"num_ps": 1}),
    "queue": "team-a",
    "resolved": (RESOLVED, {"scale": "max", "resolved": {**RESOLVED, "num_workers": 1}}),
    "restart_policy": "Never",
    "scale": ("max", {"resolved": RESOLVED}),
    "shm_size": "1Gi",
    "suspend": True,
    "ttl_s": 0,
}
NOT_IN_ALL_JOBS = {"num_ps", "ps_cpu", "ps_memory"}
HUB: dict[str, Any] = {
    "accelerator_type": ("l4", {"gpus": 1}),
    "admin_users": ["ada"],
    "allowed_users": ["ada"],
    "authenticator": ("native", {"admin_users": ["ada"]}),
    "cpu_guarantee": 0.5,
    "cpu_limit": 2,
    "cull_idle_s": 0,
    "db_storage": "2Gi",
    "gpus": 1,
    "image": "registry.example.com/hub:1",
    "memory_guarantee": "2G",
    "memory_limit": "4G",
    "network_policy": False,
    "notebook_image": "registry.example.com/notebook:1",
    "notebook_image_gpu": ("registry.example.com/notebook:gpu", {"gpus": 1}),
    "notebook_mount": "/home/ada",
    "password": {"name": "hub", "key": "password"},
    "proxy_image": "registry.example.com/proxy:1",
    "service_type": ("NodePort", {"authenticator": "native", "admin_users": ["ada"]}),
    "shared_claims": ["data"],
    "start_timeout_s": 60,
    "storage": "20Gi",
    "storage_class": "fast",
}
OAUTH: dict[str, Any] = {
    "authenticator": "oauth",
    "allowed_users": ["ada"],
    "oauth_client_id": "hub",
    "oauth_client_secret": {"name": "hub", "key": "secret"},
    "oauth_callback_url": "https://hub.example.com/hub/oauth_callback",
}
HUB_OAUTH: dict[str, Any] = {
    "oauth_callback_url": ("https://other.example.com/hub/oauth_callback", OAUTH),
    "oauth_client_id": ("other", OAUTH),
    "oauth_client_secret": ({"name": "other", "key": "secret"}, OAUTH),
    "oauth_provider": ("gitlab", OAUTH),
    "oauth_settings": ({"allowed_organizations": ["acme"]}, OAUTH),
}
OPERATOR: dict[str, Any] = {
    "crds": "skip",
    "gang_scheduler": "volcano",
    "image": "registry.example.com/operator:1",
    "mpi_kubectl_image": ("registry.example.com/kubectl:1", {"schemes": ["mpijob"]}),
    "pytorch_init_image": "registry.example.com/busybox:1",
    "schemes": ["tfjob"],
    "scope": "namespace",
    "webhook": False,
}
AS_THEY_ARE = ("crds", "gang_scheduler", "mpi_kubectl_image", "pytorch_init_image", "webhook")
S3 = {"model_path": "s3://models/flowers", "credentials_secret": "bucket"}


def prefixed(values: dict[str, Any], prefix: str, but: tuple[str, ...] = ()) -> dict[str, Any]:
    """The table for kubeflow-core, where hub and operator stand side by side."""

    def renamed(key: str) -> str:
        return key if key in but else prefix + key

    return {
        renamed(key): (value[0], {renamed(name): item for name, item in value[1].items()})
        if isinstance(value, tuple)
        else value
        for key, value in values.items()
    }


CHANGES: dict[str, dict[str, Any]] = {
    "jupyterhub": {**HUB, **HUB_OAUTH},
    "training-operator": OPERATOR,
    "kubeflow-core": {
        "hub": False,
        "operator": False,
        **prefixed({**HUB, **HUB_OAUTH}, "hub_"),
        **prefixed(OPERATOR, "operator_", but=AS_THEY_ARE),
    },
    "tf-job": {
        **JOB,
        "args": ["--epochs=3"],
        "command": ["python", "train.py"],
        "data_pvc": "flowers",
        "evaluator": True,
        "model_dir": "pvc://models/flowers",
        "num_masters": 1,
        "success_policy": "AllWorkers",
    },
    "tf-cnn": {
        **JOB,
        "batch_size": 64,
        "display_every": 5,
        "export_dir": "pvc://models/cnn",
        "fp16": True,
        "image_size": 96,
        "model": "trivial",
        "num_steps": 10,
        "ps_cpu": ("2", {"num_ps": 1}),
        "warmup_steps": 0,
    },
    "mpi-job": {
        **{name: value for name, value in JOB.items() if name not in NOT_IN_ALL_JOBS | {"port"}},
        "args": ["--epochs=3"],
        "command": ["horovodrun", "/train.py"],
        "data_pvc": "flowers",
        "launcher_cpu": "1",
        "launcher_memory": "2Gi",
        "slots_per_worker": 3,
    },
    "paddle-job": {
        **JOB,
        "args": ["--epochs=3"],
        "command": ["python", "train.py"],
        "data_pvc": "flowers",
        "elastic_max": 4,
        "elastic_min": (2, {"elastic_max": 4, "num_workers": 3}),
        "ps_cpu": ("2", {"num_ps": 1}),
    },
    "tf-serving": {
        **POD,
        "batch_timeout_us": (100, {"batching": True}),
        "batching": True,
        "credentials_key": ("other.json", {"credentials_secret": "bucket"}),
        "credentials_secret": "bucket",
        "max_batch_size": (64, {"batching": True}),
        "max_replicas": 3,
        "metrics": False,
        "min_replicas": (2, {"max_replicas": 3}),
        "model_name": "flowers",
        "model_path": "/models/flowers",
        "poll_s": 0,
        "replicas": 2,
        "s3_access_key": ("id", S3),
        "s3_endpoint": ("http://minio:9000", S3),
        "s3_image": ("registry.example.com/aws:1", S3),
        "s3_region": ("eu-central-1", S3),
        "s3_secret_key": ("secret", S3),
        "s3_verify_ssl": (False, S3),
        "service_type": "LoadBalancer",
        "start_timeout_s": 900,
        "target_cpu_percent": (50, {"max_replicas": 3}),
        "version_labels": ({"stable": 1}, {"versions": [1, 2]}),
        "versions": [1, 2],
    },
}
CASES = [(prototype, name) for prototype, changes in CHANGES.items() for name in changes]


def test_the_table_names_every_declared_parameter(catalogue: dict[str, Prototype]) -> None:
    declared = {name: set(one.parameters) - {"name", "namespace"} for name, one in catalogue.items()}
    assert {name: set(changes) for name, changes in CHANGES.items()} == declared


@pytest.mark.parametrize(("prototype", "name"), CASES)
def test_a_parameter_changes_the_render(prototype: str, name: str, show: Callable[..., Rendered]) -> None:
    change = CHANGES[prototype][name]
    value, beside = change if isinstance(change, tuple) else (change, {})
    before = show(prototype, "gke", **beside)
    assert show(prototype, "gke", **{**beside, name: value}).manifests != before.manifests


def test_the_namespace_parameter_is_obeyed_everywhere(show: Callable[..., Rendered]) -> None:
    for prototype in CHANGES:
        rendered = show(prototype, namespace="elsewhere")
        spaces = {manifest["metadata"].get("namespace", "elsewhere") for manifest in rendered.manifests}
        assert spaces == {"elsewhere"}
        assert "namespace: team" not in str(rendered.manifests)


def test_parameters_have_one_line_of_help_and_an_order(catalogue: dict[str, Prototype]) -> None:
    for one in catalogue.values():
        declared = [name for name in one.parameters if name not in ("name", "namespace")]
        assert declared == sorted(declared), one.name
        for parameter in one.parameters.values():
            assert parameter.help, f"{one.name}.{parameter.name} has no help"
            assert "\n" not in parameter.help.strip()
            numeric = parameter.type in ("integer", "number") or parameter.format == "quantity"
            assert parameter.unit or not numeric or parameter.name == "port", f"{one.name}.{parameter.name}: no unit"


NAMES_OF_2017 = {
    "kubeflow-core": """name namespace disks cloud tfAmbassadorServiceType tfJobImage tfDefaultImage tfJobUiServiceType
        jupyterHubServiceType jupyterHubImage jupyterHubAuthenticator jupyterNotebookPVCMount reportUsage usageId""",
    "tf-job": "name namespace args image image_gpu num_masters num_ps num_workers num_gpus",
    "tf-cnn": "name namespace batch_size model num_gpus image image_gpu num_ps num_workers",
    "tf-serving": """name namespace model_path numGpus modelName modelPath deployHttpProxy defaultHttpProxyImage
        httpProxyImage serviceType defaultCpuImage defaultGpuImage modelServerImage deployIstio cloud
        gcpCredentialSecretName s3Enable s3SecretName s3SecretAccesskeyidKeyName s3SecretSecretaccesskeyKeyName
        s3AwsRegion s3UseHttps s3VerifySsl s3Endpoint""",
}


@pytest.mark.parametrize(
    ("prototype", "name"), [(prototype, name) for prototype, names in NAMES_OF_2017.items() for name in names.split()]
)
def test_a_name_of_2017_is_taken(prototype: str, name: str, catalogue: dict[str, Prototype]) -> None:
    one = catalogue[prototype]
    assert name in one.parameters or name in one.aliases or one.retired[name]


def test_the_comma_strings_of_2017_are_lists(catalogue: dict[str, Prototype]) -> None:
    assert catalogue["tf-job"].parameter("args").read("--steps,10,--lr,0.10") == ["--steps", "10", "--lr", "0.10"]
    assert catalogue["kubeflow-core"].parameter("disks").read("pd1,pd2") == ["pd1", "pd2"]


HOSTILE = "\"'}]: #{{ platform }}\n---\nkind: Secret\n\t&a *a !x"


def test_text_never_becomes_structure(catalogue: dict[str, Prototype], show: Callable[..., Rendered]) -> None:
    tried = 0
    for prototype, changes in CHANGES.items():
        for name, change in changes.items():
            schema = catalogue[prototype].parameter(name).schema
            beside = change[1] if isinstance(change, tuple) else {}
            if schema.get("type") != "string" or {"enum", "pattern", "format"} & set(schema):
                continue
            tried += 1
            try:
                found = show(prototype, "gke", **{**beside, name: HOSTILE}).manifests
            except MlstackError:
                continue  # refused as a name: as good
            value = change[0] if isinstance(change, tuple) else change
            plain = show(prototype, "gke", **{**beside, name: value}).manifests
            assert [m["kind"] for m in found] == [m["kind"] for m in plain], f"{prototype}.{name}"
    assert tried > 20
