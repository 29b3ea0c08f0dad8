"""What answers on a simulated pod's ports: a small page that says what it stands for.

kwok tells us nothing of the pod that a forward was opened to, so every well-known port has a listener of its own, and
the page names the pods that declare that port.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

KNOWN_PORTS = (80, 443, 2222, 6006, 8000, 8001, 8080, 8081, 8443, 8500, 8501, 8888, 9000, 9090)
"""Pod ports whose number the page can say; others are answered too, by one listener for them all."""

PodsOf = Callable[[int], list[str]]


class Server(ThreadingHTTPServer):
    """A page server for one port of simulated pods."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], sandbox: str, pod_port: int, pods: PodsOf) -> None:
        super().__init__(address, Handler)
        self.sandbox = sandbox
        self.pod_port = pod_port
        self.pods = pods


class Handler(BaseHTTPRequestHandler):
    """Answers every request alike, always with a length: a forward by websocket has no end of stream."""

    protocol_version = "HTTP/1.1"
    server_version = "mlstack-sandbox"
    timeout = 120
    server: Server

    def answer(self) -> None:
        """The page, as HTML or as JSON where that is asked for."""
        self._read_body()
        facts = describe(self.server.sandbox, self.server.pod_port, self.server.pods, self.path)
        wants_json = "application/json" in self.headers.get("Accept", "") or self.path.startswith("/v1/")
        kind, text = ("application/json", json.dumps(facts)) if wants_json else ("text/html", page(facts))
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Mlstack-Simulated", "true")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 (the names that http.server looks for)

    def _read_body(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length:
            self.rfile.read(length)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name in http.server)
        """Nothing: a page server's requests are of no interest."""


def describe(sandbox: str, port: int, pods: PodsOf, path: str) -> dict[str, Any]:
    """What a page says, as plain data. Port 0 stands for "not one of the known"."""
    return {
        "simulated": True,
        "sandbox": sandbox,
        "port": port or None,
        "pods": pods(port) if port else [],
        "path": path,
        "message": "No container runs in a sandbox: this page stands for what the pod would answer.",
    }


def page(facts: dict[str, Any]) -> str:
    """The page for a browser."""
    port = f"port {facts['port']}" if facts["port"] else "a port"
    named = facts["pods"] or ["no pod declares it"]
    rows = "".join(f"<li>{html.escape(pod)}</li>" for pod in named)
    name = html.escape(facts["sandbox"])
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f"<title>Simulated: {port} in sandbox {name}</title>"
        "<style>body{font:16px/1.5 sans-serif;max-width:40em;margin:4em auto;padding:0 1em}</style>"
        f"<h1>Sandbox {name}: {port} of a simulated pod</h1>"
        f"<p>{facts['message']}</p><p>Pods that declare {port}:</p><ul>{rows}</ul></html>\n"
    )


def serve(sandbox: str, listeners: dict[int, int], pods: PodsOf) -> list[Server]:
    """Answer on loopback: `listeners` maps the pod's port (0: any other) to the local port. Raises OSError if taken."""
    servers = [Server(("127.0.0.1", local), sandbox, port, pods) for port, local in listeners.items()]
    for server in servers:
        Thread(target=server.serve_forever, daemon=True).start()
    return servers
