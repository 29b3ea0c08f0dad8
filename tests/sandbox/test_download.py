"""Downloads from a server on loopback: taken only if the checksum agrees, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from mlstack.errors import MlstackError
from mlstack.sandbox import download, home
from mlstack.sandbox.download import Release, Unavailable

FILES: dict[str, bytes] = {}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = FILES.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    FILES.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def put(path: str, body: bytes, *, digest: str | None = None) -> None:
    FILES[path] = body
    FILES[f"{path}.sha256"] = (digest or hashlib.sha256(body).hexdigest()).encode()


def release(url: str, name: str) -> Release:
    return Release(name, f"{url}/{name}", f"{url}/{name}.sha256")


def test_a_set_appears_whole(url: str, tmp_path: Path) -> None:
    put("/kubectl", b"one")
    put("/kwok", b"two")
    said: list[str] = []
    download.fetch(tmp_path / "set", said.append, [release(url, "kubectl"), release(url, "kwok")])
    assert {file.name: file.read_bytes() for file in (tmp_path / "set").iterdir()} == {
        "kubectl": b"one",
        "kwok": b"two",
    }
    assert (tmp_path / "set" / "kwok").stat().st_mode & 0o111
    assert said == ["Downloading kubectl (1 of 2)", "Downloading kwok (2 of 2)"]


def test_a_wrong_checksum_is_refused(url: str, tmp_path: Path) -> None:
    put("/kubectl", b"one")
    put("/kwok", b"changed on the way", digest="0" * 64)
    with pytest.raises(MlstackError, match="kwok is not what its checksum says"):
        download.fetch(tmp_path / "set", lambda text: None, [release(url, "kubectl"), release(url, "kwok")])
    assert not (tmp_path / "set").exists()
    assert not list(home.work_folder().glob("*"))


def test_a_missing_file_leaves_nothing(url: str, tmp_path: Path) -> None:
    put("/kubectl", b"one")
    with pytest.raises(Unavailable, match="/kwok"):
        download.fetch(tmp_path / "set", lambda text: None, [release(url, "kubectl"), release(url, "kwok")])
    assert not (tmp_path / "set").exists()


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
        download.one(release("http://127.0.0.1:1", "kwok"), tmp_path)


def test_a_program_in_an_archive(url: str, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo("etcd-v3/etcd")
        entry.size = 4
        tar.addfile(entry, io.BytesIO(b"etcd"))
    put("/etcd.tar.gz", packed.getvalue())
    sums = f"{'1' * 64}  other.tar.gz\n{hashlib.sha256(packed.getvalue()).hexdigest()}  etcd.tar.gz\n"
    FILES["/SHA256SUMS"] = sums.encode()
    program = download.one(Release("etcd", f"{url}/etcd.tar.gz", f"{url}/SHA256SUMS", "etcd-v3/etcd"), tmp_path)
    assert program.read_bytes() == b"etcd"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["etcd"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("a" * 64, "a" * 64), (f"{'B' * 64}  *kwok\n", "b" * 64), (f"{'c' * 64}  other\n{'d' * 64} kwok", "d" * 64)],
)
def test_checksum(text: str, found: str) -> None:
    assert download.checksum(text, "kwok", "SUMS") == found


@pytest.mark.parametrize("text", ["", "<html>not found</html>", f"{'c' * 64}  other"])
def test_no_checksum_no_download(text: str) -> None:
    with pytest.raises(Unavailable, match="SUMS has no checksum of kwok"):
        download.checksum(text, "kwok", "SUMS")


def test_only_safe_addresses(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not safe"):
        download.one(Release("kwok", "http://example.org/kwok", "file:///etc/passwd"), tmp_path)


def test_the_whole_set_is_released_for_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlstack.sandbox import pins, sources

    monkeypatch.setattr(pins, "system", lambda: "linux")
    assert sorted(entry.program for entry in download.releases()) == sorted(sources.NAMES)
    monkeypatch.setattr(pins, "system", lambda: "darwin")
    with pytest.raises(Unavailable, match="macOS"):
        download.releases()
