"""A small client for a sandbox's own API server, with the administrator's certificate that kwokctl made.

`mlstack.cluster` is the client for users' clusters; this one knows one server on loopback and no kubeconfig rules.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from mlstack.errors import MlstackError

MANAGER = "mlstack-sandbox"


@dataclass(frozen=True)
class Access:
    """How to reach an API server: its address, and certificates as PEM text."""

    server: str
    authority: str = field(repr=False)
    certificate: str = field(repr=False)
    key: str = field(repr=False)


def access(kubeconfig: Path) -> Access:
    """The way in that the kubeconfig by kwokctl describes (certificates by path). Raises OSError if it is not there."""
    config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    return Access(
        cluster["server"],
        _pem(cluster, "certificate-authority", kubeconfig.parent),
        _pem(user, "client-certificate", kubeconfig.parent),
        _pem(user, "client-key", kubeconfig.parent),
    )


def _pem(entry: dict[str, str], name: str, folder: Path) -> str:
    if data := entry.get(f"{name}-data"):
        return base64.b64decode(data).decode()
    return (folder / entry[name]).read_text(encoding="utf-8")


class Api:
    """Requests to one API server over one kept connection; not for several threads at once."""

    def __init__(self, kubeconfig: Path, timeout_s: float = 10.0) -> None:
        way = access(kubeconfig)
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        user = config["users"][0]["user"]
        tls = ssl.create_default_context(cadata=way.authority)
        tls.load_cert_chain(kubeconfig.parent / user["client-certificate"], kubeconfig.parent / user["client-key"])
        address = urlsplit(way.server)
        assert address.hostname is not None
        self.server = way.server
        self._connection = http.client.HTTPSConnection(address.hostname, address.port, timeout=timeout_s, context=tls)

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        """One request: the status code and the answer's JSON. Raises OSError if the server can't be reached."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", **({"Content-Type": kind} if data else {})}
        try:
            self._connection.request(method, path, data, headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            raise ConnectionError(f"{self.server} does not answer: {error}") from error
        return answer.status, _json(text)

    def get(self, path: str) -> Any:
        """The object at `path`; None if there is none. Raises OSError as `call` does, MlstackError for a refusal."""
        status, value = self.call("GET", path)
        if status == http.HTTPStatus.NOT_FOUND:
            return None
        return _accepted("GET", path, status, value)

    def items(self, path: str) -> Iterator[dict[str, Any]]:
        """The objects of a list; none if the kind is not served."""
        yield from (self.get(path) or {}).get("items", [])

    def apply(self, path: str, manifest: dict[str, Any]) -> Any:
        """Create or change an object by server-side apply, taking fields from whoever had them."""
        url = f"{path}?fieldManager={MANAGER}&force=true"
        status, value = self.call("PATCH", url, manifest, "application/apply-patch+yaml")
        return _accepted("PATCH", path, status, value)

    def create(self, path: str, manifest: dict[str, Any]) -> Any:
        """Create an object."""
        status, value = self.call("POST", path, manifest)
        return _accepted("POST", path, status, value)

    def delete(self, path: str) -> None:
        """Delete an object or a whole collection; gone already is fine."""
        status, value = self.call("DELETE", path)
        if status != http.HTTPStatus.NOT_FOUND:
            _accepted("DELETE", path, status, value)

    def healthy(self) -> bool:
        """Whether the API server says that it is ready."""
        try:
            return self.call("GET", "/readyz")[0] == http.HTTPStatus.OK
        except OSError:
            return False


def _json(text: bytes) -> Any:
    words = text.decode(errors="replace")
    try:
        return json.loads(words) if words else None
    except json.JSONDecodeError:
        return words


def _accepted(method: str, path: str, status: int, value: Any) -> Any:
    if status >= http.HTTPStatus.BAD_REQUEST:
        message = value.get("message", "") if isinstance(value, dict) else str(value)
        raise MlstackError(f"The sandbox refused {method} {path.partition('?')[0]} ({status}): {message}")
    return value
