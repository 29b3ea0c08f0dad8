"""A small registry in a folder, and an app that uses it: for all tests of files and of the verbs on them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from mlstack.app.project import Project
from tests.order import Scheduling

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_configure() -> None:
    """A run that is told to stop (CI's time is up) ends what it started, as one that is interrupted does.

    And where this run was started in the background, with Ctrl-C ignored, the processes under test shall hear it.
    """
    # Control planes are half of what the tests' CPU time goes to, and collecting garbage a quarter of theirs.
    os.environ.setdefault("GOGC", "400")
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("told to stop"))
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """What runs where and when (`pytest -n`)."""
    return Scheduling(config, log)


HEAD = "apiVersion: mlstack.dev/v1\nkind: {}\n"
TRAIN = """\
name: train
version: 0.1.0
summary: A training job
lifecycle: run
required: [image]
parameters:
  image: {type: string, format: image, description: What it runs}
  num_gpus: {type: integer, minimum: 0, default: 0, unit: GPUs per worker, description: GPUs of each worker}
  num_workers: {type: integer, minimum: 1, default: 1, unit: workers}
  labels: {type: object, additionalProperties: {type: string}, default: {}}
  retry: {type: object, properties: {limit: {type: integer}, policy: {type: string}}, default: {limit: 3}}
  args: {type: array, items: {type: string}, default: []}
  greeting: {type: string, default: hello}
  debug: {type: boolean, default: false}
aliases: {numGpus: num_gpus}
retired: {cloud: the platform says it now}
examples: [{title: One worker, command: mlstack generate train cnn --image=x}]
"""
TRAIN_TEMPLATE = """\
{% import "lib/meta.j2" as meta %}
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ name }}, annotations: {{ meta.noted(platform.name) }}}
data:
  gpus: {{ params.num_gpus | string }}
  workers: {{ params.num_workers | string }}
  greeting: {{ params.greeting }}
  args: {{ params.args | json }}
  labels: {{ params.labels | json }}
  retry: {{ params.retry | json }}
  debug: {{ params.debug | string }}
  image: {{ params.image }}
"""
HUB = """\
name: my-hub
version: 0.2.0
summary: A hub for people
parameters:
  service_type: {enum: [ClusterIP, LoadBalancer], default: ClusterIP}
  greeting: {type: string, default: welcome}
  debug: {type: string, default: "no"}
"""
HUB_TEMPLATE = """\
apiVersion: v1
kind: Service
metadata: {name: {{ name }}}
spec: {type: {{ params.service_type }}, ports: [{port: 80, name: {{ params.greeting }}}], selector: {app: {{ name }}}}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ name ~ "-secret" }}
  annotations: {mlstack.dev/generate: {{ {"token": "hex:32", "debug": params.debug} | json }}}
---
apiVersion: v1
kind: Namespace
metadata: {name: {{ namespace }}}
"""


def write_tree(root: Path, files: Mapping[str, str]) -> Path:
    """Files below `root`, by relative path."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    return root


@dataclass(frozen=True)
class Sample:
    """An app in a folder, and the registry that it takes its packages from."""

    root: Path
    registry: Path

    def project(self) -> Project:
        """The app as its files stand now."""
        return Project.load(self.root)

    def read(self, path: str) -> str:
        """A file of the app."""
        return (self.root / path).read_bytes().decode("utf-8")

    def write(self, path: str, text: str) -> None:
        """Puts a file into the app."""
        write_tree(self.root, {path: text})

    def tree(self) -> dict[str, bytes]:
        """Every file of the app: to see that nothing was written."""
        return {str(path.relative_to(self.root)): path.read_bytes() for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture
def registry_folder(tmp_path: Path) -> Path:
    """A registry with the packages `jobs` (prototype train) and `hubs` (prototype my-hub)."""
    return write_tree(
        tmp_path / "registry",
        {
            "registry.yaml": HEAD.format("Registry") + "name: demo\ndescription: For tests\n",
            "lib/meta.j2": "{% macro noted(text) %}{{ {'demo/on': text} }}{% endmacro %}",
            "jobs/package.yaml": HEAD.format("Package")
            + "name: jobs\nversion: 0.1.0\ndescription: Jobs\nlibrary: [meta.j2]\n",
            "jobs/train/prototype.yaml": HEAD.format("Prototype") + TRAIN,
            "jobs/train/templates/config.yaml": TRAIN_TEMPLATE,
            "hubs/package.yaml": HEAD.format("Package") + "name: hubs\nversion: 0.2.0\n",
            "hubs/my-hub/prototype.yaml": HEAD.format("Prototype") + HUB,
            "hubs/my-hub/templates/hub.yaml": HUB_TEMPLATE,
        },
    )


@pytest.fixture
def empty_app(tmp_path: Path, registry_folder: Path) -> Sample:
    """A new app that knows the registry `demo` and nothing else."""
    root = tmp_path / "app"
    registries = "name: app\nid: a1b2c3d4\nregistries:\n  demo: ../registry\n"
    write_tree(root, {"mlstack.yaml": HEAD.format("App") + registries})
    return Sample(root, registry_folder)


@pytest.fixture
def add_environment() -> Callable[..., None]:
    """Makes an environment of an app, its platform chosen by its name."""
    from mlstack.actions.environments import add_environment as add
    from mlstack.app.contexts import KubeContexts

    def make(sample: Sample, name: str, server: str = "https://10.0.0.1", **options: str) -> None:
        add(sample.project(), name, KubeContexts((name,), name, {name: server}, {}), **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def sample(empty_app: Sample, add_environment: Callable[..., None]) -> Sample:
    """An app with the components cnn (train) and hub (my-hub), and the environments minikube and gke."""
    from mlstack.actions.generate import generate

    generate(empty_app.project(), "train", "cnn", {"image": "busybox:1"})
    generate(empty_app.project(), "my-hub", "hub")
    add_environment(empty_app, "minikube")
    add_environment(empty_app, "gke", server="https://34.1.2.3")
    return empty_app
