"""init, registry, pkg, prototype, generate, as typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from mlstack.cli.start import read_words

Typed = Callable[..., Any]


@pytest.mark.parametrize(
    ("words", "names", "params"),
    [
        (["cnn", "--num_workers=2"], ["cnn"], {"num_workers": "2"}),
        (["--num_workers", "2", "cnn"], ["cnn"], {"num_workers": "2"}),
        (["cnn", "---namespace=default"], ["cnn"], {"namespace": "default"}),
        (["--args=a,--b=c"], [], {"args": "a,--b=c"}),
        (["--model\\_path=gs://x"], [], {"model_path": "gs://x"}),
        (["--empty="], [], {"empty": ""}),
        (["--text=two\nlines"], [], {"text": "two\nlines"}),
        (["--n", "-1"], [], {"n": "-1"}),
    ],
)
def test_words_after_a_prototype(words: list[str], names: list[str], params: dict[str, str]) -> None:
    assert read_words(words) == (names, params)


@pytest.mark.parametrize(("words", "said"), [(["--a"], "needs a value"), (["--a=1", "--a=2"], "given twice")])
def test_words_that_mean_nothing(words: list[str], said: str) -> None:
    with pytest.raises(click.UsageError, match=said):
        read_words(words)


def test_from_nothing_to_a_component(typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "Created stack" in typed("init", "stack").out
    monkeypatch.chdir(tmp_path / "stack")
    made = typed("generate", "core", "hub", "--hub_storage=2Gi")
    assert made.out.splitlines()[0] == "Installed package kubeflow/core 0.1.0 (built in)."
    assert 'hub_storage: "2Gi"' in Path("components/hub.yaml").read_text("utf-8")


def test_init_here(typed: Typed) -> None:
    Path("notes.txt").write_text("mine", "utf-8")
    assert "is not empty" in typed("init", "../app").err
    assert typed("init", ".").code == 0
    assert Path("notes.txt").read_text("utf-8") == "mine"


def test_a_component_takes_its_name_from_the_objects_name(typed: Typed, sample: Any) -> None:
    typed("generate", "train", "--name=second", "--image=busybox:1")
    assert (sample.root / "components/second.yaml").exists()


def test_one_word_too_many(typed: Typed, sample: Any) -> None:
    seen = typed("generate", "train", "a", "b", "--image=x")
    assert (seen.code, "b is one word too many" in seen.err) == (2, True)


def test_registries(typed: Typed, sample: Any) -> None:
    assert "no network" in typed("registry", "add", "kubeflow", "github.com/google/kubeflow/tree/master/kubeflow").out
    assert [one["name"] for one in typed("registry", "list", "-o", "json").json] == ["demo", "kubeflow"]
    assert "jobs" in typed("registry", "describe", "demo").out


def test_packages(typed: Typed, sample: Any) -> None:
    listed = typed("pkg", "list", "-o", "yaml").yaml
    assert {one["name"]: one["installed"] for one in listed} == {"hubs": "0.2.0", "jobs": "0.1.0"}
    assert "train" in typed("pkg", "describe", "jobs").out
    refused = typed("pkg", "remove", "jobs")
    assert (refused.code, "The component cnn uses demo/jobs" in refused.err) == (1, True)
    typed("component", "rm", "cnn")
    assert typed("pkg", "remove", "jobs").code == 0
    assert typed("pkg", "install", "demo/jobs@0.1.0").code == 0


def release(sample: Any) -> None:
    """A newer package jobs, whose prototype greets otherwise."""
    for path in ("jobs/package.yaml", "jobs/train/prototype.yaml"):
        file = sample.registry / path
        text = file.read_text("utf-8").replace("version: 0.1.0", "version: 0.2.0").replace("hello", "hi")
        file.write_text(text, "utf-8")


def test_an_update_shows_first_and_asks(typed: Typed, sample: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typed("pkg", "update").out == "All is up to date.\n"
    release(sample)
    before = sample.tree()
    shown = typed("pkg", "update", "jobs", "--dry-run")
    assert (shown.code, sample.tree()) == (0, before)
    told = [
        "demo/jobs 0.1.0 -> 0.2.0",
        "  train 0.1.0 -> 0.2.0",
        '    ~ greeting: default "hello" -> default "hi"',
        "components/cnn.yaml: gets the new version",
        "gke: 1 object would differ",
        "-  greeting: hello",
        "+  greeting: hi",
        "minikube: 1 object would differ",
    ]
    assert [line for line in shown.out.splitlines() if line in told] == [*told[:7], told[7], *told[5:7]]
    found = typed("pkg", "update", "-o", "json", "--dry-run").json
    assert [(one["name"], one["before"], one["after"]) for one in found["packages"]] == [
        ("demo/jobs", "0.1.0", "0.2.0")
    ]
    assert (found["components"], found["updated"], sample.tree()) == (["components/cnn.yaml"], False, before)
    refused = typed("pkg", "update")
    assert (refused.code, "stdin is not a terminal" in refused.err, sample.tree()) == (1, True, before)
    monkeypatch.setattr("mlstack.cli.run.can_ask", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    assert (typed("pkg", "update").code, sample.tree()) == (0, before)
    done = typed("pkg", "update", "--yes")
    assert done.out.splitlines()[-1] == "Updated. Next: mlstack diff ENV"
    assert typed("pkg", "update").out == "All is up to date.\n"
    assert "greeting: hi" in typed("show", "gke", "-c", "cnn").out


def test_prototypes_can_be_looked_at_without_an_app(typed: Typed) -> None:
    names = [one["name"] for one in typed("prototype", "list", "-o", "json").json]
    assert {"kubeflow-core", "tf-job", "tf-cnn", "tf-serving"} <= set(names)
    assert "No prototype matches nonsense" in typed("prototype", "search", "nonsense").err
    assert "tf-serving" in typed("prototype", "search", "serving").out


def test_list_of_a_prototypes_name_describes_it(typed: Typed, sample: Any) -> None:
    text = typed("prototype", "list", "train").out
    assert text == typed("prototype", "describe", "train").out
    assert "image        required" in text
    assert "Also accepted: numGpus (now num_gpus), cloud (no effect: the platform says it now)" in text
    assert "One worker:\n  mlstack generate train cnn --image=x" in text


def test_preview_writes_nothing(typed: Typed, sample: Any) -> None:
    before = sample.tree()
    seen = typed("prototype", "preview", "train", "--image=busybox:1", "--num_gpus=3")
    assert seen.yaml["data"]["gpus"] == "3"
    assert typed("prototype", "preview", "train", "cnn").code == 2
    assert sample.tree() == before


def test_outside_an_app(typed: Typed) -> None:
    seen = typed("pkg", "list")
    assert (seen.code, "There is no app" in seen.err, "mlstack init" in seen.err) == (1, True, True)


def test_help_beside_a_prototype_has_its_parameters(typed: Typed, sample: Any) -> None:
    seen = typed("generate", "train", "--help")
    assert (seen.code, seen.out.startswith("Usage: "), "num_gpus" in seen.out) == (0, True, True)
    assert "num_gpus" not in typed("generate", "--help").out
    wrong = typed("generate", "trian", "--help")
    assert (wrong.code, "There is no prototype trian." in wrong.err) == (1, True)
