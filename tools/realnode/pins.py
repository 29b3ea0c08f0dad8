"""What a real node is made of beside the sandbox's control plane: versions, packages, and what they are built from.

The Go modules' versions stand in `modules/*/go.mod`, every content of theirs in go.sum beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlstack.sandbox import pins

COREDNS = "v1.15.0"
LOCAL_PATH = "v0.0.30"
CONTAINERD = "v2.4.2"
CONTAINERD_MODULE = "github.com/containerd/containerd/v2"
SPARK_OPERATOR_IMAGE = "ghcr.io/kubeflow/spark-operator/controller:v2.5.0-rc.0"  # as its 2.5.2 calls it in config/
KUBERNETES_VERSION = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Program:
    """One program: its Go package, the folder of its go.mod under `modules/`, what the linker writes into it, whether
    it is linked with the machine's C library (else it runs in an empty image too), the seconds of a cold build, and
    whether only the long tests need it."""

    name: str
    module: str
    package: str
    facts: tuple[str, ...] = ()
    libc: bool = False
    seconds: int = 60
    slow: bool = False


def _kubernetes() -> tuple[str, ...]:
    major, minor, _ = pins.KUBERNETES.split(".")
    facts = {"gitVersion": f"v{pins.KUBERNETES}", "gitMajor": major, "gitMinor": minor}
    return tuple(f"{KUBERNETES_VERSION}.{key}={value}" for key, value in facts.items())


_SHIM = "containerd-shim-runc-v2"
_RUNTIME = (f"{CONTAINERD_MODULE}/version.Version={CONTAINERD}",)

# The kubelet and kube-proxy use the C library as the sandbox's programs do: Go has compiled most of them then.
PROGRAMS = (
    Program("kubelet", "kubelet", "k8s.io/kubernetes/cmd/kubelet", _kubernetes(), libc=True, seconds=370),
    Program("kube-proxy", "kubelet", "k8s.io/kubernetes/cmd/kube-proxy", _kubernetes(), libc=True, seconds=50),
    Program("containerd", "containerd", f"{CONTAINERD_MODULE}/cmd/containerd", _RUNTIME, seconds=120),
    Program(_SHIM, "containerd", f"{CONTAINERD_MODULE}/cmd/{_SHIM}", _RUNTIME, seconds=10),
    Program("ctr", "containerd", f"{CONTAINERD_MODULE}/cmd/ctr", _RUNTIME, seconds=10),
    Program(
        "training-operator", "operator", "github.com/kubeflow/training-operator/cmd/training-operator.v1", seconds=110
    ),
    Program(
        "spark-operator", "sparkoperator", "github.com/kubeflow/spark-operator/v2/cmd/operator", seconds=120, slow=True
    ),
    Program("coredns", "coredns", ".", seconds=100),
    Program("local-path-provisioner", "localpath", "github.com/rancher/local-path-provisioner", seconds=60),
)

# The container runner, the pods' network, the packet filter that kube-proxy commands, and two tools for making images;
# with the libraries that a minimal machine may lack.
DEBIAN_PACKAGES = (
    "runc", "containernetworking-plugins", "nftables", "conntrack", "busybox-static", "debootstrap",
    "libnftables1", "libjansson4", "libedit2", "libbsd0", "libmd0", "libnetfilter-conntrack3", "libnfnetlink0",
    "libmnl0", "libnftnl11", "libxtables12", "libseccomp2",
)  # fmt: skip
