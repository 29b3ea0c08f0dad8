"""The user's kubeconfig: one context comes and goes, nothing else changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mlstack.errors import MlstackError
from mlstack.sandbox import kubeconfig
from mlstack.sandbox.api import Access

ACCESS = Access("https://127.0.0.1:20001", "authority", "certificate", "key")
MINE = """\
# my clusters
apiVersion: v1
kind: Config
clusters:
- name: work   # the real one
  cluster: {server: "https://10.0.0.1", certificate-authority-data: QUJD}
users:
- name: me
  user:
    exec: {command: login, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}
contexts:
- name: work
  context: {cluster: work, user: me}
current-context: work
preferences: {}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(MINE)
    path.chmod(0o640)
    return path


def test_add_keeps_all_else(file: Path) -> None:
    kubeconfig.add(file, "sandbox-a", ACCESS)
    config = yaml.safe_load(file.read_text())
    assert config["current-context"] == "work"
    assert [entry["name"] for entry in config["contexts"]] == ["work", "sandbox-a"]
    assert config["clusters"][1]["cluster"] == {
        "server": ACCESS.server,
        "certificate-authority-data": "YXV0aG9yaXR5",
    }
    assert "# the real one" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o640


def test_remove_gives_the_file_back(file: Path) -> None:
    kubeconfig.add(file, "sandbox-a", ACCESS)
    assert kubeconfig.remove(file, "sandbox-a", ACCESS.server, made=False)
    assert file.read_text() == MINE
    assert not file.with_name("config.lock").exists()


def test_remove_takes_only_what_is_ours(file: Path) -> None:
    kubeconfig.add(file, "sandbox-a", ACCESS)
    before = file.read_text()
    assert not kubeconfig.remove(file, "sandbox-a", "https://127.0.0.1:1", made=False)
    assert not kubeconfig.remove(file, "sandbox-b", ACCESS.server, made=False)
    assert file.read_text() == before


def test_a_current_context_that_goes_is_unset(file: Path) -> None:
    kubeconfig.add(file, "sandbox-a", ACCESS)
    file.write_text(file.read_text().replace("current-context: work", "current-context: sandbox-a"))
    kubeconfig.remove(file, "sandbox-a", ACCESS.server, made=False)
    assert yaml.safe_load(file.read_text())["current-context"] == ""


def test_a_file_that_was_made_goes_again(tmp_path: Path) -> None:
    file = tmp_path / ".kube" / "config"
    kubeconfig.add(file, "sandbox-a", ACCESS)
    assert file.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(file.read_text())["current-context"] == ""
    kubeconfig.remove(file, "sandbox-a", ACCESS.server, made=True)
    assert not file.exists()


def test_a_file_that_was_made_stays_if_it_has_more(tmp_path: Path) -> None:
    file = tmp_path / "config"
    kubeconfig.add(file, "sandbox-a", ACCESS)
    kubeconfig.add(file, "other", ACCESS)
    kubeconfig.remove(file, "sandbox-a", ACCESS.server, made=True)
    assert [entry["name"] for entry in yaml.safe_load(file.read_text())["contexts"]] == ["other"]


def test_add_again_replaces(file: Path) -> None:
    kubeconfig.add(file, "sandbox-a", Access("https://127.0.0.1:1", "a", "b", "c"))
    kubeconfig.add(file, "sandbox-a", ACCESS)
    found = kubeconfig.find("sandbox-a", str(file))
    assert found == kubeconfig.Entry(ACCESS.server, file)
    assert file.read_text().count("name: sandbox-a") == 3
    written = file.stat().st_mtime_ns, file.stat().st_ino
    kubeconfig.add(file, "sandbox-a", ACCESS)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == written


@pytest.mark.parametrize("section", ["clusters", "users", "contexts"])
def test_find_sees_every_section(section: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump({section: [{"name": "sandbox-a"}]}))
    assert kubeconfig.find("sandbox-a", str(file)) is not None
    assert kubeconfig.find("sandbox-b", str(file)) is None


def test_several_files(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing, second = tmp_path / "missing", tmp_path / "second"
    second.write_text("contexts: [{name: elsewhere}]")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, (missing, file, second))))
    assert kubeconfig.target() == file
    assert kubeconfig.find("elsewhere") is not None
    monkeypatch.setenv("KUBECONFIG", f"{missing}{os.pathsep}{missing}2")
    assert kubeconfig.target() == tmp_path / "missing2"
    assert kubeconfig.target(str(file)) == file


def test_default_file(tmp_path: Path) -> None:
    assert kubeconfig.target() == tmp_path / "home" / ".kube" / "config"


def test_a_link_stays_a_link(tmp_path: Path, file: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    kubeconfig.add(kubeconfig.target(str(link)), "sandbox-a", ACCESS)
    assert link.is_symlink()
    assert "sandbox-a" in file.read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a: [", r"config:\d+ is no YAML"),
        (b"- a\n", "is no kubeconfig"),
        (b"contexts: [a]\n", "is no kubeconfig"),
        (b"users: {name: a}\n", "is no kubeconfig"),
        (b"\xff", "is no text in UTF-8"),
    ],
)
def test_a_broken_file_is_left_alone(text: bytes, said: str, file: Path) -> None:
    file.write_bytes(text)
    with pytest.raises(MlstackError, match=said):
        kubeconfig.add(file, "sandbox-a", ACCESS)
    assert file.read_bytes() == text
    assert not file.with_name("config.lock").exists()


def test_an_empty_file_will_do(file: Path) -> None:
    file.write_text("")
    kubeconfig.add(file, "sandbox-a", ACCESS)
    assert kubeconfig.find("sandbox-a", str(file)) is not None


def test_a_place_that_cannot_be_written(file: Path) -> None:
    with pytest.raises(MlstackError, match="can't be written"):
        kubeconfig.add(file / "config", "sandbox-a", ACCESS)


def test_somebody_else_writes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "LOCK_PATIENCE_S", 0.1)
    file.with_name("config.lock").touch()
    with pytest.raises(MlstackError, match="Another program is writing"):
        kubeconfig.add(file, "sandbox-a", ACCESS)
    assert file.read_text() == MINE


def test_a_lock_left_by_a_killed_mlstack_is_taken(file: Path) -> None:
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    file.with_name("config.lock").write_bytes(done.stdout.strip())
    kubeconfig.add(file, "sandbox-a", ACCESS)
    assert "sandbox-a" in file.read_text()
