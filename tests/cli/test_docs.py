"""docs/commands.md is what the commands themselves say, docs/app.md what they print. MLSTACK_UPDATE_DOCS=1 rewrites."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mlstack.cli import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BEGIN, END = "<!-- from here on written by tests/cli/test_docs.py -->", "<!-- end -->"
# Kubernetes gives these to pods and to credential plugins; they are nobody's to set.
GIVEN = {"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "KUBERNETES_EXEC_INFO"}
UPDATE = bool(os.environ.get("MLSTACK_UPDATE_DOCS"))


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that lead to it, in the order of `--help`."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name), command


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def options(command: click.Command) -> list[str]:
    """A table of a command's options, as its help tells them."""
    context = click.Context(command)
    records = [option.get_help_record(context) for option in command.params if isinstance(option, click.Option)]
    rows = [f"| `{cell(record[0])}` | {cell(record[1])} |" for record in records if record]
    return ["| option | |", "|---|---|", *rows, ""] if rows else []


def described(path: tuple[str, ...], command: click.Command) -> str:
    name = " ".join(("mlstack", *path))
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    usage = usage if options(command) else usage.replace(" [OPTIONS]", "")
    paragraphs = (command.help or "").replace("\b\n", "").strip().split("\n\n")
    help_text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return "\n".join([f"### {' '.join(path)}", "", f"    {usage}", "", help_text, "", *options(command)])


def reference() -> str:
    """The part of docs/commands.md that the commands write."""
    parts = ["## Global options\n\nThey may stand anywhere in a command.\n", "\n".join(options(main.cli))]
    commands = dict(leaves(main.cli))
    for section, names in main.SECTIONS.items():
        parts.append(f"## {section}\n")
        parts += [described(path, command) for path, command in commands.items() if path[0] in names]
    return "\n".join(parts)


def test_the_reference_is_what_the_commands_say() -> None:
    page = DOCS / "commands.md"
    head, _, rest = page.read_text("utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    expected = f"{head}{BEGIN}\n\n{reference()}{END}{tail}"
    if UPDATE:
        page.write_text(expected, "utf-8")
    assert page.read_text("utf-8") == expected, "MLSTACK_UPDATE_DOCS=1 writes it anew"


def test_every_environment_variable_is_told() -> None:
    used = set()
    for path in (ROOT / "mlstack").rglob("*.py"):
        used |= set(re.findall(r'"(MLSTACK_[A-Z_]+|KUBE[A-Z_]+)"', path.read_text("utf-8")))
    told = set(re.findall(r"^\| `([A-Z_]+)", (DOCS / "commands.md").read_text("utf-8"), re.MULTILINE))
    assert used - told - GIVEN == set()


# -- docs/app.md: its console blocks are one session, in an app of their own

STEP = re.compile(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)
RANDOM = re.compile(r"\bid: [0-9a-f]{8}\b|sha256:[0-9a-f]{64}")


def settled(text: str) -> str:
    """Text without what is different in every app."""
    shown = RANDOM.sub(lambda match: "sha256:…" if match[0].startswith("sha") else "id: 1f0c9a2e", text)
    return "".join(f"{line.rstrip()}\n" for line in shown.splitlines())


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A shell in an empty folder, whose user has no kubeconfig."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {"HOME": str(tmp_path), "PATH": path, "LC_ALL": "C.UTF-8"}
    pipe = subprocess.PIPE
    command = ["bash", "--noprofile", "--norc"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=env, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
    )
    with process:
        yield process
        process.kill()


def typed(shell: subprocess.Popen[str], line: str) -> str:
    """What a line prints, typed into the shell."""
    assert shell.stdin is not None
    assert shell.stdout is not None
    shell.stdin.write(f"{line}\necho '--- done'\n")
    shell.stdin.flush()
    return "".join(iter(shell.stdout.readline, "--- done\n"))


def test_the_page_about_apps_shows_what_is_printed(shell: subprocess.Popen[str]) -> None:
    page = DOCS / "app.md"
    text = page.read_text("utf-8")

    def printed(match: re.Match[str]) -> str:
        return f"$ {match[1]}\n{settled(typed(shell, match[1]))}"

    blocks = re.split(r"(```console\n.*?```)", text, flags=re.DOTALL)
    expected = "".join(STEP.sub(printed, block) if block.startswith("```console") else block for block in blocks)
    if UPDATE:
        page.write_text(expected, "utf-8")
    assert page.read_text("utf-8") == expected, "MLSTACK_UPDATE_DOCS=1 writes it anew"
