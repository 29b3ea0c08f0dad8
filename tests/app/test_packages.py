from __future__ import annotations

from pathlib import Path

import pytest

from mlstack.app.packages import package_files, read_document, read_package, read_prototype, tree_files
from mlstack.errors import MlstackError


def test_a_package_in_a_registry(registry_folder: Path) -> None:
    package = read_package(registry_folder / "jobs", "demo", "demo/jobs")
    assert (package.qualified, package.version, package.prototypes) == ("demo/jobs", "0.1.0", ("train",))
    assert dict(package_files(package)).keys() == {
        "package.yaml",
        "train/prototype.yaml",
        "train/templates/config.yaml",
        "lib/meta.j2",
    }


def test_a_prototype_with_its_templates_and_macros(registry_folder: Path) -> None:
    prototype = read_prototype(read_package(registry_folder / "jobs", "demo", "demo/jobs"), "train")
    assert (prototype.qualified, prototype.source) == ("demo/jobs/train", "demo/jobs/train")
    assert list(prototype.templates) == ["config.yaml"]
    assert list(prototype.library) == ["lib/meta.j2"]


def test_an_unknown_prototype(registry_folder: Path) -> None:
    with pytest.raises(MlstackError, match=r"demo/jobs has no prototype trian\. Did you mean train\?"):
        read_prototype(read_package(registry_folder / "jobs", "demo", "demo/jobs"), "trian")


def test_a_macro_file_that_is_not_there(registry_folder: Path) -> None:
    (registry_folder / "lib" / "meta.j2").unlink()
    package = read_package(registry_folder / "jobs", "demo", "demo/jobs")
    with pytest.raises(MlstackError, match=r"demo/jobs/package\.yaml: library lists meta\.j2"):
        read_prototype(package, "train")


def test_what_editors_leave_about_is_no_part_of_a_package(tmp_path: Path) -> None:
    for name in ("a.yaml", "a.yaml~", ".a.yaml.swp", "__pycache__/x.pyc", ".git/config", "sub/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert tree_files(tmp_path) == ["a.yaml", "sub/b"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "x is missing."),
        ("kind: Other\n", "x: this must be one mapping with kind: Package."),
        ("- 1\n", "x: this must be one mapping"),
        ("a: 1\n---\nb: 1\n", "x: this must be one mapping"),
        ("kind: Package\napiVersion: mlstack.dev/v9\n", "x: apiVersion mlstack.dev/v9 is not known"),
        ("a: [\n", "x:2: broken YAML"),
    ],
)
def test_documents_that_are_refused(tmp_path: Path, text: str | None, sentence: str) -> None:
    if text is not None:
        (tmp_path / "x").write_text(text)
    with pytest.raises(MlstackError) as caught:
        read_document(tmp_path / "x", "x", "Package")
    assert caught.value.message.startswith(sentence)


def test_a_library_must_be_names(registry_folder: Path) -> None:
    text = "apiVersion: mlstack.dev/v1\nkind: Package\nlibrary: x\n"
    (registry_folder / "jobs" / "package.yaml").write_text(text)
    with pytest.raises(MlstackError, match="library must be a list"):
        read_package(registry_folder / "jobs", "demo", "demo/jobs")


def test_a_set_of_parameters_goes_with_the_package_that_includes_it(registry_folder: Path, tmp_path: Path) -> None:
    jobs, text = registry_folder / "jobs", "apiVersion: mlstack.dev/v1\nkind: Parameters\n"
    (registry_folder / "lib" / "pods.yaml").write_text(
        f"{text}parameters: {{spot: {{type: boolean, default: false}}}}\n"
    )
    (jobs / "package.yaml").write_text(
        (jobs / "package.yaml").read_text().replace("library: [meta.j2]", "library: [meta.j2, pods.yaml]")
    )
    with (jobs / "train" / "prototype.yaml").open("a") as file:
        file.write("include: [pods]\n")
    copy = tmp_path / "vendor"
    for path, data in package_files(read_package(jobs, "demo", "demo/jobs")):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(data)
    vendored = read_prototype(read_package(copy, "demo", "vendor/demo/jobs"), "train")
    assert vendored.parameters["spot"].default is False
    assert vendored.parameters.keys() - {"spot"} >= {"name", "namespace"}
