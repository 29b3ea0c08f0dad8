"""The operators' own CustomResourceDefinitions, as they ship them: the yardstick for what prototypes send them.

Those of the training operator come with the sandbox's binaries, the others from the Go modules that go.mod beside this
file names. Go keeps modules in its own cache, checks them by go.sum, and needs no network for one that is there.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from mlstack import sandbox
from mlstack.sandbox import build, golang

FOLDER = Path(__file__).parent
TRAINING = "the sandbox's binaries"
TRAINER, JOBSET = "github.com/kubeflow/trainer/v2", "sigs.k8s.io/jobset"
SPARK, KUEUE = "github.com/kubeflow/spark-operator/v2", "sigs.k8s.io/kueue"
SCHEDULER_PLUGINS = "sigs.k8s.io/scheduler-plugins"
TRAINER_CRDS, KUEUE_CRDS = "manifests/base/crds/trainer.kubeflow.org", "config/components/crd/bases/kueue.x-k8s.io"
# Kind -> where its definition comes from, and the file there.
FILES: Mapping[str, tuple[str, str]] = {
    "TFJob": (TRAINING, "crds/kubeflow.org_tfjobs.yaml"),
    "PyTorchJob": (TRAINING, "crds/kubeflow.org_pytorchjobs.yaml"),
    "PaddleJob": (TRAINING, "crds/kubeflow.org_paddlejobs.yaml"),
    "MPIJob": (TRAINING, "crds/kubeflow.org_mpijobs.yaml"),
    "XGBoostJob": (TRAINING, "crds/kubeflow.org_xgboostjobs.yaml"),
    "JAXJob": (TRAINING, "crds/kubeflow.org_jaxjobs.yaml"),
    "TrainJob": (TRAINER, f"{TRAINER_CRDS}_trainjobs.yaml"),
    "TrainingRuntime": (TRAINER, f"{TRAINER_CRDS}_trainingruntimes.yaml"),
    "ClusterTrainingRuntime": (TRAINER, f"{TRAINER_CRDS}_clustertrainingruntimes.yaml"),
    "JobSet": (JOBSET, "config/components/crd/bases/jobset.x-k8s.io_jobsets.yaml"),
    "SparkApplication": (SPARK, "config/crd/bases/sparkoperator.k8s.io_sparkapplications.yaml"),
    "PodGroup": (SCHEDULER_PLUGINS, "config/crd/bases/scheduling.x-k8s.io_podgroups.yaml"),
    "LocalQueue": (KUEUE, f"{KUEUE_CRDS}_localqueues.yaml"),
    "ClusterQueue": (KUEUE, f"{KUEUE_CRDS}_clusterqueues.yaml"),
    "ResourceFlavor": (KUEUE, f"{KUEUE_CRDS}_resourceflavors.yaml"),
    "Cohort": (KUEUE, f"{KUEUE_CRDS}_cohorts.yaml"),
    "Workload": (KUEUE, f"{KUEUE_CRDS}_workloads.yaml"),
}


@lru_cache
def folder(source: str) -> Path:
    """Where the files of a source lie: a Go module's folder, or that of the sandbox's binaries (built if need be)."""
    if source == TRAINING:
        return sandbox.find(may_build=True, progress=lambda _: None).folder
    words = [str(golang.find(lambda _: None)), "mod", "download", "-json", source]
    done = subprocess.run(words, cwd=FOLDER, env=build.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
    return Path(json.loads(done.stdout)["Dir"])


@lru_cache
def crd(kind: str) -> dict[str, Any]:
    """The definition of a kind, which others own: it is not to be changed. KeyError for a kind that is not known."""
    source, file = FILES[kind]
    found: dict[str, Any] = yaml.load((folder(source) / file).read_text("utf-8"), yaml.CSafeLoader)
    return found


class Upstream(Mapping[str, dict[str, Any]]):
    """All definitions by kind, each read when it is first asked for: they are large."""

    def __getitem__(self, kind: str) -> dict[str, Any]:
        return crd(kind)

    def __iter__(self) -> Iterator[str]:
        return iter(FILES)

    def __len__(self) -> int:
        return len(FILES)
