from __future__ import annotations

from pathlib import Path

import pytest

from mlstack.app.manifestfiles import holds_manifests, read_manifests, unread
from mlstack.errors import MlstackError


def write(root: Path, *names: str) -> Path:
    for name in names:
        path = root / "components" / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n")
    return root / "components" / "own"


def test_manifests_are_found_by_their_suffix_and_below(tmp_path: Path) -> None:
    folder = write(tmp_path, "b.yml", "c.json", "a.yaml", "sub/deeper/d.yaml", "README.md", ".e.yaml", "f.yaml~")
    (folder / "sub" / "loop").symlink_to(folder)
    found = [place.file for place, _ in read_manifests(folder, tmp_path)]
    assert found == [f"components/own/{name}" for name in ("a.yaml", "b.yml", "c.json", "sub/deeper/d.yaml")]
    assert unread(folder, tmp_path) == (
        "components/own/README.md is not read: manifests are .yaml, .yml and .json files.",
    )


@pytest.mark.parametrize("name", ["kustomization.yaml", "base/kustomization.yml", "Kustomization"])
def test_a_kustomization_is_refused(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, name, "a.yaml")
    with pytest.raises(MlstackError, match=f"^components/own/{name}: kustomizations .* kubectl kustomize"):
        read_manifests(folder, tmp_path)


@pytest.mark.parametrize(
    ("name", "holds"), [("a.yml", True), ("x/a.json", True), ("Kustomization", True), ("README.md", False)]
)
def test_what_makes_a_directory_a_component(tmp_path: Path, name: str, holds: bool) -> None:
    assert holds_manifests(write(tmp_path, name)) is holds


def test_what_is_not_text_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path, "a.yml")
    (folder / "a.yml").write_bytes(b"\xff")
    with pytest.raises(MlstackError, match=r"components/own/a\.yml: this is not UTF-8 text"):
        read_manifests(folder, tmp_path)
