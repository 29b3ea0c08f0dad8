"""A connection to the server: through a proxy where there is one, with TLS where that is spoken."""

from __future__ import annotations

import base64
import socket
import ssl
from urllib.parse import SplitResult, unquote, urlsplit

from mlstack.cluster.connection import Connection
from mlstack.cluster.failures import KubeconfigError
from mlstack.cluster.wire import NeverSentError, NoAnswerError, Stream, Wire

_CONNECT_SECONDS = 10.0
_PORTS = {"http": 80, "https": 443}


class Route:
    """The way to a server, from its Connection. Raises KubeconfigError for addresses that cannot be used.

    `host` is the Host header, `prefix` what stands before the path in a request line, `headers` what else each request
    says (who we are to a proxy of plain http).
    """

    def __init__(self, connection: Connection) -> None:
        self._at = connection
        try:
            self._server = connection.host, connection.port
            self._proxy = urlsplit(with_scheme(connection.proxy)) if connection.proxy else None
            usable = self._server[0] and (self._proxy is None or _address(self._proxy)[0])
        except ValueError:  # a port that is no number
            usable = None
        if not usable or (self._proxy and self._proxy.scheme not in _PORTS):
            through = f", proxy {connection.proxy}" if connection.proxy else ""
            problem = f"Context {connection.context!r} has an address that cannot be used"
            raise KubeconfigError(f"{problem}: server {connection.server}{through}.")
        self._tls = connection.tls
        self.host = connection.url.netloc.rpartition("@")[2]
        self.prefix = connection.prefix
        self.headers: list[tuple[str, str]] = []
        if self._proxy is not None and self._tls is None:  # a proxy of plain http wants the whole address
            self.prefix = f"http://{self.host}{connection.prefix}"
            self.headers = _authorization(self._proxy)

    def dial(self, session: ssl.SSLSession | None = None) -> Wire:
        """A new connection; `session` is one of a former connection to go on with. Raises NoAnswerError."""
        tcp = _tcp(self._server if self._proxy is None else _address(self._proxy))
        try:
            return self._secured(tcp, session)
        except NoAnswerError:
            tcp.close()
            raise
        except (OSError, ValueError) as error:
            tcp.close()
            # An untrusted certificate stays one; all else before the first request may be tried again.
            kind = NoAnswerError if isinstance(error, ssl.SSLCertVerificationError) else NeverSentError
            raise kind(str(error)) from error

    def _secured(self, tcp: socket.socket, session: ssl.SSLSession | None) -> Wire:
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream: Stream = tcp
        if self._proxy is not None and self._proxy.scheme == "https":
            name = _ascii(_address(self._proxy)[0])
            stream = tcp = ssl.create_default_context().wrap_socket(tcp, server_hostname=name)
        tls = self._tls
        if self._proxy is not None and tls is not None:
            _tunnel(Wire(stream, tcp), self._server, self._proxy)
        if tls is None:
            return Wire(stream, tcp)
        name = _ascii(self._at.server_name or self._server[0])
        if isinstance(tcp, ssl.SSLSocket):
            from urllib3.util.ssltransport import SSLTransport  # TLS in TLS: the standard library has none for sockets

            inner = SSLTransport(tcp, tls, server_hostname=name.decode())
            return Wire(inner, tcp)  # type: ignore[arg-type]  # recv gives bytes where no flags ask for a count
        secured = tls.wrap_socket(tcp, server_hostname=name, session=session)
        return Wire(secured, secured)


def session_of(wire: Wire) -> ssl.SSLSession | None:
    """The TLS session that a later connection can go on with; there is one once an answer was read."""
    return wire.stream.session if isinstance(wire.stream, ssl.SSLSocket) else None


def _tcp(address: tuple[str, int]) -> socket.socket:
    try:
        host = _ascii(address[0])
        return socket.create_connection((host, address[1]), _CONNECT_SECONDS)  # type: ignore[arg-type]  # bytes do, too
    except (OSError, UnicodeError) as error:
        raise NeverSentError(str(error)) from error


def _tunnel(wire: Wire, server: tuple[str, int], proxy: SplitResult) -> None:
    host = f"[{server[0]}]" if ":" in server[0] else server[0]
    place = f"{host}:{server[1]}"
    headers = [("Host", place), *_authorization(proxy)]
    lines = [f"CONNECT {place} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    answer = wire.ask("\r\n".join([*lines, "", ""]).encode(), _CONNECT_SECONDS, without_body=True)
    if not 200 <= answer.status < 300:
        raise NoAnswerError(f"the proxy {proxy.hostname} refuses to connect to it ({answer.status})")


def _authorization(proxy: SplitResult) -> list[tuple[str, str]]:
    if not proxy.username:
        return []
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return [("Proxy-Authorization", f"Basic {base64.b64encode(pair).decode()}")]


def _address(url: SplitResult) -> tuple[str, int]:
    return url.hostname or "", url.port or _PORTS.get(url.scheme, 0)


def with_scheme(proxy: str) -> str:
    """A proxy's address as a URL: "proxy:3128" means http."""
    return proxy if "://" in proxy else f"http://{proxy}"


def _ascii(host: str) -> bytes:
    """The host's name as it is sent. Bytes spare the import of Python's table of other alphabets."""
    return host.encode("ascii") if host.isascii() else host.encode("idna")
