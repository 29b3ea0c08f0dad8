"""The entry: the table of commands, where errors end, global options anywhere."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest

from mlstack.cli import main
from mlstack.errors import MlstackError, NotReadyError, WorkloadFailedError

NAMES = [name for section in main.SECTIONS.values() for name in section]


@pytest.mark.parametrize("name", NAMES)
def test_every_listed_command_is_there_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([name, "--help"]) == 0
    assert f"Usage: mlstack {name}" in capsys.readouterr().out


def test_help_lists_every_command_under_its_section(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0
    text = capsys.readouterr().out
    for section, commands in main.SECTIONS.items():
        assert f"{section}:" in text
        for name, (_, _, line) in commands.items():
            assert f"  {name}" in text
            assert line in text


def test_the_one_line_help_is_the_commands_own() -> None:
    context = click.Context(main.cli)
    for section in main.SECTIONS.values():
        for name in section:
            command = main.cli.get_command(context, name)
            assert command is not None
            assert (command.help or "").strip(), name


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["aply"], "There is no command aply. Did you mean apply?"),
        (["apply"], "Missing argument 'ENVIRONMENT'"),
        (["apply", "gke", "--timeout", "soon"], "'soon' is no duration"),
        (["show", "gke", "--nonsense"], "No such option"),
    ],
)
def test_wrong_words_are_usage_errors(argv: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(argv) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["apply", "gke", "--kubeconfig", "k"], ["--kubeconfig", "k", "apply", "gke"]),
        (["show", "--app=x", "gke", "--debug"], ["--app=x", "--debug", "show", "gke"]),
        (["generate", "p", "--", "--app", "x"], ["generate", "p", "--", "--app", "x"]),
        (["apply", "--kubeconfig"], ["--kubeconfig", "apply"]),
    ],
)
def test_global_options_may_stand_anywhere(argv: list[str], expected: list[str]) -> None:
    assert main.hoist(argv) == expected


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MlstackError("It is wrong.", "Mend it."), 1),
        (NotReadyError("It is late."), 3),
        (WorkloadFailedError("It failed."), 4),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 0),
    ],
)
def test_each_error_has_its_exit_code_and_no_traceback(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(main.cli, "main", fail)
    if not isinstance(error, BrokenPipeError):  # That one points stdout elsewhere, for good.
        assert main.run(["show", "gke"]) == code
        shown = capfd.readouterr().err
        assert "Traceback" not in shown
        assert not isinstance(error, MlstackError) or f"Error: {error.message}\n" in shown


def test_a_reader_that_left_is_no_error() -> None:
    piped = subprocess.run(
        f"{sys.executable} -m mlstack --help | head -n 1", shell=True, capture_output=True, text=True, check=False
    )
    assert piped.stdout.startswith("Usage: mlstack")
    assert piped.stderr == ""


def test_debug_keeps_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise MlstackError("It is wrong.")

    monkeypatch.setattr(main.cli, "main", fail)
    with pytest.raises(MlstackError):
        main.run(["show", "gke", "--debug"])


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["prototype", "list", "-o", "json"]])
def test_what_needs_no_cluster_imports_no_client(argv: list[str]) -> None:
    code = (
        "import sys, json; from mlstack.cli.main import run; run(sys.argv[1:]);"
        "print(json.dumps([m for m in ('kubernetes', 'urllib3', 'rich', 'kubernetes_validate') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
