"""Every prototype on every platform: valid by the schemas, and the same bytes as in tests/golden.

`MLSTACK_UPDATE_GOLDEN=1 pytest tests/prototypes/test_catalogue.py` writes tests/golden anew; read the difference.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlstack.bundled import bundled
from mlstack.compose.manifests import Manifest, pod_templates
from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Rendered
from mlstack.compose.schemas import validate

GOLDEN = Path(__file__).parent.parent / "golden"
PROTOTYPES = sorted(path.parent.name for path in bundled("prototypes").glob("*/*/prototype.yaml"))
PLATFORMS = sorted(path.stem for path in bundled("environments").glob("*.yaml"))
CASES = [(platform, prototype) for platform in PLATFORMS for prototype in PROTOTYPES]
ALL_SCHEMES = ["tfjob", "pytorchjob", "paddlejob", "mpijob"]

# What a cluster with GPUs is used for; minikube shows the defaults.
WITH_GPUS: dict[str, dict[str, Any]] = {
    "jupyterhub": {"gpus": 1},
    "kubeflow-core": {"hub_gpus": 1},
    "mpi-job": {"num_gpus": 2, "num_workers": 2},
    "paddle-job": {"num_gpus": 1, "num_workers": 2, "num_ps": 1, "elastic_max": 4},
    "tf-cnn": {"num_gpus": 2, "num_workers": 2},
    "tf-job": {"num_gpus": 1, "num_workers": 2, "num_ps": 1, "num_masters": 1, "args": ["--epochs=3"]},
    "tf-serving": {"num_gpus": 1, "batching": True, "versions": [1, 2], "version_labels": {"stable": 1}},
    "training-operator": {"schemes": ALL_SCHEMES},
}


def settings(prototype: str, platform: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a golden file: GPUs, their model where the platform names it, spot nodes where it has any."""
    if platform["name"] == "minikube":
        return {}
    found = dict(WITH_GPUS[prototype])
    model = {"jupyterhub": "accelerator_type", "kubeflow-core": "hub_accelerator_type"}.get(prototype)
    if "l4" in platform["gpu"]["types"] and prototype != "training-operator":
        found[model or "accelerator_type"] = "l4"
    if platform["spot"] and prototype in ("tf-cnn", "tf-job", "mpi-job", "paddle-job"):
        found["spot"] = True
    return found


def problems(manifests: Sequence[Manifest], show: Callable[..., Rendered]) -> list[str]:
    """What is wrong with `manifests` by Kubernetes' schemas and our own definitions."""
    ours = show("training-operator", schemes=ALL_SCHEMES).manifests
    return list(map(str, validate(manifests, [one for one in ours if one["kind"] == "CustomResourceDefinition"])))


@pytest.mark.parametrize(("platform", "prototype"), CASES)
def test_defaults_are_valid(platform: str, prototype: str, show: Callable[..., Rendered]) -> None:
    assert problems(show(prototype, platform).manifests, show) == []


@pytest.mark.parametrize(("platform", "prototype"), CASES)
def test_renders_as_before_and_validly(
    platform: str, prototype: str, show: Callable[..., Rendered], platforms: dict[str, dict[str, Any]]
) -> None:
    values = settings(prototype, platforms[platform])
    rendered = show(prototype, platform, **values)
    assert problems(rendered.manifests, show) == []
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


@pytest.mark.parametrize("kind", ["TFJob"])
def test_jobs_are_valid_by_the_operators_own_definitions(
    kind: str, show: Callable[..., Rendered], upstream_crds: dict[str, dict[str, Any]], platforms: dict[str, Any]
) -> None:
    for platform, prototype in CASES:
        jobs = show(prototype, platform, **settings(prototype, platforms[platform])).manifests
        chosen = [manifest for manifest in jobs if manifest["kind"] == kind]
        assert list(map(str, validate(chosen, upstream_crds.values()))) == []


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_pods_without_gpus_do_not_see_any(prototype: str, show: Callable[..., Rendered]) -> None:
    containers = [one for one in _containers(show(prototype)) if one["name"] in ("tensorflow", "serving")]
    for container in containers:
        assert {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"} in container["env"]
    assert bool(containers) == prototype.startswith("tf-")


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


def _containers(rendered: Rendered) -> Iterator[dict[str, Any]]:
    for manifest in rendered.manifests:
        for _, template in pod_templates(manifest):
            yield from template["spec"]["containers"]
            yield from template["spec"].get("initContainers", [])


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


def test_lifecycles(catalogue: dict[str, Prototype]) -> None:
    runs = {name for name, one in catalogue.items() if one.lifecycle == "run"}
    assert runs == {"tf-job", "tf-cnn", "mpi-job", "paddle-job"}
    assert set(catalogue) == set(PROTOTYPES)


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
