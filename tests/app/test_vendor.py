from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlstack.app import vendor
from mlstack.app.vendor import install, installed, uninstall, vendor_platform, vendored_package, vendored_platform
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample


def test_a_package_is_copied_with_its_macros_and_locked(empty_app: Sample) -> None:
    project = empty_app.project()
    assert install(project, project.registry("demo").package("jobs"))
    assert empty_app.read("vendor/demo/jobs/lib/meta.j2")
    again = empty_app.project()
    assert installed(again) == {"demo/jobs": "0.1.0"}
    assert vendored_package(again, "demo/jobs").prototypes == ("train",)
    assert again.lock.string("packages", "demo/jobs", "source") == "../registry"


def test_installing_again_writes_nothing(empty_app: Sample) -> None:
    project = empty_app.project()
    install(project, project.registry("demo").package("jobs"))
    before = empty_app.tree()
    project = empty_app.project()
    assert not install(project, project.registry("demo").package("jobs"))
    assert empty_app.tree() == before


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / "train" / "prototype.yaml").write_text("x: 1\n"),
        lambda folder: (folder / "train" / "templates" / "more.yaml").write_text(""),
        lambda folder: (folder / "lib" / "meta.j2").unlink(),
    ],
)
def test_a_change_by_hand_is_seen_and_undone_by_installing(sample: Sample, harm: Any) -> None:
    harm(sample.root / "vendor" / "demo" / "jobs")
    with pytest.raises(MlstackError, match=r"vendor/demo/jobs was changed since.*git checkout.*pkg install demo/jobs"):
        vendored_package(sample.project(), "demo/jobs")
    project = sample.project()
    assert install(project, project.registry("demo").package("jobs"))
    assert vendored_package(sample.project(), "demo/jobs").version == "0.1.0"


def test_what_an_editor_leaves_about_does_no_harm(sample: Sample) -> None:
    sample.write("vendor/demo/jobs/train/.prototype.yaml.swp", "x")
    assert vendored_package(sample.project(), "demo/jobs")


def test_an_interrupted_install_is_taken_up_by_the_next(empty_app: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    project = empty_app.project()

    def interrupted(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(vendor, "write_atomic", interrupted)
        with pytest.raises(KeyboardInterrupt):
            install(project, project.registry("demo").package("jobs"))
    assert not (empty_app.root / "vendor" / "demo" / "jobs").exists()
    with monkeypatch.context() as patch:
        patch.setattr(vendor, "_lock", interrupted)
        with pytest.raises(KeyboardInterrupt):
            install(project, project.registry("demo").package("jobs"))
    project = empty_app.project()
    install(project, project.registry("demo").package("jobs"))
    assert vendored_package(empty_app.project(), "demo/jobs")
    assert [path.name for path in (empty_app.root / "vendor" / "demo").iterdir()] == ["jobs"]


def test_what_a_killed_install_left_is_cleared_away(empty_app: Sample) -> None:
    empty_app.write("vendor/demo/.jobs.0123.old/package.yaml", "")
    project = empty_app.project()
    install(project, project.registry("demo").package("jobs"))
    assert [path.name for path in (empty_app.root / "vendor" / "demo").iterdir()] == ["jobs"]


def test_a_package_goes_with_its_folder(sample: Sample) -> None:
    uninstall(sample.project(), "demo/jobs")
    assert installed(sample.project()) == {"demo/hubs": "0.2.0"}
    assert not (sample.root / "vendor" / "demo" / "jobs").exists()
    uninstall(sample.project(), "demo/hubs")
    assert not (sample.root / "vendor" / "demo").exists()


def test_platforms_are_vendored_once(sample: Sample) -> None:
    assert vendored_platform(sample.project(), "gke")["name"] == "gke"
    assert not vendor_platform(sample.project(), "gke")
    assert vendor_platform(sample.project(), "eks")


def test_a_platform_changed_by_hand(sample: Sample) -> None:
    sample.write("vendor/platforms/gke.yaml", sample.read("vendor/platforms/gke.yaml") + "# mine\n")
    with pytest.raises(MlstackError, match=r"vendor/platforms/gke\.yaml was changed since it was vendored"):
        vendored_platform(sample.project(), "gke")
    assert vendor_platform(sample.project(), "gke", force=True)
    assert vendored_platform(sample.project(), "gke")


def test_a_platform_that_nobody_has(sample: Sample) -> None:
    with pytest.raises(MlstackError, match=r"There is no platform gkee\. Did you mean gke\?"):
        vendored_platform(sample.project(), "gkee")


def test_a_lock_that_is_broken_is_said(sample: Sample) -> None:
    Path(sample.root / "mlstack.lock").write_text("a: [\n")
    with pytest.raises(MlstackError, match=r"mlstack\.lock:2: this is not valid YAML"):
        vendored_platform(sample.project(), "gke")
