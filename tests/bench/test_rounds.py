"""Rounds: who takes part, in which order, and what counts as work that was done."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from bench import layouts
from bench.cells import Reading, Setting
from bench.cluster import Cluster
from bench.measure import BenchError
from bench.requests import Requests
from bench.rounds import Round, Runner, check, rounds_of
from bench.tools import CASES, Tool
from bench.workload import Texts

ASKED = Requests(reads=1, writes=2)
TEN = Setting("configmaps", 10, 0)


def tool(name: str, *cases: str, place: Path = Path()) -> Tool:
    """A tool that notes each case in a file, instead of doing it."""
    noted = {case: ("/bin/sh", "-c", f"echo {name} {case} >> {place}/order") for case in cases}
    (place / "app").mkdir(exist_ok=True) if name == "mlstack" and place.is_absolute() else None
    return Tool(name, "1", noted, {}, place, layouts.write_files)


class Fake:
    """A cluster in which every tool has done its work, unless told otherwise."""

    kubeconfig = Path("/k")

    def __init__(self, number: int, lacking: dict[str, set[str]] | None = None, *, wrong: bool = False) -> None:
        changed = 5 * (not wrong)
        self._after = {"changed": Counter({"0": 10 - changed, str(number + 1): changed}), "delete": Counter[str]()}
        self._lacking = lacking or {}
        self._calls: Counter[str] = Counter()
        self.cleared: list[str] = []

    def clear(self, objects: str, owner: str) -> None:
        self.cleared.append(owner)

    @contextlib.contextmanager
    def counting(self) -> Iterator[list[Requests]]:
        result: list[Requests] = []
        yield result
        result.append(ASKED)

    def revisions(self, objects: str, owner: str) -> dict[str, Counter[str]]:
        order = [case for case in CASES if case not in self._lacking.get(owner, set())]
        case = order[self._calls[owner] % len(order)]
        self._calls[owner] += 1
        return {"configmaps": self._after.get(case, Counter({"0": 10}))}


def runner(cluster: Fake, keep: list[Reading]) -> Runner:
    return Runner(cast(Cluster, cluster), "now", keep.append)


@pytest.mark.parametrize(
    ("count", "rtt_ms", "peers"),
    [
        (500, 0, [True, True, True]),
        (500, 20, [True, False, False]),
        (5000, 0, [True, False, False]),
        (5000, 100, [False, False, False]),
    ],
)
def test_who_takes_part(count: int, rtt_ms: int, peers: list[bool]) -> None:
    tools = [tool("mlstack"), dataclasses.replace(tool("kubectl"), in_a_row=True)]
    found = list(rounds_of(Setting("configmaps", count, rtt_ms), tools, 3, 1))
    assert [len(one.tools) == 2 for one in found] == peers
    assert [(one.number, one.tools[0].name) for one in found] == [(number, "mlstack") for number in range(3)]


def test_a_round_runs_each_case_by_each_tool_in_turn(tmp_path: Path) -> None:
    tools = (tool("mlstack", *CASES, place=tmp_path), tool("helm", *(set(CASES) - {"diff"}), place=tmp_path))
    kept: list[Reading] = []
    fake = Fake(1, {"helm": {"diff"}})
    assert runner(fake, kept).measure(Round(TEN, 1, tools)) == []
    # Round 1: turned by one.
    expected = [f"{name} {case}" for case in CASES for name in ("helm", "mlstack") if (name, case) != ("helm", "diff")]
    assert (tmp_path / "order").read_text().splitlines() == expected
    assert [f"{one.tool} {one.case}" for one in kept] == expected
    assert {(one.round, one.run, one.requests) for one in kept} == {(1, "now", ASKED)}
    assert fake.cleared == ["helm", "mlstack"]


def test_objects_are_written_as_the_cases_need_them(tmp_path: Path) -> None:
    written: list[int] = []

    def layout(place: Path, texts: Texts) -> None:
        written.append(sum('revision: "2"' in text for text in texts.objects))

    noted = Tool("kapp", "1", {"first": ("true",), "changed": ("true",)}, {}, tmp_path, layout)
    runner(Fake(1, {"kapp": set(CASES) - {"first", "changed"}}), []).measure(Round(TEN, 1, (noted,)))
    assert written == [0, 5]


def test_a_mlstack_that_did_not_do_its_work_ends_the_run(tmp_path: Path) -> None:
    kept: list[Reading] = []
    with pytest.raises(BenchError, match=r"mlstack left .* after 'changed'"):
        runner(Fake(0, wrong=True), kept).measure(Round(TEN, 0, (tool("mlstack", *CASES, place=tmp_path),)))
    assert [one.case for one in kept] == ["first", "unchanged", "diff"]


def test_a_peer_that_fails_sits_out_the_rest_of_the_round(tmp_path: Path) -> None:
    failing = tool("helm", "first", "delete", place=tmp_path)
    failing = dataclasses.replace(
        failing, cases={**failing.cases, "unchanged": ("/bin/sh", "-c", "echo sorry; exit 1")}
    )
    kept: list[Reading] = []
    fake = Fake(0)
    [failure] = runner(fake, kept).measure(Round(TEN, 0, (tool("mlstack", *CASES, place=tmp_path), failing)))
    assert failure.startswith("helm, nothing changed: ")
    assert "sorry" in failure
    assert [one.case for one in kept if one.tool == "helm"] == ["first"]
    assert [one.case for one in kept if one.tool == "mlstack"] == list(CASES)
    assert fake.cleared == ["helm", "mlstack"]


@pytest.mark.parametrize(
    ("case", "found", "good"),
    [
        ("first", {"configmaps": {"0": 10}}, True),
        ("first", {"configmaps": {"0": 4}, "roles": {"0": 6}}, True),
        ("first", {"configmaps": {"0": 9}}, False),
        ("unchanged", {"configmaps": {"0": 5, "1": 5}}, False),
        ("changed", {"configmaps": {"0": 5, "1": 5}}, True),
        ("changed", {"configmaps": {"0": 10}}, False),
        ("delete", {}, True),
        ("delete", {"configmaps": {"1": 1}}, False),
        ("delete", {"customresourcedefinitions": {"0": 1}}, True),
    ],
)
def test_check(case: str, found: dict[str, dict[str, int]], good: bool) -> None:
    a_tool = dataclasses.replace(tool("helm"), leaves=frozenset({"customresourcedefinitions"}))
    with contextlib.nullcontext() if good else pytest.raises(BenchError, match="helm left"):
        check(Round(TEN, 0, ()), case, a_tool, {kind: Counter(counts) for kind, counts in found.items()})
