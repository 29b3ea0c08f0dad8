"""What runs on a node and how each is told to: command lines and configuration files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from . import places
from .recipes import PAUSE
from .settings import API_PORT, REGISTRY_PORT, Node

ETCD = "http://127.0.0.1:2379"
CONTAINERD = "/run/containerd/containerd.sock"
# Snapshotters and tracing that this machine may lack or nobody asks for; each would cost a line of warning.
UNUSED = ("internal.v1.opt", "snapshotter.v1.btrfs", "snapshotter.v1.zfs", "snapshotter.v1.devmapper",
          "snapshotter.v1.blockfile", "snapshotter.v1.erofs", "nri.v1.nri", "tracing.processor.v1.otlp")  # fmt: skip


def registry(node: Node) -> list[str]:
    """The images' registry, on loopback."""
    return [sys.executable, "-m", "tools.realnode.registry", str(places.store()), str(REGISTRY_PORT)]


def etcd(node: Node) -> list[str]:
    """The cluster's store; without fsync, since nothing of it outlives a crash of this machine."""
    peer = "http://127.0.0.1:2380"
    return [
        "etcd", "--name=node", f"--data-dir={node.folder / 'etcd'}", "--unsafe-no-fsync", "--log-level=warn",
        f"--listen-client-urls={ETCD}", f"--advertise-client-urls={ETCD}",
        f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=node={peer}",
    ]  # fmt: skip


def api_server(node: Node) -> list[str]:
    """The API server, on the node's address."""
    pki = node.certificates
    return [
        "kube-apiserver", f"--bind-address={node.address}", f"--advertise-address={node.address}",
        f"--secure-port={API_PORT}", f"--etcd-servers={ETCD}", f"--service-cluster-ip-range={node.services}",
        "--allow-privileged=true", "--profiling=false", "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction", f"--client-ca-file={pki / 'ca.crt'}",
        f"--tls-cert-file={pki / 'apiserver.crt'}", f"--tls-private-key-file={pki / 'apiserver.key'}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-signing-key-file={pki / 'sa.key'}", f"--service-account-key-file={pki / 'sa.pub'}",
        f"--kubelet-client-certificate={pki / 'apiserver-kubelet-client.crt'}",
        f"--kubelet-client-key={pki / 'apiserver-kubelet-client.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}", "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group", "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki / 'front-proxy-client.crt'}",
        f"--proxy-client-key-file={pki / 'front-proxy-client.key'}",
    ]  # fmt: skip


def _as_user(node: Node, user: str) -> list[str]:
    path = node.certificates / f"{user}.kubeconfig"
    return [f"--{purpose}kubeconfig={path}" for purpose in ("", "authentication-", "authorization-")]


def controller_manager(node: Node) -> list[str]:
    """The controllers; the node's own range of pods is in its network's configuration."""
    pki = node.certificates
    return [
        "kube-controller-manager", *_as_user(node, "controller-manager"), "--leader-elect=false",
        "--bind-address=127.0.0.1", "--use-service-account-credentials=true", "--allocate-node-cidrs=false",
        f"--service-account-private-key-file={pki / 'sa.key'}", f"--root-ca-file={pki / 'ca.crt'}",
        f"--cluster-signing-cert-file={pki / 'ca.crt'}", f"--cluster-signing-key-file={pki / 'ca.key'}",
        f"--flex-volume-plugin-dir={node.folder / 'flex'}",
    ]  # fmt: skip


def scheduler(node: Node) -> list[str]:
    """The scheduler."""
    return ["kube-scheduler", *_as_user(node, "scheduler"), "--leader-elect=false", "--bind-address=127.0.0.1"]


def proxy(node: Node) -> list[str]:
    """Services, by nftables; the machine's connection table stays as it is."""
    return [
        "kube-proxy", f"--kubeconfig={node.certificates / 'proxy.kubeconfig'}", "--proxy-mode=nftables",
        f"--hostname-override={node.name}", f"--bind-address={node.address}", f"--cluster-cidr={node.pods}",
        "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0", "--oom-score-adj=0",
    ]  # fmt: skip


def containerd(node: Node) -> list[str]:
    """The container runtime."""
    return ["containerd", "--config", str(node.folder / "containerd.toml"), "--log-level=warn"]


def kubelet(node: Node) -> list[str]:
    """The kubelet."""
    return [
        "kubelet", f"--config={node.folder / 'kubelet.json'}", f"--hostname-override={node.name}",
        f"--kubeconfig={node.certificates / 'kubelet.kubeconfig'}", f"--node-ip={node.address}",
        "--root-dir=/var/lib/kubelet", "--cert-dir=/var/lib/kubelet/pki", f"--node-labels={node.labels}",
    ]  # fmt: skip


def write_files(node: Node) -> None:
    """The configuration files that these name."""
    folder = node.folder
    for name in ("cni", "certs.d/_default", "flex"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n", "ascii")  # there is nothing outside: fail at once
    (folder / "kubelet.json").write_text(json.dumps(_kubelet(node), indent=1), "utf-8")
    (folder / "containerd.toml").write_text(_containerd(node), "utf-8")
    mirror = f"http://127.0.0.1:{REGISTRY_PORT}"
    hosts = f'server = "{mirror}"\n[host."{mirror}"]\n  capabilities = ["pull", "resolve"]\n'
    (folder / "certs.d/_default/hosts.toml").write_text(hosts, "ascii")
    (folder / "cni/10-pods.conflist").write_text(json.dumps(_network(node)), "ascii")


def _network(node: Node) -> dict[str, Any]:
    addresses = {
        "type": "host-local", "dataDir": "/run/cni-addresses",
        "ranges": [[{"subnet": node.pods}]], "routes": [{"dst": "0.0.0.0/0"}],
    }  # fmt: skip
    return {
        "cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp", "ipMasq": False, "ipam": addresses}],
    }  # fmt: skip


def _kubelet(node: Node) -> dict[str, Any]:
    pki = node.certificates
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / "kubelet-server.crt"),
        "tlsPrivateKeyFile": str(pki / "kubelet-server.key"),
        "containerRuntimeEndpoint": f"unix://{CONTAINERD}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cable}",
        "failCgroupV1": False,  # deprecated, and still what many machines have
        "failSwapOn": False,
        "clusterDNS": [node.service(10)],
        "clusterDomain": "cluster.local",
        "resolvConf": str(node.folder / "resolv.conf"),
        "makeIPTablesUtilChains": False,
        # The machine's disk may be nearly full without any fault of ours.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "volumePluginDir": str(node.folder / "flex"),
        "serializeImagePulls": False,
        # The operator waits until the certificate that it wrote comes back by its Secret's volume: a minute by default.
        "syncFrequency": "5s",
        "oomScoreAdj": 0,  # a container may not lower it
        "shutdownGracePeriod": "0s",
    }


def _containerd(node: Node) -> str:
    system = places.system()
    return f"""version = 3
root = "{node.containers}"
state = "/run/containerd/state"
oom_score = 0
disabled_plugins = {json.dumps([f"io.containerd.{name}" for name in UNUSED])}
[grpc]
  address = "{CONTAINERD}"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  discard_unpacked_layers = true
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{PAUSE}"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "{node.folder / "certs.d"}"
[plugins."io.containerd.cri.v1.runtime"]
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        BinaryName = "{system / "usr/sbin/runc"}"
        SystemdCgroup = false
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["{system / "usr/lib/cni"}"]
    conf_dir = "{node.folder / "cni"}"
"""


def environment(node: Node) -> dict[str, str]:
    """The daemons' environment: our programs first on PATH, and the unpacked packages' libraries."""
    system = places.system()
    path = [places.binaries(), Path(node.control_plane), system / "usr/sbin", system / "usr/bin"]
    return {
        "PATH": ":".join([*map(str, path), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]),
        "LD_LIBRARY_PATH": ":".join(map(str, places.library_folders())),
        "CONTAINERD_ADDRESS": CONTAINERD,
    }
