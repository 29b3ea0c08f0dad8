"""The options of `python -m bench`."""

from __future__ import annotations

import pytest

from bench.cells import Setting
from bench.options import arguments
from bench.tools import NAMES


def test_defaults() -> None:
    given = arguments([])
    assert (given.names, given.rounds, given.peer_rounds) == (["startup", "show", "apply"], 3, 1)
    assert given.settings == (Setting("configmaps", 500, 0), Setting("configmaps", 500, 20))
    assert given.tools == list(NAMES)


def test_lists() -> None:
    given = arguments(["apply", "--objects", "50,500", "--rtt", "0", "--sets", "mixed,configmaps"])
    assert given.names == ["apply"]
    assert [setting.stem for setting in given.settings] == [
        "configmaps-50-0",
        "configmaps-500-0",
        "mixed-50-0",
        "mixed-500-0",
    ]


def test_full() -> None:
    found = arguments(["--full"]).settings
    assert len(found) == len(set(found)) == 12
    assert Setting("configmaps", 5000, 100) in found
    assert Setting("mixed", 500, 20) in found


def test_some_tools_in_the_order_of_all() -> None:
    assert arguments(["--tools", "floor,mlstack"]).tools == ["mlstack", "floor"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["aply"], "there are startup, show, apply"),
        (["--tools", "mlstack,tanka"], "there is no tanka; there are mlstack, kubectl"),
        (["--sets", "secrets"], "there are configmaps, mixed"),
    ],
)
def test_what_is_unknown_is_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(words)
    assert said in capsys.readouterr().err
