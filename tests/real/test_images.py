"""How images are made and handed out, without a node."""

from __future__ import annotations

import os
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.realnode import layers, recipes, store
from tools.realnode.registry import Registry


@pytest.fixture
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own."""
    monkeypatch.setenv("MLSTACK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "realnode" / "registry"


@pytest.fixture
def registry(own_store: Path) -> Iterator[str]:
    """The address of a registry over it."""
    server = Registry(own_store, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v2"
    server.shutdown()
    server.server_close()


NAMES = [
    ("busybox", ("docker.io", "library/busybox", "latest")),
    ("docker.io/tensorflow/tensorflow:2.17.0", ("docker.io", "tensorflow/tensorflow", "2.17.0")),
    ("rancher/provisioner:v1", ("docker.io", "rancher/provisioner", "v1")),
    ("localhost:5000/own", ("localhost:5000", "own", "latest")),
]


@pytest.mark.parametrize(("name", "parts"), NAMES)
def test_names(name: str, parts: tuple[str, str, str]) -> None:
    assert store.reference(name) == parts


@pytest.mark.usefixtures("own_store")
def test_a_layer_keeps_what_a_container_needs(tmp_path: Path) -> None:
    folder = tmp_path / "upper"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "tool").write_text("x", "ascii")
    (folder / "bin" / "tool").chmod(0o4755)
    os.link(folder / "bin" / "tool", folder / "bin" / "again")
    (folder / "link").symlink_to("bin")
    os.mknod(folder / "gone", 0o20000, 0)  # what an overlay leaves of a removed file
    (folder / "proc").mkdir()
    (folder / "proc" / "stray").write_text("", "ascii")
    with tarfile.open(store.blobs() / layers.keep(folder)) as tar:
        found = {entry.name: entry for entry in tar.getmembers()}
    assert set(found) == {"bin", "bin/again", "bin/tool", "link", ".wh.gone", "proc"}
    assert found["bin/again"].mode == 0o4755
    assert (found["bin/tool"].islnk(), found["bin/tool"].linkname) == (True, "bin/again")
    assert (found["link"].issym(), found["link"].linkname) == (True, "bin")


def test_the_registry_answers_a_pull(registry: str) -> None:
    store.tag("quay.io/a/b:1", store.manifest({"Cmd": ["x"]}, []))
    with urllib.request.urlopen(f"{registry}/a/b/manifests/1?ns=quay.io", timeout=5) as answer:
        assert answer.headers["Content-Type"] == store.MANIFEST
        digest, whole = answer.headers["Docker-Content-Digest"], answer.read()
    asked = urllib.request.Request(f"{registry}/a/b/blobs/{digest}", headers={"Range": "bytes=5-"})
    with urllib.request.urlopen(asked, timeout=5) as answer:
        assert (answer.status, answer.read()) == (206, whole[5:])


@pytest.mark.parametrize("path", ["a/b/manifests/2?ns=quay.io", "a/b/manifests/1", "../../etc/manifests/passwd"])
def test_the_registry_has_nothing_else(registry: str, path: str) -> None:
    store.tag("quay.io/a/b:1", store.manifest({}, []))
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{registry}/{path}", timeout=5)


def test_every_recipe_stands_on_an_earlier_one() -> None:
    known = {"", "debian"}
    for recipe in recipes.everything():
        assert recipe.base in known
        known.add(recipe.key)
    names = [name for recipe in recipes.everything() for name in recipe.names]
    assert len(names) == len(set(names))
