"""The built wheel, installed elsewhere: prototypes and platforms come from inside it, and render the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = """\
init my-kubeflow
--app my-kubeflow generate core kubeflow-core
--app my-kubeflow generate tf-cnn cnn
--app my-kubeflow generate tf-serving inception --model_path=gs://kubeflow-models/inception
--app my-kubeflow env add minikube
--app my-kubeflow env add gke
--app my-kubeflow param set --env=gke cnn num_gpus 1
--app my-kubeflow validate gke
--app my-kubeflow show minikube
--app my-kubeflow show gke"""
# The environments' ids are random, and nothing that is shown holds them; the app's is shown nowhere either.


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the wheel's content, as pip unpacks it; its dependencies are the virtual environment's."""
    folder = tmp_path_factory.mktemp("wheel")
    python = [sys.executable, "-m"]
    subprocess.run([*python, "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True)
    [wheel] = folder.glob("*.whl")
    options = ["--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*python, "pip", "install", *options, "--target", str(folder / "site"), str(wheel)], check=True)
    yield folder
    assert not (ROOT / "dist").exists()


def run(cwd: Path, *words: str, python_path: Path | None = None) -> str:
    """`python -m mlstack WORDS` of the installed wheel, or of the checkout."""
    env = {"HOME": str(cwd), "PATH": os.environ["PATH"], "PYTHONPATH": str(python_path or ROOT)}
    command = [sys.executable, "-m", "mlstack", *words]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"mlstack {' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout


def rendered(cwd: Path, python_path: Path) -> list[str]:
    printed = [run(cwd, *line.split(), python_path=python_path) for line in COMMANDS.splitlines()]
    return printed[-3:]


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_all_of_it_is_in_the_wheel(installed: Path) -> None:
    [wheel] = installed.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("prototypes", "environments"):
        listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
        expected = {f"mlstack/{name}" for name in listed.stdout.split()}
        assert expected
        assert expected - names == set()
    assert "mlstack/py.typed" in names
    assert not any(name.startswith(("tests/", "bench/", "docs/")) for name in names)


def test_it_is_the_wheel_that_runs(installed: Path, tmp_path: Path) -> None:
    site = installed / "site"
    code = "import mlstack, mlstack.bundled as b; print(mlstack.__file__, b.bundled('prototypes'), sep='\\n')"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site)}
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    where, prototypes = printed.stdout.split()
    assert Path(where).is_relative_to(site)
    assert Path(prototypes) == site / "mlstack" / "prototypes"
    assert (site / "bin" / "mlstack").exists()


def test_it_renders_what_the_checkout_renders(installed: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "checkout", tmp_path / "elsewhere"
    here.mkdir()
    there.mkdir()
    assert rendered(there, installed / "site") == rendered(here, ROOT)
    vendored = [tree(folder / "my-kubeflow" / "vendor") for folder in (here, there)]
    assert vendored[0] == vendored[1] != {}
    locks = [(folder / "my-kubeflow" / "mlstack.lock").read_bytes() for folder in (here, there)]
    assert locks[0] == locks[1]
