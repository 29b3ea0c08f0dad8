"""What each tool is told to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import tools, workload


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that says a version as all three tools do."""
    path = tmp_path / "program"
    path.write_text("#!/bin/sh\ncase $1 in version) [ \"$2\" = --client ] && printf 'Client Version: v1.37.2\\n'"
                    " || echo v4.1.4+g05fa379 ;; *) echo 'mlstack 0.1.0' ;; esac\n")  # fmt: skip
    path.chmod(0o755)
    return path


def words(tool: tools.Tool, case: str) -> list[str]:
    command = tool.command(case, Path("/k"))
    assert command is not None
    assert command.words[0].endswith("/program")
    assert command.env["KUBECONFIG"] == "/k"
    return list(command.words[1:])


def test_mlstack(program: Path, tmp_path: Path) -> None:
    tool = tools.mlstack(program, tmp_path)
    assert tool.version == "0.1.0"
    assert set(tool.cases) == set(tools.CASES)
    assert words(tool, "first") == words(tool, "unchanged") == words(tool, "changed") == ["apply", "bench"]
    assert words(tool, "show") == ["show", "bench"]
    assert words(tool, "diff") == ["diff", "bench"]
    assert words(tool, "delete") == ["delete", "bench", "--yes"]
    command = tool.command("first", Path("/k"))
    assert command is not None
    assert command.folder == workload.app(tmp_path)


def test_kubectl(program: Path, tmp_path: Path) -> None:
    tool = tools.kubectl(program, tmp_path)
    where = ["-n", "bench-kubectl", "-f", str(workload.plain_file(tmp_path))]
    assert tool.version == "v1.37.2"
    assert words(tool, "first") == words(tool, "unchanged") == ["apply", "--server-side", *where]
    assert words(tool, "diff") == ["diff", "--server-side", *where]
    assert words(tool, "delete") == ["delete", "--wait=false", *where]


def test_helm(program: Path, tmp_path: Path) -> None:
    tool = tools.helm(program, tmp_path)
    chart = ["settings", str(workload.chart(tmp_path)), "-n", "bench-helm"]
    assert tool.version == "v4.1.4"
    assert words(tool, "show") == ["template", *chart]
    assert words(tool, "first") == ["install", *chart]
    assert words(tool, "unchanged") == words(tool, "changed") == ["upgrade", *chart]
    assert words(tool, "delete") == ["uninstall", "settings", "-n", "bench-helm"]
    assert tool.command("diff", Path("/k")) is None


def test_floor(tmp_path: Path) -> None:
    tool = tools.floor(tmp_path)
    command = tool.command("first", Path("/k"))
    assert command is not None
    assert command.words[-3:] == ("first", "bench-floor", str(workload.plain_file(tmp_path)))
    assert set(tool.cases) == set(tools.CASES) - {"show"}


def test_who_asks_in_a_row(program: Path, tmp_path: Path) -> None:
    makers = (tools.mlstack, tools.kubectl, tools.helm)
    found = {
        tool.name: tool.in_a_row for tool in (*(make(program, tmp_path) for make in makers), tools.floor(tmp_path))
    }
    assert found == {"mlstack": False, "kubectl": True, "helm": True, "floor": False}


def test_nothing_is_written_outside_of_the_bench_s_folder(program: Path, tmp_path: Path) -> None:
    for tool in (tools.kubectl(program, tmp_path), tools.helm(program, tmp_path)):
        assert tool.env["KUBECACHEDIR"].startswith(str(tmp_path))
    assert all(path.startswith(str(tmp_path)) for path in tools.helm(program, tmp_path).env.values())
