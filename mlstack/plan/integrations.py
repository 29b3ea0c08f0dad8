"""Which kinds of jobs an installed Kueue looks after: of the others a queue has no effect.

Source: Kueue's Configuration (integrations.frameworks; batch/job alone where it says none) and its integrations' names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Manifest
from mlstack.plan.findings import Finding
from mlstack.plan.hints import told
from mlstack.plan.outside import QUEUE_LABEL

CONFIG, KEY = "kueue-manager-config", "controller_manager_config.yaml"  # of its manifests and of its chart
FRAMEWORKS = {
    "Job": "batch/job",
    "TFJob": "kubeflow.org/tfjob",
    "PyTorchJob": "kubeflow.org/pytorchjob",
    "PaddleJob": "kubeflow.org/paddlejob",
    "TrainJob": "trainer.kubeflow.org/trainjob",
}
DEFAULT = ("batch/job",)


def queued(manifests: Sequence[Manifest]) -> Iterator[Manifest]:
    """The jobs of known kinds that name a queue."""
    for manifest in manifests:
        if manifest["kind"] in FRAMEWORKS and (manifest["metadata"].get("labels") or {}).get(QUEUE_LABEL):
            yield manifest


def looked_after(config: Mapping[str, Any]) -> Sequence[str]:
    """The frameworks that a Configuration switches on."""
    return (config.get("integrations") or {}).get("frameworks") or DEFAULT


def left_alone(component: str, job: Manifest, where: str, settings: Mapping[str, Setting]) -> Finding:
    """A warning: the job names a queue, and starts past it. `where`: the configuration's namespace and name."""
    framework, queue = FRAMEWORKS[job["kind"]], job["metadata"]["labels"][QUEUE_LABEL]
    problem = (
        f"{component}: queue {queue} has no effect on a {job['kind']}: Kueue is not told to look after {framework}, "
        "and the job would start at once."
    )
    said = f"{told(settings['queue'])}. " if "queue" in settings else ""
    native = " or set runner: native, which makes Jobs of it" if "runner" in settings and job["kind"] != "Job" else ""
    advice = f"{said}Add it to integrations.frameworks of ConfigMap {where} and restart Kueue{native}."
    return Finding(problem, advice, certain=False)
