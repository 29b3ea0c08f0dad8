from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from mlstack.actions.generate import generate
from mlstack.app.assemble import assemble
from mlstack.app.code import LARGEST, MOST_FILES
from mlstack.compose.trees import Tree
from mlstack.errors import MlstackError
from tests.conftest import Sample, write_tree

PARAMETER = "  code: {type: string, format: path, default: ''}\naliases:"


@pytest.fixture
def app(empty_app: Sample, add_environment: object) -> Sample:
    """An app whose component cnn carries ./train, which holds train.py."""
    path = empty_app.registry / "jobs/train/prototype.yaml"
    path.write_text(path.read_text().replace("aliases:", PARAMETER))
    generate(empty_app.project(), "train", "cnn", {"image": "busybox:1", "code": "./train"})
    assert callable(add_environment)
    add_environment(empty_app, "gke")
    empty_app.write("train/train.py", "print(1)\n")
    return empty_app


def carried(app: Sample, *sets: str) -> Tree:
    _, [cnn] = assemble(app.project(), "gke", sets)
    return cnn.trees["code"]


def test_the_files_and_what_is_left_out(app: Sample) -> None:
    left_out = [".git/config", ".env", "__pycache__/train.pyc", "pkg/__pycache__/a.pyc", "pkg/.hidden", "data/big.bin"]
    write_tree(app.root / "train", dict.fromkeys(left_out, "x"))
    write_tree(app.root / "train", {"pkg/a.py": "a\n", "pkg/deep/b.csv": "1\n", "old.log": "", "pkg/x.log": ""})
    app.write("train/.mlstackignore", "# not these\n*.log\ndata/\n")
    found = carried(app)
    assert list(found.files) == ["pkg/a.py", "pkg/deep/b.csv", "train.py"]
    assert found.files["pkg/a.py"].data == b"a\n"
    assert found.said == "components/cnn.yaml:8: code ./train"


def test_a_file_alone(app: Sample) -> None:
    found = carried(app, "cnn.code=train/train.py")
    assert (list(found.files), found.programs) == (["train.py"], ["train.py"])


def test_nothing_given_nothing_read(app: Sample) -> None:
    _, [cnn] = assemble(app.project(), "gke", ["cnn.code="])
    assert cnn.trees == {}


def test_what_may_be_executed(app: Sample) -> None:
    app.write("train/run.sh", "#!/bin/sh\n")
    before = carried(app).digest
    (app.root / "train/run.sh").chmod(0o755)
    found = carried(app)
    assert found.digest != before
    assert found.context()["items"] == [
        {"key": "run.sh", "path": "run.sh", "mode": 0o755},
        {"key": "train.py", "path": "train.py"},
    ]


def test_the_digest_is_of_the_contents_alone(app: Sample, tmp_path: Path) -> None:
    before = carried(app).digest
    os.utime(app.root / "train/train.py", (1, 1))
    (app.root / "train").rename(app.root / "else")
    assert carried(app, "cnn.code=else/").digest == before
    app.write("else/train.py", "print(2)\n")
    assert carried(app, "cnn.code=else").digest != before


def test_links_inside_the_app_are_followed(app: Sample) -> None:
    write_tree(app.root, {"shared/lib.py": "x\n", "shared/more/y.py": "y\n"})
    (app.root / "train/lib.py").symlink_to("../shared/lib.py")
    (app.root / "train/more").symlink_to(app.root / "shared/more")
    assert list(carried(app).files) == ["lib.py", "more/y.py", "train.py"]


def test_what_is_refused_names_the_settings_line(app: Sample, tmp_path: Path) -> None:
    outside = write_tree(tmp_path / "outside", {"secret.txt": "s\n", "deep/x": ""})
    cases = {
        "file": (outside / "secret.txt", "file leads out of the app"),
        "folder": (outside, "folder leads out of the app"),
        "gone": (outside / "nothing", "gone leads out of the app"),
        "broken": (Path("nowhere.py"), "broken is no file"),
        "loop": (Path(), "loop is a link to a folder that it lies in"),
        "self": (Path("self"), "self "),
    }
    for name, (target, said) in cases.items():
        link = app.root / "train" / name
        link.symlink_to(target)
        with pytest.raises(MlstackError, match=rf"^components/cnn\.yaml:8: code \./train: {said}"):
            carried(app)
        link.unlink()
    os.mkfifo(app.root / "train/pipe")
    with pytest.raises(MlstackError, match=r"code \./train: pipe is no file"):
        carried(app)
    (app.root / "train/pipe").unlink()
    (app.root / "away").symlink_to(outside)
    with pytest.raises(MlstackError, match=r"^--set: code away: it leads out of the app"):
        carried(app, "cnn.code=away")
    with pytest.raises(MlstackError, match=r"^--set: code away/deep: it leads out of the app"):
        carried(app, "cnn.code=away/deep")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("../outside", r"code must be a folder or file of the app, as \./train, got \.\./outside"),
        ("/etc", "code must be"),
        ("trian", "code trian: there is no such file or folder in the app"),
        ("empty", "code empty: there is no file in it"),
    ],
)
def test_a_wrong_path(value: str, said: str, app: Sample) -> None:
    (app.root / "empty").mkdir()
    app.write("environments/gke.yaml", app.read("environments/gke.yaml") + f"params: {{code: {value}}}\n")
    app.write("components/cnn.yaml", app.read("components/cnn.yaml").replace("  code: ./train\n", ""))
    with pytest.raises(MlstackError, match=rf"^environments/gke\.yaml:9: {said}"):
        carried(app)


def test_too_large(app: Sample) -> None:
    fits = random.Random(1).randbytes(LARGEST * 3 // 4 - 100)  # base64 makes four of three
    (app.root / "train/data.bin").write_bytes(fits)
    assert len(carried(app).files["data.bin"].carried) > LARGEST - 1000
    (app.root / "train/more.txt").write_text("x" * 2000)
    with pytest.raises(MlstackError) as refused:
        carried(app)
    assert refused.value.message == (
        "components/cnn.yaml:8: code ./train is too large for a job to carry: 902 KiB of at most 900 KiB. "
        "Largest: data.bin 900 KiB, more.txt 2 KiB, train.py 1 KiB."
    )
    assert all(word in refused.value.hint for word in (".mlstackignore", "data_pvc", "bucket", "git"))
    with (app.root / "train/huge.bin").open("wb") as file:
        file.truncate(50 * 2**30)  # never read
    with pytest.raises(MlstackError, match=r"Largest: huge\.bin 51200\.0 MiB, data\.bin 675 KiB"):
        carried(app)


def test_too_many(app: Sample) -> None:
    write_tree(app.root / "train", {f"{number}.txt": "" for number in range(MOST_FILES - 1)})
    assert len(carried(app).files) == MOST_FILES
    app.write("train/last.txt", "")
    with pytest.raises(MlstackError, match=f"holds {MOST_FILES + 1} files, and a job carries at most {MOST_FILES}"):
        carried(app)
