"""The start-up's table, and what `-X importtime` says."""

from __future__ import annotations

import sys

from bench.measure import Command, Sample
from bench.startup import BARE, Imports, imports, parse_imports, report

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


def test_report() -> None:
    samples = {
        BARE: [Sample(0.01, 0.01, 10), Sample(0.02, 0.01, 10)],
        "mlstack --help": [Sample(0.08, 0.08, 21), Sample(0.10, 0.08, 20)],
    }
    loaded = {BARE: Imports(30, ()), "mlstack --help": Imports(120, ("click", "yaml"))}
    lines = [[part.strip() for part in line.strip("|").split("|")] for line in report(samples, loaded).splitlines()]
    assert lines[2] == ["`python -c pass`", "0.010", "0.015", "1.0×", "", "2", "10", "30"]
    assert lines[3] == ["`mlstack --help`", "0.080", "0.090", "6.5×", "≤ 10×", "2", "21", "120"]
    assert lines[4:] == [[""], ["`mlstack --help` imports `click`, `yaml`."]]
