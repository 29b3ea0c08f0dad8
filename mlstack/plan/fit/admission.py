"""Pods as the API server stores them: its defaults, then those of its admission plugins, in their order.

Source: SetDefaults_Pod (pkg/apis/core/v1/defaults.go), and the order of pkg/kubeapiserver/options/plugins.go:
LimitRanger, Priority, DefaultTolerationSeconds, RuntimeClass. Quotas see the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlstack.plan.fit.limits import with_defaults
from mlstack.plan.fit.nodes import Pod
from mlstack.plan.fit.runtimes import with_runtime
from mlstack.plan.fit.view import View

CONTAINERS = ("containers", "initContainers")
UNREADY = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def admitted(view: View, pod: Pod) -> Pod:
    """The pod with all that the API server fills in before quotas and the scheduler look at it."""
    stored = with_defaults(with_host_ports(pod), view.ranges)
    return with_runtime(with_tolerations(view.priorities.applied(stored)), view.runtimes)


def with_host_ports(pod: Pod) -> Pod:
    """The pod with its ports as ports of the node, where it is in the node's network."""
    spec = pod["spec"]
    if not spec.get("hostNetwork"):
        return pod
    lists = {key: [_with_ports(one) for one in spec[key]] for key in CONTAINERS if spec.get(key)}
    return {**pod, "spec": {**spec, **lists}}


def _with_ports(container: Mapping[str, Any]) -> Mapping[str, Any]:
    own = container.get("ports") or ()
    return {**container, "ports": [{**one, "hostPort": one.get("hostPort") or one["containerPort"]} for one in own]}


def with_tolerations(pod: Pod) -> Pod:
    """The pod with the tolerations of nodes that stop being ready, which every pod gets for some minutes."""
    own = pod["spec"].get("tolerations") or ()
    missing = [key for key in UNREADY if not any(_tolerates(one, key) for one in own)]
    if not missing:
        return pod
    added = [{"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300} for key in missing]
    return {**pod, "spec": {**pod["spec"], "tolerations": [*own, *added]}}


def _tolerates(toleration: Mapping[str, Any], key: str) -> bool:
    """Test whether a toleration is one that the plugin finds sufficient."""
    return toleration.get("key", "") in ("", key) and toleration.get("effect", "") in ("", "NoExecute")
