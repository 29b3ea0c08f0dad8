"""Files of the app and pip's packages in jobs."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlstack.app.platforms import platform_path, read_platform
from mlstack.compose.layers import Layer
from mlstack.compose.manifests import Manifest, pod_templates
from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Component, Target, render
from mlstack.compose.trees import SourceFile, Tree
from mlstack.errors import MlstackError
from mlstack.plan.runs import config_names, run_hash

JOBS = ["tf-job", "pytorch-job", "mpi-job", "paddle-job"]  # whose pods the macros of lib/jobs.j2 make
PROGRAM = ["python", "train.py"]
FILES = {"train.py": SourceFile(b"from pkg import a\n"), "pkg/a.py": SourceFile(b"a\n"), "w": SourceFile(b"\0")}
SAID = "components/x.yaml:7: code ./train"


@pytest.fixture(params=JOBS)
def job(request: pytest.FixtureRequest, catalogue: dict[str, Prototype]) -> Prototype:
    """Each prototype that runs a user's own program."""
    return catalogue[request.param]


def shown(job: Prototype, files: Mapping[str, SourceFile] = FILES, **values: Any) -> list[Manifest]:
    given = {"image": "registry.example.com/x:1", "code": "./train", **values}
    given = {name: value for name, value in given.items() if value is not None}
    trees = {"code": Tree(SAID, files)} if "code" in given else {}
    platform = read_platform(platform_path("gke"), "environments/gke.yaml")
    component = Component("x", job, (Layer("components/x.yaml", given),), trees=trees)
    return list(render(component, Target("app", "id", "gke", "team", platform)).manifests)


def programs(manifests: list[Manifest]) -> list[tuple[Manifest, Manifest]]:
    """(pod spec, container) of the containers that work in the code's folder."""
    specs = [template["spec"] for manifest in manifests for _, template in pod_templates(manifest)]
    return [(spec, one) for spec in specs for one in spec["containers"] if one.get("workingDir")]


def restored(manifests: list[Manifest], folder: Path) -> None:
    """The tree as a kubelet puts it there."""
    spec, container = programs(manifests)[0]
    [volume] = [one["configMap"] for one in spec["volumes"] if one["name"] == "code"]
    [config] = [one for one in manifests if one["kind"] == "ConfigMap" and one["metadata"]["name"] == volume["name"]]
    binary = {key: base64.b64decode(text) for key, text in config.get("binaryData", {}).items()}
    data = {**{key: text.encode() for key, text in config.get("data", {}).items()}, **binary}
    for item in volume["items"]:
        path = folder / item["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data[item["key"]])
        path.chmod(item.get("mode", 0o644))
    [mount] = [one for one in container["volumeMounts"] if one["name"] == "code"]
    assert (mount["mountPath"], mount["readOnly"]) == (container["workingDir"], True)


def test_the_tree_stands_again_where_the_program_starts(job: Prototype, tmp_path: Path) -> None:
    manifests = shown(job, {**FILES, "run.sh": SourceFile(b"#!/bin/sh\n", executable=True)}, command=PROGRAM)
    restored(manifests, tmp_path)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"train.py", "pkg/a.py", "w", "run.sh"}
    assert (tmp_path / "w").read_bytes() == b"\0"
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("run.sh", "w")] == [0o755, 0o644]


def test_a_changed_file_is_another_run(job: Prototype) -> None:
    hashes = set()
    for text in (b"1\n", b"2\n", b"1\n"):
        manifests = shown(job, {"train.py": SourceFile(text)}, command=PROGRAM)
        [run] = [one for one in manifests if config_names(one)]
        hashes.add(run_hash(run, manifests))
        [config] = [
            one for one in manifests if one["kind"] == "ConfigMap" and one["metadata"]["name"] in config_names(run)
        ]
        assert config["immutable"] is True
    assert len(hashes) == 2


def test_without_code_nothing_of_it(job: Prototype) -> None:
    manifests = shown(job, code=None, command=PROGRAM)
    assert "/opt/mlstack/code" not in json.dumps(manifests)
    assert programs(manifests) == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["train.py", "main.py"], "holds train.py and main.py: say what to run"),
        (["a.py", "b.py", "c.py"], "holds a.py and b.py and c.py: say what to run"),
        (["src/train.py"], r"holds no train\.py, main\.py or other Python file at its top: say what to run"),
    ],
)
def test_what_to_run_must_be_clear(catalogue: dict[str, Prototype], files: list[str], said: str) -> None:
    tree = {path: SourceFile(b"") for path in files}
    with pytest.raises(MlstackError, match=rf"components/x\.yaml:7: code \./train {said}"):
        shown(catalogue["tf-job"], tree)
    [(_, container)] = programs(shown(catalogue["tf-job"], tree, command=["sh", "x"]))
    assert container["command"] == ["sh", "x"]


def test_the_one_program_is_run_with_the_arguments(catalogue: dict[str, Prototype]) -> None:
    [(_, container)] = programs(shown(catalogue["tf-job"], args=["--epochs=3"]))
    assert (container["command"], container["args"]) == (["python", "train.py"], ["--epochs=3"])


def test_packages_go_in_front_and_need_no_rights(job: Prototype) -> None:
    manifests = shown(
        job, command=PROGRAM, pip=["einops==0.8.1"], env={"PIP_INDEX_URL": "http://mirror.example.com/simple"}
    )
    found = programs(manifests)
    assert found
    for spec, container in found:
        [init] = [one for one in spec["initContainers"] if one["name"] == "packages"]
        assert init["command"][-2:] == ["--", "einops==0.8.1"]
        assert {"name": "PIP_INDEX_URL", "value": "http://mirror.example.com/simple"} in init["env"]
        assert (init["image"], init["imagePullPolicy"]) == (container["image"], container["imagePullPolicy"])
        assert init["securityContext"] == container["securityContext"]
        [target] = [one["value"] for one in container["env"] if one["name"] == "PYTHONPATH"]
        assert target in init["command"]
        assert {"name": "packages", "emptyDir": {"sizeLimit": "20Gi"}} in spec["volumes"]


@pytest.mark.parametrize("limit", [0, 2])
def test_pip_that_fails_again_and_again_lets_the_program_fail(
    limit: int, catalogue: dict[str, Prototype], tmp_path: Path
) -> None:
    """The operator counts no restarts of a pod whose program has not started, so pip must not fail for ever."""
    values: dict[str, Any] = {"pip": ["einops==0.8.1"], "backoff_limit": limit, "command": ["echo", "trained"]}
    [(spec, container)] = programs(shown(catalogue["tf-job"], **values))
    [init] = spec["initContainers"]
    (tmp_path / "packages").mkdir()
    (tmp_path / "python").write_text("#!/bin/sh\nexit 7\n", "ascii")
    (tmp_path / "python").chmod(0o755)

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        here = [word.replace("/opt/mlstack/packages", str(tmp_path / "packages")) for word in command]
        environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        return subprocess.run(here, env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert [run(init["command"]).returncode for _ in range(limit + 1)] == [1] * limit + [0]
    ended = run(container["command"])
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"pip has failed {limit + 1} times" in ended.stderr
    (tmp_path / "packages" / "failures").unlink()
    (tmp_path / "python").write_text("#!/bin/sh\n", "ascii")
    assert [run(init["command"]).returncode, run(container["command"]).stdout] == [0, "trained\n"]


def test_pip_alone_needs_no_code(catalogue: dict[str, Prototype]) -> None:
    [manifest] = shown(catalogue["tf-job"], code=None, pip=["einops==0.8.1"])
    [(_, template)] = list(pod_templates(manifest))
    assert len(template["spec"]["initContainers"]) == 1


@pytest.mark.parametrize(("path", "refused"), [("/src", True), ("/src:/opt/mlstack/packages/lib", False)])
def test_a_path_of_ones_own_must_leave_pips(catalogue: dict[str, Prototype], path: str, refused: bool) -> None:
    values: dict[str, Any] = {"pip": ["einops==0.8.1"], "env": {"PYTHONPATH": path}}
    if refused:
        with pytest.raises(MlstackError, match="PYTHONPATH in env would hide what pip installs"):
            shown(catalogue["tf-job"], **values)
    else:
        shown(catalogue["tf-job"], **values)


@pytest.mark.parametrize("text", ["einops", "-r x.txt", "einops==0.8.1 --pre"])
def test_packages_are_pinned(catalogue: dict[str, Prototype], text: str) -> None:
    with pytest.raises(MlstackError, match=r"pip\.0 must be a pinned requirement of pip, as einops==0\.8\.1"):
        shown(catalogue["tf-job"], pip=[text])


def wheel(folder: Path) -> Path:
    """A package that no index has: as small as wheels are."""
    path = folder / "tiny_answer-1.0-py3-none-any.whl"
    info = "tiny_answer-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tiny_answer.py", "ANSWER = 42\n")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-answer\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "tiny_answer.py,,\n")
    return path


def test_both_work_outside_a_cluster_too(catalogue: dict[str, Prototype], tmp_path: Path) -> None:
    """The containers' own commands, in the order of a pod, their folders below a temporary one."""
    program = b"import os, pkg.a, tiny_answer\nprint(tiny_answer.ANSWER, pkg.a.__name__, os.listdir('.'))\n"
    files = {"train.py": SourceFile(program), "pkg/a.py": SourceFile(b"")}
    manifests = shown(catalogue["tf-job"], files, pip=["tiny-answer==1.0"])
    (tmp_path / "packages").mkdir()
    restored(manifests, tmp_path / "code")
    wheel(tmp_path)
    [(spec, container)] = programs(manifests)
    bare = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    for one in (*spec["initContainers"], container):
        mapped = json.loads(json.dumps(one).replace("/opt/mlstack", str(tmp_path)))
        env = {**bare, **{entry["name"]: entry["value"] for entry in mapped["env"]}}
        command = [sys.executable if word == "python" else word for word in mapped["command"]]
        where = mapped.get("workingDir", "/")
        done = subprocess.run(command, cwd=where, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        # What a second start of the pod's containers would do after a node's restart.
        assert subprocess.run(command, cwd=where, env=env, capture_output=True, check=False).returncode == 0
    assert done.stdout == "42 pkg.a ['pkg', 'train.py']\n" or done.stdout == "42 pkg.a ['train.py', 'pkg']\n"
    assert not list(tmp_path.glob("packages/pip-*"))
