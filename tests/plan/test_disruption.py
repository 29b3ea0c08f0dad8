from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.disruption import immutable_fields, interruption
from mlstack.plan.model import FieldChange
from mlstack.plan.stages import SERVICES, WORKLOADS

STATEFUL = Key("apps", "StatefulSet", "n", "tf-hub")


def fields(*paths: str) -> list[FieldChange]:
    return [FieldChange(path, 1, 2) for path in paths]


@pytest.mark.parametrize(
    ("key", "path", "immutable"),
    [
        (STATEFUL, "spec.volumeClaimTemplates[0].spec.resources", True),
        (STATEFUL, "spec.serviceName", True),
        (STATEFUL, "spec.serviceNameX", False),
        (STATEFUL, "spec.template.spec.containers[a].image", False),
        (Key("batch", "Job", "n", "x"), "spec.template.spec", True),
        (Key("", "Service", "n", "x"), "spec.clusterIP", True),
        (Key("", "Service", "n", "x"), "spec.ports[80]", False),
        (Key("rbac.authorization.k8s.io", "RoleBinding", "n", "x"), "roleRef.name", True),
        (Key("", "ConfigMap", "n", "x"), "data.a", False),
    ],
)
def test_immutable(key: Key, path: str, immutable: bool) -> None:
    assert immutable_fields(key, fields(path), {}) == ((path,) if immutable else ())


def test_a_config_map_may_declare_itself_immutable() -> None:
    assert immutable_fields(Key("", "ConfigMap", "n", "x"), fields("data.a"), {"immutable": True}) == ("data.a",)


def live(ready: int, **annotations: str) -> dict[str, Any]:
    return {"metadata": {"annotations": annotations}, "status": {"readyReplicas": ready}}


@pytest.mark.parametrize(
    ("key", "path", "there", "stage", "words"),
    [
        (STATEFUL, "spec.template.spec.x", live(1), WORKLOADS, "restarts tf-hub (1 running pod)"),
        (STATEFUL, "spec.template.spec.x", live(2), WORKLOADS, "restarts tf-hub (2 running pods)"),
        (STATEFUL, "spec.template.spec.x", live(0), WORKLOADS, ""),
        (STATEFUL, "spec.replicas", live(1), WORKLOADS, ""),
        (STATEFUL, "spec.template.spec.x", live(1), SERVICES, ""),
        (STATEFUL, "spec.template.spec.x", live(1, **{"mlstack.dev/disruption": "none"}), WORKLOADS, ""),
        (Key("", "ConfigMap", "n", "x"), "data.a", live(1), WORKLOADS, ""),
    ],
)
def test_interruption(key: Key, path: str, there: dict[str, Any], stage: int, words: str) -> None:
    assert interruption(key, fields(path), there, stage) == words
