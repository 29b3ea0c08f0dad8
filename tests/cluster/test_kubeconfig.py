"""Kubeconfig files as data."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mlstack.cluster import kubeconfig
from mlstack.cluster.failures import KubeconfigError

ONE = """\
current-context: gke
clusters: [{name: c, cluster: {server: "https://one:6443/"}}]
users: [{name: u, user: {token: very-secret}}]
contexts:
- {name: gke, context: {cluster: c, user: u, namespace: ml}}
- {name: broken, context: {cluster: lost, user: u}}
"""
TWO = """\
current-context: kind
clusters: [{name: c, cluster: {server: "https://two"}}, {name: d, cluster: {server: "https://two"}}]
contexts:
- {name: gke, context: {cluster: d}}
- {name: kind, context: {cluster: d}}
"""


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_first_file_wins_and_missing_ones_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [_write(tmp_path, "one", ONE), tmp_path / "missing", _write(tmp_path, "two", TWO)]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, paths)))
    known = kubeconfig.load()
    assert (known.current, known.names) == ("gke", ("broken", "gke", "kind"))
    gke = known.context("gke")
    assert (gke.server, gke.namespace, gke.user.name) == ("https://one:6443", "ml", "u")
    assert (known.context("kind").server, known.context("kind").namespace) == ("https://two", "")


def test_named_file_comes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(_write(tmp_path, "one", ONE)))
    assert kubeconfig.load(str(_write(tmp_path, "two", TWO))).current == "kind"


def test_default_file_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kubeconfig.load().names == ()


@pytest.mark.parametrize(
    ("text", "context", "said"),
    [
        (ONE, "gka", "There is no context 'gka' in {path}. Did you mean gke? There are: broken, gke."),
        (ONE, "prod-eu", "There is no context 'prod-eu' in {path}. There are: broken, gke."),
        ("{}", "gke", "There are no contexts in it"),
        (ONE, "broken", "Context 'broken' names the cluster 'lost', which is not in {path}."),
        (ONE.replace("server", "sever"), "gke", "Cluster 'c' of context 'gke' in {path} has no server."),
        ("a: [very-secret\n", "gke", "{path}:2: the kubeconfig is not valid YAML."),
        ("- a\n", "gke", "{path}: a kubeconfig is a mapping"),
        ("contexts: [gke]\n", "gke", "{path}: each item of contexts needs a name and a context."),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, context: str, said: str) -> None:
    path = _write(tmp_path, "config", text)
    with pytest.raises(KubeconfigError) as error:
        kubeconfig.load(str(path)).context(context)
    assert said.format(path=path) in str(error.value)
    assert "very-secret" not in str(error.value)


def test_missing_named_file(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="There is no kubeconfig file"):
        kubeconfig.load(str(tmp_path / "nope"))


def test_reading_contexts_imports_no_client() -> None:
    import subprocess

    code = "import sys, mlstack.cluster.kubeconfig; sys.exit('urllib3' in sys.modules or 'kubernetes' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
