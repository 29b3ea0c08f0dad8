"""Every prototype on every platform: the same bytes as in tests/golden, and manners that all of them have.

`MLSTACK_UPDATE_GOLDEN=1 pytest tests/prototypes/test_catalogue.py` writes tests/golden anew; read the difference.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlstack.compose.manifests import Manifest, pod_templates
from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Rendered
from tests.prototypes.showing import PLATFORMS, PROTOTYPES, catalogue, on, on_fullest

GOLDEN = Path(__file__).parent.parent / "golden"
CASES = [(platform, prototype) for platform in PLATFORMS for prototype in PROTOTYPES]
GPUS = "NVIDIA_VISIBLE_DEVICES"
ALL_SCHEMES = ["tfjob", "pytorchjob", "paddlejob", "mpijob"]

# What a cluster with GPUs is used for; minikube shows the defaults.
WITH_GPUS: dict[str, dict[str, Any]] = {
    "jupyterhub": {"gpus": 1},
    "kubeflow-core": {"hub_gpus": 1},
    "mpi-job": {"num_gpus": 2, "num_workers": 2},
    "paddle-job": {"num_gpus": 1, "num_workers": 2, "num_ps": 1, "elastic_max": 4},
    "pytorch-job": {"num_gpus": 2, "num_workers": 1},
    "tf-cnn": {"num_gpus": 2, "num_workers": 2},
    "tf-job": {"num_gpus": 1, "num_workers": 2, "num_ps": 1, "num_masters": 1, "args": ["--epochs=3"]},
    "tf-serving": {"num_gpus": 1, "batching": True, "versions": [1, 2], "version_labels": {"stable": 1}},
    "training-operator": {"schemes": ALL_SCHEMES},
}


def settings(prototype: str, platform: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a golden file: GPUs, their model where the platform names it, spot nodes where it has any."""
    if platform["name"] == "minikube":
        return {}
    known = catalogue()[prototype]
    usual = {"num_gpus": 1, "hub_accelerator_type": "l4", "accelerator_type": "l4"}
    usual |= {"spot": True} if known.lifecycle == "run" else {}
    chosen = WITH_GPUS.get(prototype, {})
    found = chosen | {name: value for name, value in usual.items() if name in known.parameters and name not in chosen}
    return {name: value for name, value in on(found, platform["name"]).items() if value}


@pytest.mark.parametrize(("platform", "prototype"), CASES)
def test_renders_as_before_and_validly(
    platform: str, prototype: str, show: Callable[..., Rendered], platforms: dict[str, dict[str, Any]]
) -> None:
    values = settings(prototype, platforms[platform])
    rendered = show(prototype, platform, **values)
    path = GOLDEN / platform / f"{prototype}.yaml"
    text = f"# {prototype} on {platform} with {values}\n" + "".join(map(readable, rendered.manifests))
    if os.environ.get("MLSTACK_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def readable(manifest: Manifest) -> str:
    """A manifest as YAML; of programs in a ConfigMap the hash: their own tests know them."""
    if manifest["kind"] == "ConfigMap":
        data = {
            name: f"sha256 {sha256(text.encode()).hexdigest()[:10]}" if name.endswith(".py") else text
            for name, text in manifest["data"].items()
        }
        manifest = {**manifest, "data": data}
    return "---\n" + yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=110)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as such, so that a difference is seen line by line."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, "|" if "\n" in text else None),
)


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_pods_without_gpus_do_not_see_any(prototype: str, show: Callable[..., Rendered]) -> None:
    known = catalogue()[prototype].parameters
    containers = _containers(show(prototype, **({"num_gpus": 0} if "num_gpus" in known else {})))
    hidden = [one for one in containers if {"name": GPUS, "value": "void"} in one.get("env", ())]
    assert bool(hidden) == ("env" in known)


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_every_container_asks_for_what_it_needs_and_gains_no_privilege(
    prototype: str, show: Callable[..., Rendered]
) -> None:
    containers = list(_containers(show(prototype)))
    assert containers
    for container in containers:
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False


# Its pods are made of the cluster's own runtime, which a TrainJob can neither tell this nor give a token.
RUNTIMES = {"train-job"}
# What talks to the API server: hub and operator, the driver that makes executors, the launcher that execs into workers.
TOKENS = {
    "jupyterhub": {"StatefulSet"},
    "kubeflow-core": {"StatefulSet", "Deployment"},
    "mpi-job": {"Launcher"},
    "spark-application": {"Job"},
    "training-operator": {"Deployment"},
}
MANNERS = [prototype for prototype in PROTOTYPES if prototype not in RUNTIMES]


def _pods(prototype: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each different pod that a prototype's pairwise sets make, with its kind or role."""
    for _, rendered in on_fullest(prototype):
        for manifest in rendered.manifests:
            for path, template in pod_templates(manifest):
                role = path[-2] if len(path) > 3 else manifest["kind"]
                yield role, template["spec"]


@pytest.mark.parametrize("prototype", MANNERS)
def test_services_are_no_variables_in_any_pod(prototype: str) -> None:
    found = list(_pods(prototype))
    assert found
    assert [role for role, spec in found if spec.get("enableServiceLinks") is not False] == []


@pytest.mark.parametrize("prototype", MANNERS)
def test_only_what_talks_to_the_api_server_has_a_token(prototype: str) -> None:
    """A job's program may, with a service account that its user names."""
    for role, spec in _pods(prototype):
        named = bool(spec.get("serviceAccountName"))
        if spec.get("automountServiceAccountToken") is not False:
            assert named or role in TOKENS.get(prototype, set()), (prototype, role)
        else:
            assert role not in TOKENS.get(prototype, set())


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_no_volume_takes_the_whole_disk_of_a_node(prototype: str) -> None:
    volumes = [volume for _, spec in _pods(prototype) for volume in spec.get("volumes", ())]
    assert [volume for volume in volumes if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]] == []


def _containers(rendered: Rendered) -> Iterator[dict[str, Any]]:
    for manifest in rendered.manifests:
        for _, template in pod_templates(manifest):
            whole = _whole(manifest) if manifest["kind"] == "TrainJob" else {}
            yield from ({**container, **whole} for container in template["spec"]["containers"])
            yield from template["spec"].get("initContainers", [])


def _whole(job: Manifest) -> dict[str, Any]:
    """What a TrainJob says of its container apart from the patch of the pod."""
    trainer = job["spec"]["trainer"]
    return {"env": trainer["env"], "resources": trainer["resourcesPerNode"]}


def test_the_walkthrough_fits_on_one_small_node(show: Callable[..., Rendered]) -> None:
    # minikube's own pods ask for 750m and 170Mi of its 2 CPUs and (nearly) 4 GB.
    both = [show("kubeflow-core", "minikube"), show("tf-cnn", "minikube")]
    requests = [container["resources"]["requests"] for rendered in both for container in _containers(rendered)]
    assert sum(_milli(request["cpu"]) for request in requests) <= 2000 - 750
    assert sum(_mebi(request["memory"]) for request in requests) <= 3600 - 170


def _milli(cpu: str) -> int:
    return int(cpu[:-1]) if cpu.endswith("m") else 1000 * int(cpu)


def _mebi(memory: str) -> int:
    return 1024 * int(memory[:-2]) if memory.endswith("Gi") else int(memory.removesuffix("Mi"))


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_a_job_is_a_run_and_all_else_a_service(prototype: str, show: Callable[..., Rendered]) -> None:
    kinds = {manifest["kind"] for manifest in show(prototype).manifests}
    is_run = any(kind.endswith("Job") or kind == "SparkApplication" for kind in kinds)
    assert catalogue()[prototype].lifecycle == ("run" if is_run else "service")


def test_examples_are_commands_that_name_the_prototype_or_its_parameters(catalogue: dict[str, Prototype]) -> None:
    for one in catalogue.values():
        assert one.examples
        for example in one.examples:
            words = example["command"].split()
            assert words[0] == "mlstack"
            assert words[1:3] in (["generate", one.name], ["param", "set"])
            for word in words:
                if word.startswith("--") and not word.startswith("--env="):
                    name, _, value = word[2:].partition("=")
                    one.parameter(name).read(value.strip("'"))
