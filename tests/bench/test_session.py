"""A setting measured anew, in part, or from where it was interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from bench import layouts, session
from bench.cells import Cell, Reading, Run, Setting
from bench.cluster import Cluster
from bench.measure import Sample
from bench.rounds import Round
from bench.tools import Tool

SETTING = Setting("configmaps", 500, 0)
CASES = ("first", "delete")


def tool(name: str, version: str = "1") -> Tool:
    return Tool(name, version, dict.fromkeys(CASES, (name,)), {}, Path(), layouts.write_files)


def reading(name: str, number: int, case: str, seconds: float = 1.0) -> Reading:
    return Reading(name, case, number, "old", Sample(seconds, 0.1, 10))


def cell(*readings: Reading) -> Cell:
    run = Run("old", "machine", {"floor": "1", "helm": "1", "kubectl": "1"}, (0.1, 0.1))
    return Cell(SETTING, {"old": run}, list(readings))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was measured: every tool does every case in two seconds; the key of the run is "new"."""
    done: list[str] = []

    class Fake:
        """In place of a Runner."""

        def __init__(self, cluster: object, run: str, keep: object) -> None:
            self._run = run
            self._keep = keep

        def measure(self, a_round: Round) -> list[str]:
            assert callable(self._keep)
            for one in a_round.tools:
                done.append(f"{one.name} {a_round.number}")
                for case in one.cases:
                    self._keep(Reading(one.name, case, a_round.number, self._run, Sample(2.0, 0.1, 10)))
            return ["helm, delete: sorry\nmore"] if "helm" in [one.name for one in a_round.tools] else []

    monkeypatch.setattr(session, "Runner", Fake)
    monkeypatch.setattr(session, "now", lambda: "new")
    return done


def run(begun: Cell, tools: Sequence[Tool], *, resume: bool = False) -> list[Cell]:
    kept: list[Cell] = []
    for _ in session.Session(cast(Cluster, None), begun, tools, kept.append).measure(2, 1, resume=resume):
        pass
    return kept


def test_all_anew(measured: list[str]) -> None:
    begun = cell(reading("floor", 0, "first"))
    kept = run(begun, [tool("floor")])
    assert measured == ["floor 0", "floor 1"]
    assert {(one.run, one.sample.seconds) for one in begun.readings} == {("new", 2.0)}
    assert set(begun.runs) == {"new"}
    assert len(kept) == 6  # after each reading, and after each round


def test_some_tools_anew_keep_the_rows_of_the_others(measured: list[str]) -> None:
    begun = cell(*(reading(name, 0, case) for name in ("floor", "kubectl") for case in CASES))
    run(begun, [tool("floor")])
    assert {(one.tool, one.run) for one in begun.readings} == {("kubectl", "old"), ("floor", "new")}
    assert set(begun.runs) == {"old", "new"}


@pytest.mark.parametrize(
    ("there", "version", "expected"),
    [
        ([], "1", ["floor 0", "floor 1"]),
        ([(0, "first"), (0, "delete")], "1", ["floor 1"]),
        ([(0, "first")], "1", ["floor 0", "floor 1"]),
        ([(0, "first"), (0, "delete"), (1, "first"), (1, "delete")], "1", []),
        ([(0, "first"), (0, "delete")], "2", ["floor 0", "floor 1"]),
    ],
    ids=["nothing", "one round", "half a round", "all", "another version"],
)
def test_resume(measured: list[str], there: list[tuple[int, str]], version: str, expected: list[str]) -> None:
    begun = cell(*(reading("floor", number, case) for number, case in there))
    run(begun, [tool("floor", version)], resume=True)
    assert measured == expected
    assert sorted((one.round, one.case) for one in begun.readings) == [
        (n, case) for n in (0, 1) for case in sorted(CASES)
    ]


def test_a_failure_is_noted_once(measured: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    begun = cell()
    run(begun, [tool("helm")])
    assert begun.notes == ["Left out of a round: helm, delete, failed."]
    assert capsys.readouterr().err.count("sorry\nmore") == 2


def test_mlstack_s_version_holds_its_commit(measured: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "commit", lambda: "commit abc")
    begun = cell()
    run(begun, [tool("mlstack", "0.1.0"), tool("floor")])
    assert begun.runs["new"].programs == {"mlstack": "0.1.0 commit abc", "floor": "1"}
