"""Advice that names a command names one that exists, with options and arguments that it takes."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mlstack.cli.main import SECTIONS, cli, hoist

PACKAGE = Path(__file__).parents[2] / "mlstack"
COMMANDS = {name for section in SECTIONS.values() for name in section}
# A command ends with its backquote or, without one, with the sentence or what stands in brackets.
QUOTED = re.compile(r"`(?:[^`]*&& )?mlstack ([^`]+)`")
PLAIN = re.compile(r"(?<![`\w])mlstack ([a-z][^;(]*?)(?= \(|\)|;|, |\. |\.?$)", re.MULTILINE)
HOLE = "1"  # what stands for a name, a number or a value
NO_ADVICE = {"sandbox/config.py"}  # it names the sandbox that a simulated pod belongs to


def advice() -> Iterator[tuple[str, str]]:
    """(place, command) of each command that a string of the package names."""
    for file in sorted(PACKAGE.rglob("*.py")):
        place = file.relative_to(PACKAGE).as_posix()
        if place in NO_ADVICE:
            continue
        for line, text in strings(ast.parse(file.read_text("utf-8"))):
            for found in (*QUOTED.findall(text), *PLAIN.findall(QUOTED.sub("", text))):
                if found.split()[0] in COMMANDS:
                    yield f"{place}:{line}", found


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, text) of the strings that are no docstrings, with HOLE for what f-strings fill in."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, documented)]
    skipped = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in skipped or not isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
            continue
        text = text_of(node)
        if text:
            skipped |= {id(part) for part in ast.walk(node)} - {id(node)}
            yield node.lineno, text


def text_of(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr():
            return "".join(text_of(part) or HOLE for part in node.values)
        case ast.BinOp(op=ast.Add()):
            left, right = text_of(node.left), text_of(node.right)
            return f"{left or HOLE}{right or HOLE}" if left or right else ""
    return ""


ADVICE = list(advice())


def test_there_is_advice() -> None:
    assert len(ADVICE) > 60


@pytest.mark.parametrize(("place", "command"), ADVICE, ids=[f"{place} {command}" for place, command in ADVICE])
def test_a_command_that_is_advised_can_be_typed(place: str, command: str) -> None:
    words = hoist(shlex.split(re.sub(r"--include 1\b", "--include pvc", re.sub(r"\b[A-Z]{3,}\b", HOLE, command))))
    parsed: click.Command = cli
    context = click.Context(cli)
    while isinstance(parsed, click.Group) and words:
        found = parsed.get_command(context, words[0])
        assert found is not None, f"{place}: there is no command {words[0]}"
        parsed, words = found, words[1:]
    if words or parsed.params:
        parsed.make_context(command, words, resilient_parsing=False)
