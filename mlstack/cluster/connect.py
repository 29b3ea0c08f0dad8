"""From the name of a context to a Client. The current context is never used implicitly."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from mlstack.cluster import kubeconfig as files
from mlstack.cluster.client import Client
from mlstack.cluster.connection import Connection, proxy_for
from mlstack.cluster.credentials import (
    Credentials,
    Fixed,
    Headers,
    TokenFile,
    data_or_file,
    impersonation,
    of_user,
    read_file,
)
from mlstack.cluster.failures import KubeconfigError

IN_CLUSTER = "in-cluster"
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def connect(context: str, kubeconfig: str | None = None) -> Client:
    """A client for the cluster and user of `context`. Sends nothing yet.

    `kubeconfig` is a file; None means $KUBECONFIG or ~/.kube/config. Inside a pod, the context "in-cluster" is the
    pod's service account; any other is looked up as everywhere. Raises KubeconfigError.
    """
    return Client(connection(context, kubeconfig))


def connection(context: str, kubeconfig: str | None = None) -> Connection:
    """The settings that `connect` uses."""
    known = files.load(kubeconfig)
    if context in known.contexts or not in_pod():
        return _of_context(known.context(context), known)
    if context == IN_CLUSTER:
        return _of_pod(context, _ACCOUNT)
    where = f"in {known.where}" if known.contexts else "in this pod, which has no kubeconfig"
    raise KubeconfigError(
        f"Context {context!r} is not found {where}.",
        f"The service account of this pod is context {IN_CLUSTER}: mlstack env set ENV --context {IN_CLUSTER} --local",
    )


def _of_context(context: files.Context, known: files.Kubeconfig) -> Connection:
    cluster = context.cluster
    credentials = of_user(context.user, context.name, cluster.data)
    return Connection(
        context=context.name,
        server=context.server,
        credentials=credentials or _from_package(context.name, known),
        namespace=context.namespace,
        authority=data_or_file(cluster, "certificate-authority"),
        verify=not cluster.data.get("insecure-skip-tls-verify"),
        server_name=str(cluster.data.get("tls-server-name") or ""),
        proxy=str(cluster.data.get("proxy-url") or "") or proxy_for(context.server),
        extra_headers=tuple(impersonation(context.user)),
    )


def in_pod() -> bool:
    """Whether this process runs in a pod that has a service account."""
    return "KUBERNETES_SERVICE_HOST" in os.environ and _ACCOUNT.joinpath("token").is_file()


def _of_pod(context: str, account: Path) -> Connection:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    return Connection(
        context=context,
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        credentials=TokenFile(account / "token"),
        namespace=read_file(account / "namespace", "namespace file").decode().strip(),
        authority=read_file(account / "ca.crt", "certificate-authority"),
    )


def _from_package(context: str, known: files.Kubeconfig) -> Credentials:
    """What our own reader does not know (auth-provider), through the kubernetes package's configuration."""
    package = _Package(context, known.where)
    package.headers()
    return package


class _Package(Fixed):
    """Credentials that the kubernetes package makes and renews."""

    def __init__(self, context: str, where: str) -> None:
        super().__init__([])
        self._context = context
        self._where = where
        self._ready = False

    def headers(self) -> Headers:
        if not self._ready:
            self._headers = self._load()
            self._ready = True
        return self._headers

    def refresh(self) -> bool:
        self._ready = False
        return True

    def _load(self) -> Headers:
        from kubernetes import client, config  # 0.3 s: only for the rare kinds of authentication

        load: Callable[..., None] = config.load_kube_config
        settings = client.Configuration()
        try:
            load(self._where, context=self._context, client_configuration=settings)
        except (config.ConfigException, OSError, ValueError, KeyError) as error:
            problem = f"The kubernetes package cannot use the credentials of context {self._context!r}"
            raise KubeconfigError(f"{problem} ({type(error).__name__}).", "Log in again, then retry.") from error
        keys = settings.api_key
        token = keys.get("BearerToken") or keys.get("authorization")
        return [("Authorization", str(token))] if token else []
