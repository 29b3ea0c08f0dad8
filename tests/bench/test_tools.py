"""What each tool is told to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import tools
from bench.tools import CASES, MAKERS, Tool


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that says a version as all tools do."""
    path = tmp_path / "program"
    path.write_text("#!/bin/sh\ncase \"$*\" in *--client) printf 'Client Version: v1.37.2\\n' ;; *--short)"
                    " echo v4.1.4+g05fa379 ;; version) printf 'kapp version 0.64.0\\n\\nSucceeded\\n' ;;"
                    " *) echo 'mlstack 0.1.0' ;; esac\n")  # fmt: skip
    path.chmod(0o755)
    return path


def words(tool: Tool, case: str) -> list[str]:
    command = tool.command(case, Path("/k"))
    assert command is not None
    assert command.env["KUBECONFIG"] == "/k"
    return list(command.words[1:])


def test_all_say_their_version(program: Path, tmp_path: Path) -> None:
    found = {name: make(program, tmp_path, "configmaps").version for name, make in MAKERS.items()}
    assert found == {"mlstack": "0.1.0", "kubectl": "v1.37.2", "helm": "v4.1.4", "kapp": "0.64.0", "floor": ""}
    assert tuple(found) == tools.NAMES


def test_all_have_all_cases_but_helm_s_diff(program: Path, tmp_path: Path) -> None:
    lacking = {
        (name, objects, case)
        for name, make in MAKERS.items()
        for objects in ("configmaps", "mixed")
        for case in CASES
        if make(program, tmp_path, objects).command(case, Path("/k")) is None
    }
    assert lacking == {("helm", objects, "diff") for objects in ("configmaps", "mixed")}


def test_a_change_is_applied_as_everything_is(program: Path, tmp_path: Path) -> None:
    for name, make in MAKERS.items():
        if name != "floor":
            tool = make(program, tmp_path, "mixed")
            assert words(tool, "changed") == words(tool, "unchanged")


def test_mlstack(program: Path, tmp_path: Path) -> None:
    tool = tools.mlstack(program, tmp_path, "configmaps")
    assert words(tool, "first") == ["apply", "bench"]
    assert words(tool, "diff") == ["diff", "bench"]
    assert words(tool, "delete") == ["delete", "bench", "--yes"]
    assert words(tools.mlstack(program, tmp_path, "mixed"), "delete")[3:] == [
        "--include",
        "crd",
        "--include",
        "namespace",
    ]
    assert tool.folder == tmp_path / "configmaps" / "mlstack" / "app"


def test_kubectl(program: Path, tmp_path: Path) -> None:
    run = f"{program} -n bench-kubectl"
    tool = tools.kubectl(program, tmp_path, "configmaps")
    assert words(tool, "first") == ["-ec", f"{run} apply --server-side -f objects.yaml"]
    assert words(tool, "diff") == ["-ec", f"{run} diff --server-side -f objects.yaml"]
    remove, wait = words(tool, "delete")[1].split(" && ")
    assert remove == f"{run} delete --wait=false --ignore-not-found -f objects.yaml"
    assert wait == f"{run} wait --for=delete configmaps -l bench=kubectl --timeout=300s"


def test_kubectl_needs_definitions_first(program: Path, tmp_path: Path) -> None:
    steps = words(tools.kubectl(program, tmp_path, "mixed"), "first")[1].split(" && ")
    assert [step.removeprefix(f"{program} ") for step in steps] == [  # without a namespace: the objects name theirs
        "apply --server-side -f crds.yaml",
        f"wait '{tools.ESTABLISHED}' --timeout=60s -f crds.yaml",
        "apply --server-side -f objects.yaml",
    ]


def test_helm(program: Path, tmp_path: Path) -> None:
    tool = tools.helm(program, tmp_path, "mixed")
    chart = ["settings", "chart", "-n", "bench-helm"]
    assert words(tool, "first") == ["install", *chart]
    assert words(tool, "unchanged") == ["upgrade", *chart]
    assert words(tool, "delete") == ["uninstall", "settings", "-n", "bench-helm", "--wait"]
    assert tool.leaves == {"customresourcedefinitions"}


def test_kapp(program: Path, tmp_path: Path) -> None:
    app = ["-a", "settings", "-n", "bench-kapp", "--color=false"]
    tool = tools.kapp(program, tmp_path, "configmaps")
    assert words(tool, "first") == ["deploy", *app, "-f", "objects.yaml", "--yes"]
    assert words(tool, "diff") == ["deploy", *app, "-f", "objects.yaml", "--diff-run", "--diff-changes"]
    assert words(tool, "delete") == ["delete", *app, "--yes"]
    assert "crds.yaml" in words(tools.kapp(program, tmp_path, "mixed"), "first")


def test_floor(program: Path, tmp_path: Path) -> None:
    tool = tools.floor(program, tmp_path, "mixed")
    assert words(tool, "changed") == ["changed", "requests.json"]
    assert tool.folder == tmp_path / "mixed" / "floor"


def test_who_asks_in_a_row(program: Path, tmp_path: Path) -> None:
    found = {name for name, make in MAKERS.items() if make(program, tmp_path, "configmaps").in_a_row}
    assert found == set(tools.PEERS)


def test_nothing_is_written_outside_of_the_bench_s_folder(program: Path, tmp_path: Path) -> None:
    for tool in (tools.kubectl(program, tmp_path, "mixed"), tools.helm(program, tmp_path, "mixed")):
        assert tool.env["KUBECACHEDIR"].startswith(str(tmp_path))
    assert all(path.startswith(str(tmp_path)) for path in tools.helm_homes(tmp_path).values())
