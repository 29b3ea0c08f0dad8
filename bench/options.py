"""The options of `python -m bench`, and the settings that they choose."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from . import large
from .cells import Setting
from .tools import NAMES as TOOLS
from .workload import SETS

USUAL = ("startup", "show", "apply")
NAMES = (*USUAL, "fit", "logs", "forward")
FULL = (
    *(Setting("configmaps", count, rtt_ms) for count in (50, 500, 5000) for rtt_ms in (0, 20, 100)),
    *(Setting("mixed", 500, rtt_ms) for rtt_ms in (0, 20, 100)),
)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options, read."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="mlstack beside kubectl, helm, kapp and the least that must be sent."
    )
    known = f"{', '.join(NAMES)} [{', '.join(USUAL)}]"
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {known}")
    _settings(parser)
    _programs(parser)
    parser.add_argument("--resume", action="store_true", help="go on where a run of the same versions was interrupted")
    parser.add_argument("--dry", action="store_true", help="print the tables only: keep nothing")
    given = parser.parse_args(argv)
    if unknown := [name for name in given.names if name not in NAMES]:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(NAMES)}")
    given.names = given.names or list(USUAL)
    given.settings = FULL if given.full else _chosen(given)
    return given


def _settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sets", type=_sets, default=["configmaps"], help=f"a list of {', '.join(SETS)} [configmaps]")
    parser.add_argument("--objects", type=_numbers, default=[500], help="how many objects, a list [500]")
    parser.add_argument("--nodes", type=int, default=large.NODES, help="nodes of the cluster of fit [5000]")
    parser.add_argument("--rtt", type=_numbers, default=[0, 20], help="round trips in ms, a list [0,20]")
    parser.add_argument("--rounds", type=int, default=3, help="rounds at each setting [3]")
    parser.add_argument("--peer-rounds", type=int, default=1, help="rounds of the peers at round trips above 0 [1]")
    parser.add_argument("--open", type=float, default=30, help="seconds that forward holds a websocket open [30]")
    parser.add_argument("--full", action="store_true", help="50, 500, 5,000 ConfigMaps and 500 mixed; 0, 20, 100 ms")


def _programs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tools", type=_tools, default=list(TOOLS), help=f"a list of {', '.join(TOOLS)} [all]")
    parser.add_argument("--helm", type=Path, metavar="FILE", help="the helm program [PATH, else npm, else built]")
    parser.add_argument("--kapp", type=Path, metavar="FILE", help="the kapp program [PATH, else built]")


def _chosen(given: argparse.Namespace) -> tuple[Setting, ...]:
    return tuple(Setting(name, count, rtt_ms) for name in given.sets for count in given.objects for rtt_ms in given.rtt)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _sets(text: str) -> list[str]:
    return _known(text, tuple(SETS))


def _tools(text: str) -> list[str]:
    return _known(text, TOOLS)


def _known(text: str, names: Sequence[str]) -> list[str]:
    chosen = text.split(",")
    if unknown := [name for name in chosen if name not in names]:
        raise argparse.ArgumentTypeError(f"there is no {unknown[0]}; there are {', '.join(names)}")
    return [name for name in names if name in chosen]
