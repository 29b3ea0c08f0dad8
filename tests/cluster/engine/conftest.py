"""An app of plain manifests in a folder of its own, applied to a real control plane, its requests counted."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlstack.actions.apply import ApplyOptions, Outcome, apply
from mlstack.actions.environments import add_environment
from mlstack.actions.events import Event
from mlstack.actions.init import init
from mlstack.actions.session import Scope
from mlstack.app.contexts import KubeContexts
from mlstack.app.project import Project
from mlstack.cluster.client import Client
from mlstack.cluster.connect import connect as real_connect
from mlstack.plan.model import Action, Allow
from mlstack.sandbox import Sandbox

READS = ("GET", "LIST", "WATCH")


@dataclass
class Stack:
    """One app. `events` are those of the last apply; `clients` all that were opened."""

    root: Path
    clients: list[Client]
    namespace: str
    kubectl: Callable[..., str]
    events: list[Event] = field(default_factory=list)

    def write(self, component: str, text: str, file: str = "objects.yaml") -> None:
        path = self.root / "components" / component / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def drop(self, component: str) -> None:
        shutil.rmtree(self.root / "components" / component)

    def environment(self, name: str, context: str, namespace: str) -> None:
        contexts = KubeContexts((context,), context)
        add_environment(Project.load(self.root), name, contexts, context, namespace, "generic")

    def scope(self, environment: str = "gke", *components: str) -> Scope:
        return Scope(Project.load(self.root), environment, components)

    def apply(self, *components: str, environment: str = "gke", **options: object) -> Outcome:
        self.events = []
        allowed = Allow(**{k: options.pop(k) for k in list(options) if k in Allow.__dataclass_fields__})  # type: ignore[arg-type]
        chosen = ApplyOptions(allow=allowed, timeout_s=float(str(options.pop("timeout_s", 60))), **options)  # type: ignore[arg-type]
        return apply(self.scope(environment, *components), chosen, self.events.append)

    def counts(self, *components: str, **options: Any) -> dict[str, int]:
        """Applies; what was planned, by its word."""
        return counts(self.apply(*components, **options))

    def live(self, what: str, *options: str) -> dict[str, Any]:
        """An object of the namespace (KIND/NAME) as the cluster has it."""
        text = self.kubectl("get", what, "-n", self.namespace, "-o", "json", *options, context="gke")
        found: dict[str, Any] = json.loads(text)
        return found

    def sent(self) -> Counter[str]:
        """The requests of the last action, by verb and resource."""
        return self.clients[-1].requests

    def writes(self) -> dict[str, int]:
        """The writing requests of the last action, dry-runs included; a review is only a question."""
        sent = self.sent().items()
        return {name: count for name, count in sent if name.split()[0] not in READS and not name.endswith("reviews")}


def counts(outcome: Outcome) -> dict[str, int]:
    """The plan's counts by word."""
    return {Action(action).value: count for action, count in outcome.plan.counts.items()}


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> list[Client]:
    """Every client that an action opens."""
    found: list[Client] = []

    def connect(context: str, kubeconfig: str | None = None) -> Client:
        found.append(real_connect(context, kubeconfig))
        return found[-1]

    monkeypatch.setattr("mlstack.actions.connection.connect", connect)
    return found


NewStack = Callable[[str], Stack]


@pytest.fixture
def new_stack(
    gke: Sandbox, tmp_path: Path, clients: list[Client], namespace: str, kubectl: Callable[..., str]
) -> Iterator[NewStack]:
    """Makes an app with an environment `gke` in the test's namespace, which goes with the test."""

    def make(name: str) -> Stack:
        init(tmp_path / name)
        stack = Stack(tmp_path / name, clients, namespace, kubectl)
        stack.environment("gke", "gke", namespace)
        return stack

    yield make
    kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false", context="gke")


@pytest.fixture
def stack(new_stack: NewStack) -> Stack:
    """An app called `app`."""
    return new_stack("app")
