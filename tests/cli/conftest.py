"""The command line in this process: what a person types, and what they see."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlstack.cli.main import run


@dataclass(frozen=True)
class Seen:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output, read as JSON."""
        return json.loads(self.out)

    @property
    def yaml(self) -> Any:
        """The output, read as YAML."""
        return yaml.safe_load(self.out)


Typed = Callable[..., Seen]

CLOSED = "https://127.0.0.1:1"  # nothing listens on port 1


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig with the contexts gke and laptop (the current one), whose servers do not answer."""
    names = ("gke", "laptop")
    path = tmp_path / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "laptop",
        "clusters": [{"name": name, "cluster": {"server": CLOSED}} for name in names],
        "users": [{"name": "me", "user": {"token": "x"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "me", "namespace": "ml"}} for name in names],
    }
    path.write_text(yaml.safe_dump(config), "utf-8")
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.fixture
def typed(
    tmp_path: Path, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """`typed("env", "list")`: run it here. In the app where the test uses `sample`, else in an empty folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MLSTACK_CACHE_DIR", str(tmp_path / "cache"))
    here = tmp_path / "app"
    here.mkdir(exist_ok=True)
    monkeypatch.chdir(here)

    def type_(*words: str) -> Seen:
        capsys.readouterr()
        code = run(list(words))
        shown = capsys.readouterr()
        return Seen(code, shown.out, shown.err)

    return type_
