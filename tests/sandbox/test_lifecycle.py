"""up and down, as far as nothing is started; the rest is tests/cluster/test_sandbox.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlstack.errors import MlstackError
from mlstack.sandbox import home, kubeconfig, lifecycle
from mlstack.sandbox.api import Access
from mlstack.sandbox.state import Record

RECORD = Record("a", "gke", "sandbox-a", "/k", "/b", "ready", server="https://127.0.0.1:20001")
NODE = "{apiVersion: v1, kind: Node, metadata: {name: a}, status: {allocatable: {cpu: 1}}}"


@pytest.mark.parametrize(
    ("name", "like", "wanted"),
    [("gke", None, "gke"), ("minikube", "gke", "gke"), ("other", None, "minikube"), ("other", "gke", "gke")],
)
def test_what_it_is_like(name: str, like: str | None, wanted: str) -> None:
    assert lifecycle.planned(name, like, None, None, None).like == wanted


def test_a_plan_has_a_context_and_the_users_file(tmp_path: Path) -> None:
    record = lifecycle.planned("a", None, None, None, None)
    assert (record.context, record.phase) == ("sandbox-a", "starting")
    assert record.kubeconfig == str(tmp_path / "home" / ".kube" / "config")
    assert not home.home("a").folder.exists()


def test_unknown_like() -> None:
    with pytest.raises(MlstackError, match=r"no sandbox like gkr.*Did you mean gke"):
        lifecycle.planned("a", "gkr", None, None, None)


@pytest.mark.parametrize(("like", "context"), [(None, None), ("gke", None), ("gke", "sandbox-a")])
def test_the_same_again(like: str | None, context: str | None) -> None:
    lifecycle.check_same(RECORD, like, context, None)


@pytest.mark.parametrize(
    ("like", "context", "said"), [("minikube", None, "--like gke"), (None, "x", "--context sandbox-a")]
)
def test_something_else_under_the_same_name(like: str | None, context: str | None, said: str) -> None:
    with pytest.raises(MlstackError, match=said):
        lifecycle.check_same(RECORD, like, context, None)


def test_other_nodes_under_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "nodes.yaml").write_text(NODE)
    with pytest.raises(MlstackError, match="other nodes"):
        lifecycle.check_same(RECORD, None, None, tmp_path / "nodes.yaml")
    same = lifecycle.planned("a", None, None, None, tmp_path / "nodes.yaml")
    lifecycle.check_same(same, None, None, tmp_path / "nodes.yaml")
    with pytest.raises(MlstackError, match="give its --nodes file again"):
        lifecycle.check_same(same, None, None, None)


def test_a_context_of_somebody_else_is_refused_before_anything_starts(
    tmp_path: Path, make_set: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config"
    kubeconfig.add(file, "sandbox-a", Access("https://10.0.0.1", "a", "b", "c"))
    before = file.read_text()
    monkeypatch.setenv("MLSTACK_SANDBOX_BINARIES", str(make_set("set")))
    with pytest.raises(MlstackError, match="sandbox-a already; nothing was started"):
        lifecycle.up("a", kubeconfig_file=str(file))
    assert file.read_text() == before
    assert lifecycle.listing() == []
    assert not home.home("a").folder.exists()


def test_an_own_context_is_fine(tmp_path: Path) -> None:
    file = tmp_path / "config"
    kubeconfig.add(file, "sandbox-a", Access(RECORD.server, "a", "b", "c"))
    lifecycle.check_context(Record("a", "gke", "sandbox-a", str(file), "/b", server=RECORD.server))


def test_no_binaries_is_one_sentence_and_leaves_nothing() -> None:
    with pytest.raises(MlstackError, match="needs the Kubernetes"):
        lifecycle.up("a", build=False)
    assert lifecycle.listing() == []


def test_a_control_plane_that_does_not_start_says_why_and_can_be_taken_down(make_set: Callable[..., Path]) -> None:
    folder = make_set("set")
    (folder / "kwokctl").write_text("#!/bin/sh\n[ $1 = --version ] && echo v0.8.0 && exit\necho no room >&2; exit 1\n")
    with pytest.raises(MlstackError, match="did not start: no room") as caught:
        lifecycle.up("a", binaries=folder)
    assert "mlstack sandbox down a" in caught.value.hint
    (found,) = lifecycle.listing()
    assert found.phase == "starting"
    assert lifecycle.down("a")
    assert lifecycle.listing() == []


def test_recognise() -> None:
    RECORD.save()
    told = {"name": "a", "like": "gke", "context": "sandbox-a"}
    assert lifecycle.recognise("https://127.0.0.1:20001") == told
    assert lifecycle.recognise("https://localhost:20001/") == told
    assert lifecycle.recognise("https://127.0.0.1:20002") is None


def test_down_of_nothing() -> None:
    with pytest.raises(MlstackError, match="There is no sandbox a"):
        lifecycle.down("a")
    with pytest.raises(MlstackError, match="There is no sandbox"):
        lifecycle.down()
    assert lifecycle.listing() == []


def test_an_empty_name_is_not_the_only_one() -> None:
    # mlstack sandbox down "$UNSET"
    for action in (lifecycle.down, lifecycle.status):
        with pytest.raises(MlstackError, match="'' can't name a sandbox"):
            action("")


def test_which_one() -> None:
    RECORD.save()
    assert lifecycle.only("x") == "a"
    Record("b", "gke", "c", "/k", "/b").save()
    with pytest.raises(MlstackError, match="several sandboxes: a, b"):
        lifecycle.status()


def test_down_clears_what_an_interrupted_up_left() -> None:
    folder = home.home("a").folder
    (folder / "kwok").mkdir(parents=True)
    assert lifecycle.down("a")
    assert not folder.exists()


def test_a_name_taken_in_another_kubeconfig_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("contexts: []")
    kubeconfig.add(second, "sandbox-a", Access("https://10.0.0.1", "a", "b", "c"))
    monkeypatch.setenv("KUBECONFIG", f"{first}:{second}")
    with pytest.raises(MlstackError, match="second has a context"):
        lifecycle.up("a")
