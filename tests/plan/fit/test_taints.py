from __future__ import annotations

import pytest

from mlstack.plan.fit.taints import passes, told, tolerates, untolerated

TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("toleration", "covers"),
    [
        ({"key": "nvidia.com/gpu", "operator": "Exists"}, True),
        ({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "nvidia.com/gpu", "value": "present"}, True),
        ({"key": "nvidia.com/gpu", "operator": "Equal", "value": "other"}, False),
        ({"key": "nvidia.com/gpu"}, False),
        ({"key": "other", "operator": "Exists"}, False),
        ({"operator": "Exists"}, True),
        ({"operator": "Exists", "effect": "NoSchedule"}, True),
    ],
)
def test_tolerations(toleration: dict[str, str], covers: bool) -> None:
    assert tolerates(toleration, TAINT) is covers


def test_a_taint_that_only_asks_keeps_nobody_off() -> None:
    soft = {"key": "old", "effect": "PreferNoSchedule"}
    assert untolerated([soft], []) is None
    assert untolerated([soft, TAINT], []) == TAINT
    assert untolerated([TAINT], [{"operator": "Exists"}]) is None


def test_words() -> None:
    assert told(TAINT) == "nvidia.com/gpu=present:NoSchedule"
    assert told({"key": "spot", "effect": "NoExecute"}) == "spot:NoExecute"


def test_states_that_nodes_leave_again() -> None:
    passing = [
        "node.kubernetes.io/unschedulable",
        "node.cloudprovider.kubernetes.io/uninitialized",
        "ToBeDeletedByClusterAutoscaler",
        "karpenter.sh/unregistered",
        "karpenter.sh/disrupted",
        "ebs.csi.aws.com/agent-not-ready",
        "startup-taint.cluster-autoscaler.kubernetes.io/driver",
        "example.com/gpu-driver-startup",
    ]
    lasting = ["nvidia.com/gpu", "team", "cloud.google.com/gke-spot", "node-role.kubernetes.io/control-plane"]
    assert [key for key in (*passing, *lasting) if passes({"key": key, "effect": "NoSchedule"})] == passing
