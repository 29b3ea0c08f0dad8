"""A node's certificates and kubeconfigs, by openssl."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from .settings import Node
from .shell import Stamp, run

CURVE = ("-pkeyopt", "ec_paramgen_curve:P-256")
DAYS = "3650"


def make(node: Node) -> None:
    """All of them, once for these addresses."""
    folder = node.certificates
    stamp = Stamp(folder / ".made", node.name, node.address)
    if stamp.holds():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for authority in ("ca", "front-proxy-ca"):
        _authority(folder, authority, f"{node.name}-{authority}")
    _servers(node)
    _clients(node)
    run(["openssl", "genrsa", "-out", folder / "sa.key", "2048"], "Making a key")
    run(["openssl", "rsa", "-in", folder / "sa.key", "-pubout", "-out", folder / "sa.pub"], "Making a key")
    stamp.write()


def _servers(node: Node) -> None:
    names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    here = ["DNS:localhost", "IP:127.0.0.1", f"IP:{node.address}"]
    api = [*here, *(f"DNS:{name}" for name in names), f"IP:{node.service(1)}"]
    _certificate(node.certificates, "apiserver", "ca", "/CN=kube-apiserver", api)
    _certificate(node.certificates, "kubelet-server", "ca", f"/CN={node.name}", [*here, f"DNS:{node.name}"])


def _clients(node: Node) -> None:
    folder = node.certificates
    _certificate(folder, "front-proxy-client", "front-proxy-ca", "/CN=front-proxy-client")
    _certificate(folder, "apiserver-kubelet-client", "ca", "/O=system:masters/CN=kube-apiserver-kubelet-client")
    users = {
        "admin": "/O=system:masters/CN=admin",
        "controller-manager": "/CN=system:kube-controller-manager",
        "scheduler": "/CN=system:kube-scheduler",
        "proxy": "/CN=system:kube-proxy",
        "kubelet": f"/O=system:nodes/CN=system:node:{node.name}",
    }
    for user, subject in users.items():
        _certificate(folder, user, "ca", subject)
        _kubeconfig(node, user, folder / f"{user}.kubeconfig")
    _kubeconfig(node, "admin", node.kubeconfig)


def _authority(folder: Path, name: str, subject: str) -> None:
    use = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,digitalSignature"]
    files = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"]
    words = ["openssl", "req", "-x509", "-newkey", "ec", *CURVE, "-nodes", "-days", DAYS, "-subj", f"/CN={subject}"]
    run([*words, *use, *files], f"Making {name}")


def _certificate(folder: Path, name: str, authority: str, subject: str, addresses: list[str] | None = None) -> None:
    """A server's certificate if it has addresses, else a client's."""
    asked = folder / f"{name}.csr"
    words = ["openssl", "req", "-newkey", "ec", *CURVE, "-nodes", "-subj", subject, "-out", asked]
    run([*words, "-keyout", folder / f"{name}.key"], f"Making {name}")
    extensions = folder / f"{name}.ext"
    use = f"subjectAltName={','.join(addresses)}\nextendedKeyUsage=serverAuth\n" if addresses else ""
    use = use or "extendedKeyUsage=clientAuth\n"
    extensions.write_text(f"keyUsage=critical,digitalSignature,keyEncipherment\n{use}", "ascii")
    signed = ["-CA", folder / f"{authority}.crt", "-CAkey", folder / f"{authority}.key", "-CAcreateserial"]
    words = ["openssl", "x509", "-req", "-in", asked, *signed, "-days", DAYS, "-extfile", extensions]
    run([*words, "-out", folder / f"{name}.crt"], f"Signing {name}")


def _kubeconfig(node: Node, user: str, path: Path) -> None:
    def data(name: str) -> str:
        return base64.b64encode((node.certificates / name).read_bytes()).decode("ascii")

    cluster = {"server": node.server, "certificate-authority-data": data("ca.crt")}
    login = {"client-certificate-data": data(f"{user}.crt"), "client-key-data": data(f"{user}.key")}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": node.name,
        "clusters": [{"name": node.name, "cluster": cluster}],
        "users": [{"name": node.name, "user": login}],
        "contexts": [{"name": node.name, "context": {"cluster": node.name, "user": node.name}}],
    }
    path.write_text(json.dumps(config), "utf-8")
    os.chmod(path, 0o600)
