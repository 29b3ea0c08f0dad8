"""What the start-up measures, and what `-X importtime` says."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.measure import Command
from bench.startup import Imports, commands, imports, note, parse_imports

IMPORTTIME = """\
import time: self [us] | cumulative | imported package
import time:       173 |        173 |   _io
import time:       500 |        900 | click.core
import time:       500 |       1400 | click
import time:       100 |        100 |     mlstack.errors
Usage: mlstack | more
"""


def test_parse_imports() -> None:
    assert parse_imports(IMPORTTIME) == Imports(4, ("click",))


def test_imports_of_a_real_command() -> None:
    found = imports(Command((sys.executable, "-c", "import yaml, json.tool")))
    assert "yaml" in found.packages
    assert "json" not in found.packages
    assert found.modules > 10


def test_note() -> None:
    assert note("a", Imports(30, ())) == "`a` imports 30 modules."
    assert note("b", Imports(9, ("click", "yaml"))) == "`b` imports 9 modules, of others' `click`, `yaml`."


def test_commands() -> None:
    show = Command(("mlstack", "show"))
    assert list(commands(Path("/m"), show).values()) == [
        Command((sys.executable, "-c", "pass")),
        Command(("/m", "--help")),
        show,
    ]
