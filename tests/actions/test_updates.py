from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlstack.actions.packages import install_package
from mlstack.actions.render import show
from mlstack.actions.updates import Update, carry_out, plan_update
from mlstack.app.project import Project
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample

PROTOTYPE = "jobs/train/prototype.yaml"


def edit(folder: Path, path: str, *changes: tuple[str, str]) -> None:
    text = (folder / path).read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / path).write_text(text, "utf-8")


def release(sample: Sample) -> None:
    """Version 0.2.0 of the package jobs: its prototype's parameters and its template are others."""
    edit(sample.registry, "jobs/package.yaml", ("version: 0.1.0", "version: 0.2.0"))
    edit(
        sample.registry,
        PROTOTYPE,
        ("version: 0.1.0", "version: 0.2.0"),
        ("greeting: {type: string, default: hello}", "greeting: {type: string, default: hi}"),
        (
            "debug: {type: boolean, default: false}",
            "verbose: {type: boolean, default: false}\n  steps: {type: integer, default: 5}",
        ),
        ("minimum: 1, default: 1, unit: workers", "minimum: 1, maximum: 9, default: 1, unit: workers"),
        ("aliases: {numGpus: num_gpus}", "aliases: {numGpus: num_gpus, debug: verbose}"),
    )
    edit(sample.registry, "jobs/train/templates/config.yaml", ("params.debug", "params.verbose"))


def texts(update: Update) -> dict[str, list[str]]:
    return {one.name: [line for item in one.objects for line in item.diff] for one in update.environments}


def test_nothing_newer(sample: Sample) -> None:
    update = plan_update(sample.project())
    assert (update.differs, update.packages, update.environments) == (False, (), ())


def test_the_difference_is_told_and_nothing_written(sample: Sample) -> None:
    release(sample)
    before = sample.tree()
    update = plan_update(sample.project(), "jobs")
    assert sample.tree() == before
    [package] = update.packages
    assert (package.kind, package.name, package.before, package.after) == ("package", "demo/jobs", "0.1.0", "0.2.0")
    [train] = package.prototypes
    assert (train.name, train.before, train.after) == ("train", "0.1.0", "0.2.0")
    assert train.parameters == (
        "~ num_workers: an integer >= 1, workers -> an integer >= 1 and <= 9, workers",
        '~ greeting: default "hello" -> default "hi"',
        "+ verbose: true or false (default false)",
        "+ steps: an integer (default 5)",
        "- debug (now verbose)",
    )
    assert update.components == ("components/cnn.yaml",)
    expected = ["--- ConfigMap/cnn", "+++ ConfigMap/cnn", "-  greeting: hello", "+  greeting: hi"]
    assert {name: [line for line in found if line[0] in "+-"] for name, found in texts(update).items()} == {
        "gke": expected,
        "minikube": expected,
    }


def test_it_is_taken_once(sample: Sample) -> None:
    release(sample)
    comment = sample.read("components/cnn.yaml").splitlines()[0]
    update = plan_update(sample.project())
    carry_out(sample.project(), update)
    [cnn, _] = show(sample.project(), "gke")
    assert cnn.manifests[0]["data"]["greeting"] == "hi"
    assert sample.project().app.mapping("packages") == {"demo/jobs": "0.2.0", "demo/hubs": "0.2.0"}
    assert sample.read("components/cnn.yaml").startswith(f"{comment}\n")
    assert "version: 0.2.0" in sample.read("components/cnn.yaml")
    again = sample.tree()
    assert not plan_update(sample.project()).differs
    carry_out(sample.project(), plan_update(sample.project()))
    assert sample.tree() == again


def test_several_at_once(sample: Sample) -> None:
    release(sample)
    edit(sample.registry, "hubs/package.yaml", ("version: 0.2.0", "version: 0.3.0"))
    update = plan_update(sample.project())
    assert [one.name for one in update.packages] == ["demo/hubs", "demo/jobs"]
    carry_out(sample.project(), update)
    assert sample.project().app.mapping("packages") == {"demo/jobs": "0.2.0", "demo/hubs": "0.3.0"}
    assert not plan_update(sample.project()).differs


def test_one_alone_leaves_the_others(sample: Sample) -> None:
    release(sample)
    edit(sample.registry, "hubs/package.yaml", ("version: 0.2.0", "version: 0.3.0"))
    carry_out(sample.project(), plan_update(sample.project(), "demo/hubs"))
    assert sample.project().app.mapping("packages") == {"demo/jobs": "0.1.0", "demo/hubs": "0.3.0"}
    assert "version: 0.1.0" in sample.read("components/cnn.yaml")


@pytest.mark.parametrize("path", ["demo/jobs/train/templates/config.yaml", "platforms/gke.yaml"])
def test_what_was_changed_by_hand_is_kept_without_force(sample: Sample, path: str) -> None:
    release(sample)
    edit(sample.root / "vendor", path, ("\n", "\n# mine\n"))
    before = sample.tree()
    with pytest.raises(
        MlstackError, match=r"was changed since it was vendored: .*mlstack\.lock\. .*--force replaces it"
    ):
        plan_update(sample.project())
    assert sample.tree() == before
    carry_out(sample.project(), plan_update(sample.project(), force=True))
    assert "# mine" not in sample.read(f"vendor/{path}")
    assert not plan_update(sample.project()).differs
    show(sample.project(), "gke")


def test_a_change_by_hand_is_shown_as_what_would_go(sample: Sample) -> None:
    edit(sample.root / "vendor", "demo/jobs/train/templates/config.yaml", ("params.greeting", '"mine"'))
    found = texts(plan_update(sample.project(), "jobs", force=True))
    assert "-  greeting: mine" in found["gke"]


def test_a_newer_platform(sample: Sample, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    newer = tmp_path / "gke.yaml"
    newer.write_text(sample.read("vendor/platforms/gke.yaml").replace("params: {}", "params: {greeting: gke}"))
    monkeypatch.setattr("mlstack.app.updating.platform_path", {"gke": newer}.get)
    monkeypatch.setattr("mlstack.app.vendor.platform_path", {"gke": newer}.get)
    monkeypatch.setattr("mlstack.app.updating.platform_names", lambda: ("gke",))
    update = plan_update(sample.project())
    assert [(one.kind, one.name) for one in update.packages] == [("platform", "gke")]
    assert {name: bool(found) for name, found in texts(update).items()} == {"gke": True, "minikube": False}
    carry_out(sample.project(), update)
    assert not plan_update(sample.project()).differs


def test_an_app_that_would_not_render_is_told_before(sample: Sample) -> None:
    release(sample)
    edit(
        sample.registry,
        PROTOTYPE,
        ("required: [image]", "required: [image, team]"),
        ("parameters:", "parameters:\n  team: {type: string}"),
    )
    update = plan_update(sample.project())
    assert [one.problem for one in update.environments] == [
        "does not render after the update: cnn needs team (text)."
    ] * 2


def test_an_update_that_was_interrupted_goes_on(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    release(sample)
    with monkeypatch.context() as patch:
        patch.setattr("mlstack.app.vendor._lock", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            carry_out(sample.project(), plan_update(sample.project(), "jobs"))
    update = plan_update(sample.project())  # the folder is new, the lock is not, and it is no change by hand
    assert [one.problem != "" for one in update.environments] == [True, True]
    carry_out(sample.project(), update)
    show(sample.project(), "gke")
    assert not plan_update(sample.project()).differs


def test_a_component_that_lags_behind_is_taken_along(sample: Sample) -> None:
    release(sample)
    install_package(sample.project(), "jobs", force=True)
    with pytest.raises(MlstackError, match=r"cnn asks for train 0\.1\.0, and the app's package has 0\.2\.0"):
        show(sample.project(), "gke")
    update = plan_update(sample.project())
    assert (update.packages, update.components) == ((), ("components/cnn.yaml",))
    carry_out(sample.project(), update)
    show(sample.project(), "gke")


@pytest.mark.parametrize(
    ("typed", "said"),
    [("job", "There is no package job"), ("demo/job", "demo/job is not installed"), ("x/jobs", "knows no registry x")],
)
def test_what_cannot_be_updated(sample: Sample, typed: str, said: str) -> None:
    with pytest.raises(MlstackError, match=said):
        plan_update(sample.project(), typed)


def test_a_registry_that_is_gone(sample: Sample) -> None:
    sample.registry.rename(sample.registry.with_name("away"))
    with pytest.raises(MlstackError, match=r"Registry demo: there is no registry\.yaml in \.\./registry"):
        plan_update(sample.project())


def test_unknown_files_beside_an_app_are_left(sample: Sample) -> None:
    release(sample)
    sample.write("vendor/notes.txt", "mine")
    carry_out(sample.project(), plan_update(sample.project()))
    assert sample.read("vendor/notes.txt") == "mine"
    assert Project.load(sample.root).lock.string("packages", "demo/jobs", "version") == "0.2.0"
