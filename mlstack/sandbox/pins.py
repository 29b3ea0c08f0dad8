"""What a sandbox is made of: the pinned versions, the binaries, and what each is built from."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from mlstack.errors import MlstackError

KUBERNETES = "1.37.2"
ETCD = "3.7.0"
KWOK = "0.8.0"
TRAINING_OPERATOR = "1.9.4"
OPERATOR = "mlstack-training-operator"
GO = (1, 26)
"""The oldest Go that builds them."""


@dataclass(frozen=True)
class Component:
    """One binary: its Go package, the folder of its go.mod under `modules/`, and how long a cold build of it took on
    two cores, in seconds."""

    name: str
    module: str
    package: str
    seconds: int


CONTROL_PLANE = (
    Component("etcd", "etcd", "go.etcd.io/etcd/server/v3", 30),
    Component("kwok", "kwok", "sigs.k8s.io/kwok/cmd/kwok", 90),
    Component("kwokctl", "kwok", "sigs.k8s.io/kwok/cmd/kwokctl", 20),
    Component("kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", 350),
    Component("kube-controller-manager", "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", 130),
    Component("kube-scheduler", "kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler", 15),
    Component("kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl", 40),
)
TRAINING = Component(OPERATOR, "operator", ".", 110)

RUNNING = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller")
"""The processes of a control plane, by the names that kwokctl starts them under."""


def system() -> str:
    """The operating system as Go names it. Raises MlstackError where no sandbox can run."""
    if sys.platform in ("linux", "darwin"):
        return sys.platform
    raise MlstackError(
        f"A sandbox runs on Linux and macOS, not on {sys.platform}.",
        "Use it inside WSL2, or give mlstack a real cluster.",
    )


def machine() -> str:
    """The processor as Go names it: amd64 or arm64."""
    known = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    found = known.get(platform.machine().lower())
    if found is None:
        raise MlstackError(f"A sandbox runs on amd64 and arm64, not on {platform.machine()}.")
    return found


def set_name() -> str:
    """The name of the folder that a complete set is cached in."""
    return f"kubernetes-{KUBERNETES}-etcd-{ETCD}-kwok-{KWOK}-{system()}-{machine()}"
