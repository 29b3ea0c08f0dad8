"""Rounds: who takes part, in which order, and what is kept when a run is cut off."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from bench import rounds, workload
from bench.cluster import Cluster
from bench.measure import BenchError, Sample
from bench.requests import Requests
from bench.rounds import Block, Cell, Log, blocks, run_block
from bench.tools import CASES, Tool

ASKED = Requests(reads=1, writes=2)


def tool(name: str, *cases: str, folder: Path = Path()) -> Tool:
    """A tool that notes each case in a file, instead of doing it."""
    noted = {case: ("/bin/sh", "-c", f"echo {name} {case} >> order") for case in cases}
    return Tool(name, "1", noted, {}, folder)


def cell(case: str = "first", name: str = "mlstack", number: int = 0, seconds: float = 1.0, rtt_ms: int = 0) -> Cell:
    return Cell(500, rtt_ms, number, case, name, Sample(seconds, 0.5, 40.0), ASKED)


class Fake:
    """A cluster in which every tool has done its work, unless told otherwise."""

    kubeconfig = Path("/k")

    def __init__(self, number: int, *, wrong: bool = False) -> None:
        changed = min(5, 10) * (not wrong)
        self._after = {
            "changed": Counter({"0": 10 - changed, str(number + 1): changed}),
            "delete": Counter[str](),
            "show": Counter[str](),
        }
        self._calls: Counter[str] = Counter()
        self.cleared: list[str] = []

    def clear(self, namespace: str) -> None:
        self.cleared.append(namespace)

    @contextlib.contextmanager
    def counting(self) -> Iterator[list[Requests]]:
        result: list[Requests] = []
        yield result
        result.append(ASKED)

    def revisions(self, namespace: str) -> Counter[str]:
        lacks = {"bench-helm": {"show", "diff"}}.get(namespace, set())
        order = [case for case in CASES if case not in lacks]
        case = order[self._calls[namespace] % len(order)]
        self._calls[namespace] += 1
        return self._after.get(case, Counter({"0": 10}))


def test_peers_take_part_in_all_rounds_only_where_there_is_no_round_trip() -> None:
    tools = [tool("mlstack"), dataclasses.replace(tool("kubectl"), in_a_row=True)]
    found = [(b.rtt_ms, b.number, [t.name for t in b.tools]) for b in blocks(tools, [500], [0, 20], 2, 1)]
    both, alone = ["mlstack", "kubectl"], ["mlstack"]
    assert found == [(0, 0, both), (0, 1, both), (20, 0, both), (20, 1, alone)]
    assert [[t.name for t in b.tools] for b in blocks(tools, [5000], [0], 2, 1)] == [both, alone]


def test_a_round_runs_each_case_by_each_tool_in_turn(tmp_path: Path) -> None:
    cases = list(CASES)
    tools = (tool("mlstack", *cases, folder=tmp_path), tool("helm", *(set(cases) - {"diff", "show"}), folder=tmp_path))
    kept: list[Cell] = []
    run_block(Block(10, 0, 1, tools), cast(Cluster, Fake(1)), tmp_path, kept.append)
    # Round 1: turned by one.
    expected = [
        f"{name} {case}"
        for case in cases
        for name in ("helm", "mlstack")
        if name != "helm" or case not in ("diff", "show")
    ]
    assert (tmp_path / "order").read_text().splitlines() == expected
    assert [f"{cell.tool} {cell.case}" for cell in kept] == expected
    assert {(cell.objects, cell.rtt_ms, cell.round, cell.requests) for cell in kept} == {(10, 0, 1, ASKED)}
    assert workload.plain_file(tmp_path).read_text() == workload.objects(10, 2)


def test_a_tool_that_did_not_do_its_work_ends_the_run(tmp_path: Path) -> None:
    block = Block(10, 0, 0, (tool("mlstack", *CASES, folder=tmp_path),))
    kept: list[Cell] = []
    with pytest.raises(BenchError, match=r"mlstack left .* after 'changed'"):
        run_block(block, cast(Cluster, Fake(0, wrong=True)), tmp_path, kept.append)
    assert [cell.case for cell in kept] == ["show", "first", "unchanged", "diff"]


def test_a_peer_that_fails_sits_out_the_rest_of_the_round(tmp_path: Path) -> None:
    failing = tool("helm", "first", "delete", folder=tmp_path)
    failing = dataclasses.replace(
        failing, cases={**failing.cases, "unchanged": ("/bin/sh", "-c", "echo sorry; exit 1")}
    )
    block = Block(10, 0, 0, (tool("mlstack", *CASES, folder=tmp_path), failing))
    kept: list[Cell] = []
    fake = Fake(0)
    [failure] = run_block(block, cast(Cluster, fake), tmp_path, kept.append)
    assert "sorry" in failure
    assert [cell.case for cell in kept if cell.tool == "helm"] == ["first"]
    assert [cell.case for cell in kept if cell.tool == "mlstack"] == list(CASES)
    assert fake.cleared == ["bench-helm"]


def test_the_log_is_read_again_without_the_line_that_was_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "cells.jsonl"
    log = Log(file, resume=False)
    log.add(cell("first"))
    log.add(cell("unchanged"))
    file.write_text(file.read_text()[:-20])
    again = Log(file, resume=True)
    assert again.cells == [cell("first")]
    again.add(cell("diff"))
    assert Log(file, resume=True).cells == [cell("first"), cell("diff")]
    assert Log(file, resume=False).cells == []


def test_a_round_is_done_when_all_its_cells_are_there(tmp_path: Path) -> None:
    block = Block(500, 0, 0, (tool("mlstack", "first", "delete"), tool("helm", "first")))
    log = Log(tmp_path / "cells.jsonl", resume=False)
    log.add(cell("first"))
    log.add(cell("delete"))
    assert not log.has(block)
    log.add(cell("first", "helm", rtt_ms=20))
    assert not log.has(block)
    log.add(cell("first", "helm"))
    assert log.has(block)
    log.drop(block)
    assert log.cells == [cell("first", "helm", rtt_ms=20)]
    assert rounds.cell_of(cell().as_line()) == cell()
