"""Where a cluster answers and how it is spoken to: address, TLS, proxy, credentials. Sends nothing."""

from __future__ import annotations

import os
import ssl
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import SplitResult, urlsplit

from mlstack.cluster.credentials import Credentials, Headers
from mlstack.cluster.failures import KubeconfigError

_LOOPBACK = ("localhost", "127.", "::1")


@dataclass(frozen=True)
class Connection:
    """Everything that a request to one cluster as one user needs.

    `context` is for messages, `namespace` what the context names ("" for none), `authority` the CA in PEM (None: the
    system's), `proxy` an http(s) URL or "".
    """

    context: str
    server: str
    credentials: Credentials = field(repr=False)
    namespace: str = ""
    authority: bytes | None = field(default=None, repr=False)
    verify: bool = True
    server_name: str = ""
    proxy: str = ""
    extra_headers: tuple[tuple[str, str], ...] = ()

    @cached_property
    def url(self) -> SplitResult:
        """The server's address in parts."""
        return urlsplit(self.server)

    @property
    def host(self) -> str:
        """Its host name or IP address."""
        return self.url.hostname or ""

    @property
    def port(self) -> int:
        """Its TCP port."""
        return self.url.port or (80 if self.url.scheme == "http" else 443)

    @property
    def prefix(self) -> str:
        """The path before /api ("" usually; "/k8s/clusters/c-1" behind Rancher)."""
        return self.url.path.rstrip("/")

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """The TLS settings with the client's certificate loaded; None for a plain http server."""
        return None if self.url.scheme == "http" else self._context()

    def headers(self) -> Headers:
        """Credentials and impersonation, as they are now."""
        return [*self.credentials.headers(), *self.extra_headers]

    def refresh(self) -> bool:
        """After a 401: renews the credentials if they can be; the next headers() are new."""
        if not self.credentials.refresh():
            return False
        if self.tls:
            self._load_certificate(self.tls)
        return True

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.authority:
            self._trust(context, self.authority)
        else:
            context.load_default_certs()
        self._load_certificate(context)
        return context

    def _trust(self, context: ssl.SSLContext, authority: bytes) -> None:
        try:
            context.load_verify_locations(cadata=authority.decode("ascii", "replace"))
        except ssl.SSLError as error:
            problem = f"The certificate-authority of context {self.context!r} is not a PEM certificate."
            raise KubeconfigError(problem) from error

    def _load_certificate(self, context: ssl.SSLContext) -> None:
        pair = self.credentials.certificate()
        if not pair:
            return
        # OpenSSL loads a client certificate from a file only. The folder is ours alone and gone at once.
        with tempfile.TemporaryDirectory(prefix="mlstack-") as folder:
            path = os.path.join(folder, "client.pem")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pair[0] + b"\n" + (b"" if pair[1] == pair[0] else pair[1]))
            try:
                context.load_cert_chain(path)
            except ssl.SSLError as error:
                problem = f"The client certificate and key of context {self.context!r} do not fit together"
                raise KubeconfigError(f"{problem} or are not PEM.") from error


def proxy_for(server: str) -> str:
    """The proxy that HTTPS_PROXY and NO_PROXY name for this server, or "". As for kubectl, never for loopback."""
    url = urlsplit(server)
    host = url.hostname or ""
    if host.startswith(_LOOPBACK):
        return ""
    from urllib.request import getproxies, proxy_bypass  # 15 ms, rarely needed

    return "" if proxy_bypass(url.netloc.rpartition("@")[2]) else getproxies().get(url.scheme, "")
