"""The sandbox commands, as far as nothing is started."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mlstack.cli.main import run
from mlstack.sandbox.state import Record


@pytest.fixture(autouse=True)
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Record]:
    for name in ("KUBEBUILDER_ASSETS", "MLSTACK_SANDBOX_BINARIES", "MLSTACK_SANDBOX_BUILD", "MLSTACK_SANDBOX_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLSTACK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("MLSTACK_DOWNLOAD", "0")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return lambda name: Record(name, "gke", f"sandbox-{name}", str(tmp_path / "config"), "/b", "ready").save()


def test_up_without_binaries_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["sandbox", "up"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Error: The sandbox needs the Kubernetes 1.37.2 binaries")
    assert "--build" in said.err
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize(
    "words", [["up", "--like", "eks"], ["up", "--nodes", "/none.yaml"], ["up", "--binaries", "/none"], ["up", "a", "b"]]
)
def test_wrong_words(words: list[str]) -> None:
    assert run(["sandbox", *words]) == 2


def test_up_with_a_name_that_can_not_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sandbox", "up", "My_Box"]) == 1
    assert "can't name a sandbox" in capsys.readouterr().err


def test_list(capsys: pytest.CaptureFixture[str], make: Callable[[str], Record]) -> None:
    assert run(["sandbox", "list"]) == 0
    assert capsys.readouterr().out == "No sandboxes. Make one: mlstack sandbox up\n"
    make("a")
    assert run(["sandbox", "list"]) == 0
    assert "dead: etcd" in capsys.readouterr().out
    assert run(["sandbox", "list", "-o", "json"]) == 0
    assert [(each["name"], each["ready"]) for each in json.loads(capsys.readouterr().out)] == [("a", False)]


def test_status_of_a_dead_one(capsys: pytest.CaptureFixture[str], make: Callable[[str], Record]) -> None:
    make("a")
    assert run(["sandbox", "status"]) == 3
    said = capsys.readouterr().out
    assert "kube-apiserver" in said
    assert "Start what is dead: mlstack sandbox up a" in said


@pytest.mark.parametrize("verb", ["status", "down"])
def test_no_such_sandbox(verb: str, capsys: pytest.CaptureFixture[str], make: Callable[[str], Record]) -> None:
    make("gke")
    assert run(["sandbox", verb, "gka"]) == 1
    assert capsys.readouterr().err.splitlines()[-2:] == ["Error: There is no sandbox gka.", "  Did you mean gke?"]


def test_down(capsys: pytest.CaptureFixture[str], make: Callable[[str], Record]) -> None:
    make("a")
    assert run(["sandbox", "down"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("Sandbox a is gone.\n", "Stopping sandbox a\n")
    assert run(["sandbox", "down", "--all"]) == 0
    assert capsys.readouterr().out == "No sandboxes.\n"
