"""A read-only image registry over the store, for the node alone: containerd asks it in place of every other one.

`python -m tools.realnode.registry STORE PORT`, on loopback. containerd says in `ns` which registry it meant.
"""

from __future__ import annotations

import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
PATHS = re.compile(r"/v2/(?P<repository>[a-z0-9._/-]+)/(?P<kind>manifests|blobs)/(?P<what>[\w:.-]+)")


class Registry(ThreadingHTTPServer):
    """The server, and the folder that it hands out."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    """The few requests of the distribution protocol that a pull makes."""

    protocol_version = "HTTP/1.1"
    server: Registry

    def do_GET(self) -> None:
        """Answer a manifest, a blob, or that there is none."""
        address = urlsplit(self.path)
        if address.path in ("/v2", "/v2/"):
            self._answer(200, b"")
            return
        asked = PATHS.fullmatch(address.path)
        registry = parse_qs(address.query).get("ns", ["docker.io"])[0]
        blob = self._blob(registry, asked) if asked and ".." not in address.path else None
        if asked is None or blob is None or not blob.is_file():
            self._answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
            return
        self._send(blob, MANIFEST if asked["kind"] == "manifests" else "application/octet-stream")

    def do_HEAD(self) -> None:
        """The same without the contents."""
        self.do_GET()

    def _blob(self, registry: str, asked: re.Match[str]) -> Path | None:
        what = asked["what"]
        if not what.startswith("sha256:"):
            tag = self.server.folder / "tags" / registry / asked["repository"] / what
            if not tag.is_file():
                return None
            what = tag.read_text("ascii")
        return self.server.folder / "blobs" / what.removeprefix("sha256:")

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send(self, blob: Path, content_type: str) -> None:
        size = blob.stat().st_size
        part = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(part[1]) if part else 0
        self.send_response(206 if part else 200)
        if part:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(size - start))
        self.send_header("Docker-Content-Digest", f"sha256:{blob.name}")
        self.end_headers()
        if self.command == "HEAD":
            return
        with blob.open("rb") as file:
            try:
                self.connection.sendfile(file, start)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True


if __name__ == "__main__":
    Registry(Path(sys.argv[1]), int(sys.argv[2])).serve_forever()
