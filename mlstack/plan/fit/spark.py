"""The pods that Spark's driver or operator makes, which no pod template holds: how many, and what each asks for.

Source: Spark's BasicExecutorFeatureStep: a pod asks for Spark's memory and a share beside it (spark.executor.
memoryOverheadFactor, at least 384 MiB), and for one CPU a task, or what spark.kubernetes.executor.request.cores says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.compose.places import Place
from mlstack.compose.yamltext import load_documents
from mlstack.plan.fit.nodes import Pod

LEAST_OVERHEAD = 384  # MiB
TEMPLATE = "spark.kubernetes.executor.podTemplateFile"
_MEMORY = re.compile(r"(\d+)([kmgt]?)b?", re.IGNORECASE)
_IN_MIB = {"k": 1 / 1024, "": 1, "m": 1, "g": 1024, "t": 1024 * 1024}
PLACING = ("nodeSelector", "tolerations", "affinity", "priorityClassName", "schedulerName")


@dataclass(frozen=True)
class Made:
    """`count` pods of a role that are made for `owner`."""

    owner: Key
    role: str
    count: int
    pod: Pod


def made_pods(manifests: Sequence[Manifest]) -> Iterator[Made]:
    """The executors of native Spark's Jobs, and drivers and executors of SparkApplications."""
    for manifest in manifests:
        if manifest["kind"] == "SparkApplication" and not manifest["spec"].get("suspend"):
            yield from _application(manifest)
        if manifest["kind"] == "Job" and not manifest["spec"].get("suspend"):
            yield from _native(manifest, manifests)


def _application(manifest: Manifest) -> Iterator[Made]:
    spec = manifest["spec"]
    factor = float(spec.get("memoryOverheadFactor", 0.1))
    for role in ("driver", "executor"):
        own = spec.get(role) or {}
        gpu = own.get("gpu") or {}
        device = {gpu["name"]: str(gpu["quantity"])} if gpu else {}
        cpu = str(own.get("coreRequest") or own.get("cores") or 1)
        container = {"name": role, "resources": _resources(cpu, own.get("memory", "1g"), factor, device)}
        placed = {field: own[field] for field in PLACING if own.get(field)}
        pod = {"metadata": {"labels": own.get("labels") or {}}, "spec": {**placed, "containers": [container]}}
        yield Made(key_of(manifest), role, int(own.get("instances", 1)) if role == "executor" else 1, pod)


def _native(job: Manifest, manifests: Sequence[Manifest]) -> Iterator[Made]:
    spec = job["spec"]["template"]["spec"]
    conf = _conf(spec["containers"][0].get("command") or ())
    template = _template(spec, conf.get(TEMPLATE, "").rpartition("/")[2], manifests)
    if template is None:
        return
    cpu = conf.get("spark.kubernetes.executor.request.cores") or conf.get("spark.executor.cores", "1")
    factor = float(conf.get("spark.executor.memoryOverheadFactor", 0.1))
    own, *others = template["spec"]["containers"]
    device = (own.get("resources") or {}).get("limits") or {}
    asked = _resources(cpu, conf.get("spark.executor.memory", "1g"), factor, device)
    pod = {**template, "spec": {**template["spec"], "containers": [{**own, "resources": asked}, *others]}}
    yield Made(key_of(job), "executor", int(conf.get("spark.executor.instances", 2)), pod)


def _conf(command: Sequence[str]) -> dict[str, str]:
    """Spark's settings among a command's words; the last of a name counts."""
    words = (word.removeprefix("--conf=").partition("=") for word in command if word.startswith("--conf="))
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


def _resources(cpu: str, memory: str, factor: float, device: Mapping[str, str]) -> dict[str, Any]:
    mib = mebibytes(memory)
    total = f"{mib + max(LEAST_OVERHEAD, int(mib * factor))}Mi"
    return {"requests": {"cpu": cpu, "memory": total, **device}, "limits": {"memory": total, **device}}


def mebibytes(text: str) -> int:
    """Spark's way to write memory: 1024m, 2g; MiB where there is no unit."""
    match = _MEMORY.fullmatch(text.strip())
    return int(int(match[1]) * _IN_MIB[match[2].lower()]) if match else 0
