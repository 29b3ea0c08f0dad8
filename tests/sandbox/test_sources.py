"""Where binaries come from, in which order, and what is not taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlstack.errors import MlstackError
from mlstack.sandbox import build, download, home, pins, sources

MakeSet = Callable[..., Path]


def test_order(make_set: MakeSet, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = make_set(str(home.binaries_folder()))
    assert sources.find().folder == cached
    on_path = make_set("path")
    monkeypatch.setenv("PATH", f"{on_path}:/usr/bin:/bin")
    assert (sources.find().folder, sources.find().source) == (on_path, "PATH")
    assets = make_set("assets")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    assert sources.find().folder == assets
    said = make_set("said")
    monkeypatch.setenv("MLSTACK_SANDBOX_BINARIES", str(said))
    assert sources.find().folder == said
    given = make_set("given")
    assert (sources.find(given).folder, sources.find(given).source) == (given, "--binaries")


@pytest.mark.parametrize(
    "wrong", [{"kube_apiserver": "1.36.4"}, {"kubectl": "1.32.0"}, {"etcd": None}, {"kwok": "0.7.0"}]
)
def test_another_version_or_half_a_set_is_passed_over(
    wrong: dict[str, str | None], make_set: MakeSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{make_set('path', **wrong)}:/usr/bin:/bin")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(make_set("assets", **wrong)))
    cached = make_set(str(home.binaries_folder()))
    assert sources.find().folder == cached


def test_a_set_is_never_mixed(make_set: MakeSet, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = make_set("one", etcd=None), make_set("other", kube_apiserver=None)
    monkeypatch.setenv("PATH", f"{one}:{other}:/usr/bin:/bin")
    with pytest.raises(MlstackError, match="needs the Kubernetes"):
        sources.find()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"etcd": None, "kwok": None}, "lacks etcd, kwok"),
        ({"kube_scheduler": "1.36.0"}, "has kube-scheduler 1.36.0, not 1.37"),
        ({"kwokctl": "none"}, "has kwokctl of no known version, not 0.8"),
    ],
)
def test_a_named_folder_that_will_not_do(wrong: dict[str, str | None], said: str, make_set: MakeSet) -> None:
    with pytest.raises(MlstackError, match=said) as caught:
        sources.find(make_set("named", **wrong))
    assert "--binaries" in caught.value.message


def test_another_patch_release_will_do(make_set: MakeSet) -> None:
    folder = make_set("named", kube_apiserver="1.37.9")
    assert sources.find(folder).folder == folder


def test_nothing_anywhere_is_one_sentence() -> None:
    with pytest.raises(MlstackError) as caught:
        sources.find(may_build=False)
    assert "about 13 minutes" in caught.value.message
    assert caught.value.message.count(". ") == 0
    assert "--build" in caught.value.hint


def test_download_before_build(make_set: MakeSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSTACK_DOWNLOAD", "1")
    monkeypatch.setattr(download, "fetch", lambda folder, progress: make_set(str(folder)))
    monkeypatch.setattr(build, "operator", lambda folder, progress: (folder / pins.OPERATOR).touch())
    found = sources.find(may_build=True)
    assert found.source == "the official download"
    assert found.operator == home.binaries_folder() / pins.OPERATOR


def test_no_download_says_why_and_builds(make_set: MakeSet, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(folder: Path, progress: sources.Progress) -> None:
        raise download.Unavailable("the network is off")

    def built(folder: Path, progress: sources.Progress) -> None:
        (make_set(str(folder)) / pins.OPERATOR).touch()

    monkeypatch.setenv("MLSTACK_DOWNLOAD", "1")
    monkeypatch.setenv("MLSTACK_SANDBOX_BUILD", "1")
    monkeypatch.setattr(download, "fetch", refused)
    monkeypatch.setattr(build, "everything", built)
    said: list[str] = []
    assert sources.find(progress=said.append).source == "a build"
    assert said == ["No download: the network is off"]
