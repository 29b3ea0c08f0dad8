"""Who asks: the user part of a kubeconfig as request headers and client certificates."""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from mlstack.cluster.failures import KubeconfigError
from mlstack.cluster.kubeconfig import Entry

Headers = list[tuple[str, str]]

_EXEC_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
# A service account's token file is rotated by the kubelet; clients read it again about once a minute.
_TOKEN_FILE_SECONDS = 60.0
# A token that ends within this time is renewed before it is used: the request needs some of it.
_EXPIRY_MARGIN_SECONDS = 10.0


class Credentials(Protocol):
    """What is added to each request."""

    def headers(self) -> Headers:
        """The headers to send; may run a plugin or read a file."""

    def certificate(self) -> tuple[bytes, bytes] | None:
        """The client certificate and key in PEM, if this user has them."""

    def refresh(self) -> bool:
        """After a 401: forgets what was cached; says whether another attempt makes sense."""


class Fixed:
    """Headers and a certificate that do not change."""

    def __init__(self, headers: Headers, certificate: tuple[bytes, bytes] | None = None) -> None:
        self._headers = headers
        self._certificate = certificate

    def headers(self) -> Headers:
        """The same each time."""
        return self._headers

    def certificate(self) -> tuple[bytes, bytes] | None:
        """The same each time."""
        return self._certificate

    def refresh(self) -> bool:
        """Nothing can be renewed."""
        return False


class TokenFile:
    """A bearer token in a file that somebody else renews."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token = ""
        self._read_at = 0.0

    def headers(self) -> Headers:
        """The token, read again when it is a minute old."""
        if not self._token or time.monotonic() - self._read_at > _TOKEN_FILE_SECONDS:
            self._token = read_file(self._path, "token file").decode("ascii", "replace").strip()
            self._read_at = time.monotonic()
        return bearer(self._token)

    def certificate(self) -> None:
        """None: a token needs no certificate."""

    def refresh(self) -> bool:
        """Reads the file again."""
        self._token = ""
        return True


class Plugin:
    """A credential plugin (`exec`): a command that prints an ExecCredential, kept until it expires.

    Rules: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """

    def __init__(self, user: Entry, context: str, cluster: Mapping[str, Any]) -> None:
        self._spec: Mapping[str, Any] = user.data["exec"]
        self._folder = user.folder
        self._context = context
        self._cluster = cluster
        self._status: Mapping[str, Any] = {}
        self._expires = 0.0
        self._lock = threading.Lock()

    def headers(self) -> Headers:
        """The plugin's token; runs it if none is cached or the cached one is about to expire."""
        return bearer(str(self._fresh().get("token") or ""))

    def certificate(self) -> tuple[bytes, bytes] | None:
        """The plugin's client certificate, if it gives one."""
        status = self._fresh()
        if not status.get("clientCertificateData"):
            return None
        return status["clientCertificateData"].encode(), str(status.get("clientKeyData") or "").encode()

    def refresh(self) -> bool:
        """The next request runs the plugin again."""
        with self._lock:
            self._status = {}
        return True

    def _fresh(self) -> Mapping[str, Any]:
        # The lock: 32 workers that find the token expired must start one plugin, not 32.
        with self._lock:
            if not self._status or time.time() > self._expires - _EXPIRY_MARGIN_SECONDS:
                self._status = self._run()
                self._expires = _timestamp(self._status.get("expirationTimestamp"))
            return self._status

    def _run(self) -> Mapping[str, Any]:
        command = self._command()
        try:
            done = subprocess.run(
                command, env=self._environment(), stdout=subprocess.PIPE, stdin=self._stdin(), check=False
            )
        except OSError as error:
            problem = f"The credential plugin {command[0]!r} of context {self._context!r} cannot be started"
            raise KubeconfigError(f"{problem}: {error.strerror}.", self._install_hint()) from error
        if done.returncode:
            problem = f"The credential plugin {command[0]!r} of context {self._context!r} failed"
            raise KubeconfigError(f"{problem} with exit code {done.returncode}.", "Log in again, then retry.")
        return self._parse(done.stdout, command[0])

    def _command(self) -> Sequence[str]:
        version = self._spec.get("apiVersion")
        if version not in _EXEC_VERSIONS:
            problem = f"The credential plugin of context {self._context!r} speaks {version}"
            raise KubeconfigError(f"{problem}, not {_EXEC_VERSIONS[0]}.", "Update the plugin.")
        command = str(self._spec.get("command") or "")
        # kubectl's rule: a name is looked up in PATH, a relative path is relative to the kubeconfig.
        if os.sep in command and not os.path.isabs(command):
            command = str(self._folder / command)
        return [command, *map(str, self._spec.get("args") or [])]

    def _environment(self) -> dict[str, str]:
        extra = {str(item["name"]): str(item["value"]) for item in self._spec.get("env") or []}
        spec: dict[str, Any] = {"interactive": self._interactive()}
        if self._spec.get("provideClusterInfo"):
            spec["cluster"] = dict(self._cluster)
        info = {"apiVersion": self._spec["apiVersion"], "kind": "ExecCredential", "spec": spec}
        return {**os.environ, **extra, "KUBERNETES_EXEC_INFO": json.dumps(info)}

    def _interactive(self) -> bool:
        return self._spec.get("interactiveMode") != "Never" and sys.stdin is not None and sys.stdin.isatty()

    def _stdin(self) -> int | None:
        return None if self._interactive() else subprocess.DEVNULL

    def _install_hint(self) -> str:
        return str(self._spec.get("installHint") or "Install it, or put it on the PATH.").strip()

    def _parse(self, output: bytes, command: str) -> Mapping[str, Any]:
        # The output is a secret: no part of it may stand in an error.
        try:
            status = json.loads(output)["status"]
        except (ValueError, KeyError, TypeError):
            status = None
        if not isinstance(status, dict) or not (status.get("token") or status.get("clientCertificateData")):
            problem = f"The credential plugin {command!r} of context {self._context!r} printed no ExecCredential"
            raise KubeconfigError(f"{problem} with a token or certificate.", "Run it by hand to see.") from None
        return status


def of_user(user: Entry, context: str, cluster: Mapping[str, Any]) -> Credentials | None:
    """The credentials that a kubeconfig's user describes; None for kinds that only the kubernetes package knows."""
    data = user.data
    certificate = _certificate(user)
    if data.get("tokenFile"):
        return TokenFile(user.folder / str(data["tokenFile"]))
    if data.get("token"):
        return Fixed(bearer(str(data["token"])), certificate)
    if data.get("username"):
        return Fixed(_basic(str(data["username"]), str(data.get("password") or "")), certificate)
    if data.get("exec"):
        return Plugin(user, context, cluster)
    return None if data.get("auth-provider") else Fixed([], certificate)


def impersonation(user: Entry) -> Headers:
    """The headers for `as`, `as-uid`, `as-groups` and `as-user-extra` of a kubeconfig's user."""
    data = user.data
    headers = [("Impersonate-User", str(data["as"]))] if data.get("as") else []
    headers += [("Impersonate-Uid", str(data["as-uid"]))] if data.get("as-uid") else []
    headers += [("Impersonate-Group", str(group)) for group in data.get("as-groups") or []]
    extra: Mapping[str, list[Any]] = data.get("as-user-extra") or {}
    headers += [(f"Impersonate-Extra-{key}", str(value)) for key, values in extra.items() for value in values]
    return headers


def bearer(token: str) -> Headers:
    """The header for a bearer token; none for an empty one."""
    return [("Authorization", f"Bearer {token}")] if token else []


def data_or_file(entry: Entry, name: str) -> bytes | None:
    """The bytes of `NAME-data` (base64) or of the file that `NAME` names; None if the entry has neither."""
    if entry.data.get(f"{name}-data"):
        try:
            return base64.b64decode(str(entry.data[f"{name}-data"]), validate=True)
        except (binascii.Error, ValueError) as error:
            raise KubeconfigError(f"{name}-data of {entry.name!r} in the kubeconfig is not base64.") from error
    if entry.data.get(name):
        return read_file(entry.folder / str(entry.data[name]), name)
    return None


def read_file(path: Path, what: str) -> bytes:
    """The bytes of a file that the kubeconfig names; KubeconfigError says which one cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"The {what} {path} that the kubeconfig names cannot be read: {error.strerror}."
        raise KubeconfigError(problem) from error


def _certificate(user: Entry) -> tuple[bytes, bytes] | None:
    certificate = data_or_file(user, "client-certificate")
    key = data_or_file(user, "client-key")
    return (certificate, key or certificate) if certificate else None


def _basic(username: str, password: str) -> Headers:
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    return [("Authorization", f"Basic {pair}")]


def _timestamp(text: str | None) -> float:
    if not text:
        return float("inf")
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
