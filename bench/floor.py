"""The floor: the least that a Python program has to do for each case, over the same connections that mlstack uses.

It reads the same YAML, sends the same requests over 32 connections, and does nothing else: no plan, no inventory, no
labels, no ownership, no waiting. Started as a program of its own: `python floor.py CASE NAMESPACE FILE`.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import tempfile
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import urllib3
import yaml

CONNECTIONS = 32
APPLY = "application/apply-patch+yaml"


def connected(kubeconfig: Path) -> tuple[str, urllib3.PoolManager]:
    """The server's address and a pool of connections, by the certificates that a kubeconfig holds."""
    config = yaml.load(kubeconfig.read_text(encoding="utf-8"), yaml.CSafeLoader)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    tls = ssl.create_default_context(cadata=b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as pem:
        pem.write(b64decode(user["client-certificate-data"]) + b64decode(user["client-key-data"]))
        pem.flush()
        tls.load_cert_chain(pem.name)
    return cluster["server"], urllib3.PoolManager(maxsize=CONNECTIONS, block=True, ssl_context=tls)


class Floor:
    """The requests of one namespace."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        server, self._pool = connected(kubeconfig)
        self._url = f"{server}/api/v1/namespaces/{namespace}/configmaps"

    def patch(self, manifest: dict[str, Any]) -> None:
        """Server-side apply of one object."""
        url = f"{self._url}/{manifest['metadata']['name']}?fieldManager=floor&fieldValidation=Strict"
        self._ask("PATCH", url, json.dumps(manifest), {"Content-Type": APPLY})

    def delete(self, manifest: dict[str, Any]) -> None:
        """Removal of one object."""
        self._ask("DELETE", f"{self._url}/{manifest['metadata']['name']}")

    def revisions(self) -> dict[str, str]:
        """What one LIST says: the revision of each object."""
        items = json.loads(self._ask("GET", self._url))["items"]
        return {item["metadata"]["name"]: item["data"].get("revision", "") for item in items}

    def _ask(self, method: str, url: str, body: str | None = None, headers: dict[str, str] | None = None) -> bytes:
        answer = self._pool.request(method, url, body=body, headers=headers)
        if answer.status >= 400:
            raise SystemExit(f"{method} {url}: {answer.status} {answer.data!r}")
        return answer.data


def run(case: str, floor: Floor, manifests: list[dict[str, Any]]) -> None:
    """Do what a case needs at least."""
    with ThreadPoolExecutor(CONNECTIONS) as workers:
        if case == "first":
            list(workers.map(floor.patch, manifests))
        elif case == "delete":
            list(workers.map(floor.delete, manifests))
        else:
            there = floor.revisions()
            differ = [item for item in manifests if item["data"]["revision"] != there[item["metadata"]["name"]]]
            list(workers.map(floor.patch, differ))


def main() -> None:
    """The command line."""
    case, namespace, file = sys.argv[1:]
    text = Path(file).read_text(encoding="utf-8")
    manifests = list(yaml.load_all(text, yaml.CSafeLoader))
    run(case, Floor(Path(os.environ["KUBECONFIG"]), namespace), manifests)


if __name__ == "__main__":
    main()
