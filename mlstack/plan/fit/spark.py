"""The pods that Spark's driver or operator makes, which no pod template holds: how many, and what each asks for.

Source: Spark's own settings (sparkconf.py), and the options that Kubeflow's Spark operator 2.5 hands to spark-submit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.compose.places import Place
from mlstack.compose.yamltext import load_documents
from mlstack.plan.fit.nodes import Pod
from mlstack.plan.fit.sparkconf import DRIVER, EXECUTOR, executors, is_true, placing, resources, vague

TEMPLATE = "spark.kubernetes.executor.podTemplateFile"
PLACING = ("nodeSelector", "tolerations", "affinity", "priorityClassName", "schedulerName", "hostNetwork")
BESIDE = {"sidecars": "containers", "initContainers": "initContainers"}  # containers that the operator adds
KINDS = {"Python": "python", "R": "r"}

# Fields of a SparkApplication, with the settings that its operator makes of them.
OPTIONS = {
    "cores": "spark.{role}.cores",
    "coreRequest": "spark.kubernetes.{role}.request.cores",
    "coreLimit": "spark.kubernetes.{role}.limit.cores",
    "memory": "spark.{role}.memory",
    "memoryOverhead": "spark.{role}.memoryOverhead",
    "instances": "spark.{role}.instances",
}
DYNAMIC = ("initialExecutors", "minExecutors", "maxExecutors")


@dataclass(frozen=True)
class Made:
    """`count` pods of a role that are made for `owner`. `vague`: why it is not known how many there will be."""

    owner: Key
    role: str
    count: int
    pod: Pod
    vague: str = ""


def made_pods(manifests: Sequence[Manifest]) -> Iterator[Made]:
    """The executors of native Spark's Jobs, and drivers and executors of SparkApplications."""
    for manifest in manifests:
        if (manifest.get("spec") or {}).get("suspend"):
            continue
        if manifest["kind"] == "SparkApplication":
            yield from _application(manifest)
        elif manifest["kind"] == "Job":
            yield from _native(manifest, manifests)


def _application(manifest: Manifest) -> Iterator[Made]:
    spec = manifest.get("spec") or {}
    conf = _of_application(spec)
    for role in (DRIVER, EXECUTOR):
        own = spec.get(role) or {}
        asked = resources(conf, role, spec.get("type") in KINDS)
        asked["limits"] |= _gpus(own.get("gpu") or {})
        placed = {field: own[field] for field in PLACING if own.get(field)}
        beside = {field: own[name] for name, field in BESIDE.items() if own.get(name)}
        containers = [{"name": role, "resources": asked}, *beside.pop("containers", ())]
        pod = {
            "metadata": {"labels": own.get("labels") or {}},
            "spec": {**placing(conf, role), **placed, **_volumes(spec, own), **beside, "containers": containers},
        }
        is_driver = role == DRIVER
        yield Made(key_of(manifest), role, 1 if is_driver else executors(conf), pod, "" if is_driver else vague(conf))


def _of_application(spec: Mapping[str, Any]) -> dict[str, str]:
    """The settings with which the operator submits an application: fields come after `sparkConf`, and win."""
    conf = {name: str(value) for name, value in (spec.get("sparkConf") or {}).items()}
    if factor := spec.get("memoryOverheadFactor"):
        conf.setdefault("spark.kubernetes.memoryOverheadFactor", str(factor))
    for role in (DRIVER, EXECUTOR):
        for field, name in OPTIONS.items():
            if (value := (spec.get(role) or {}).get(field)) is not None:
                conf[name.format(role=role)] = str(value)
    conf |= _dynamic(spec.get("dynamicAllocation") or {})
    if not is_true(conf, "spark.dynamicAllocation.enabled"):
        conf.setdefault("spark.executor.instances", "1")
    kind = KINDS.get(spec.get("type", ""))
    return conf | ({"spark.kubernetes.resource.type": kind} if kind else {})


def _dynamic(allocation: Mapping[str, Any]) -> dict[str, str]:
    if not allocation.get("enabled"):
        return {}
    known = {field: str(allocation[field]) for field in DYNAMIC if allocation.get(field) is not None}
    return {f"spark.dynamicAllocation.{field}": value for field, value in ({"enabled": "true"} | known).items()}


def _gpus(gpu: Mapping[str, Any]) -> dict[str, str]:
    """What the operator's webhook writes into pods."""
    return {gpu["name"]: str(gpu["quantity"])} if gpu.get("name") and int(gpu.get("quantity") or 0) > 0 else {}


def _volumes(spec: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    mounted = {one["name"] for one in own.get("volumeMounts") or ()}
    volumes = [one for one in spec.get("volumes") or () if one.get("name") in mounted]
    return {"volumes": volumes} if volumes else {}


def _native(job: Manifest, manifests: Sequence[Manifest]) -> Iterator[Made]:
    """The executors of a Job whose pod is the driver: in client mode Spark does not know what kind of program it is."""
    spec = ((job.get("spec") or {}).get("template") or {}).get("spec") or {}
    driver: Mapping[str, Any] = next(iter(spec.get("containers") or ()), {})
    conf = _conf(driver.get("command") or ())
    template = _template(spec, conf.get(TEMPLATE, "").rpartition("/")[2], manifests)
    if template is None:
        return
    own, *others = template["spec"]["containers"]
    asked, before = resources(conf, EXECUTOR), own.get("resources") or {}
    merged = {key: {**(before.get(key) or {}), **asked[key]} for key in ("requests", "limits")}
    placed = placing(conf, EXECUTOR)
    selector = {**(template["spec"].get("nodeSelector") or {}), **placed.pop("nodeSelector", {})}
    spec = {**template["spec"], **placed, **({"nodeSelector": selector} if selector else {})}
    pod = {**template, "spec": {**spec, "containers": [{**own, "resources": merged}, *others]}}
    yield Made(key_of(job), EXECUTOR, executors(conf), pod, vague(conf))


def _conf(command: Sequence[str]) -> dict[str, str]:
    """Spark's settings among a command's words; the last of a name counts."""
    texts = (str(word) for word in command)
    words = (text.removeprefix("--conf=").partition("=") for text in texts if text.startswith("--conf="))
    return {name: value for name, _, value in words}


def _template(spec: Mapping[str, Any], file: str, manifests: Sequence[Manifest]) -> Manifest | None:
    """The executors' pod, from the ConfigMap that the driver mounts."""
    mounted = {(volume.get("configMap") or {}).get("name") for volume in spec.get("volumes") or ()}
    for manifest in manifests:
        text = (manifest.get("data") or {}).get(file) if manifest["kind"] == "ConfigMap" else None
        if text and manifest["metadata"]["name"] in mounted:
            ((_, document),) = load_documents(text, Place(file))
            return document if isinstance(document, dict) else None
    return None
