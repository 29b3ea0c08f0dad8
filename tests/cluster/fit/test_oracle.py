"""mlstack's answer against what the real kube-scheduler then places, on random clusters."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from mlstack.cluster.client import Client
from mlstack.plan.fit.fit import Verdict
from mlstack.plan.fit.outlook import Prospect
from tests.cluster.fit import oracle
from tests.cluster.fit.counterfactual import empty, explained, false_nevers, nevers, unfounded
from tests.cluster.fit.jobs import HAS, Scene, scene

Placed = Counter[tuple[int, str]]
Played = tuple[list[str], Counter[str], list[Scene]]


def _play(
    client: Client, shared: str, seeds: range, most_nodes: int, large: int = 0, *, counterfactual: bool
) -> Played:
    """The scenes of some seeds, the first of which has up to `large` nodes."""
    scenes = [scene(seed, large if large and seed == seeds[0] else most_nodes, shared) for seed in seeds]
    try:
        cases = oracle.prepare(client, shared, scenes)
        placed = oracle.schedule(client, cases)
        wrong = oracle.disagreements(cases, placed)
        more, checked = _without(client, cases, placed) if counterfactual else ([], Counter[str]())
    finally:
        oracle.remove(client, shared, scenes)
    verdicts = Counter(each.verdict.value for case in cases for each in case.fits)
    return [*wrong, *more], verdicts + checked, scenes


def _without(
    client: Client, cases: list[oracle.Case], placed: Counter[tuple[int, str]]
) -> tuple[list[str], Counter[str]]:
    """Reasons, with what they name taken away; "never" on emptied nodes, and the reasons for it."""
    waiting = explained(cases, Prospect.WAITS)
    wrong = unfounded(client, waiting, placed)
    never = nevers(cases)
    emptied = empty(client, never)
    wrong += false_nevers(never, emptied)
    hopeless = explained(never, Prospect.NEVER)
    wrong += unfounded(client, hopeless, emptied)
    reasons = Counter({"reasons checked": len(waiting) + len(hopeless), "nevers on emptied nodes": len(never)})
    return wrong, reasons


def _told(played: Played, capsys: Any) -> None:
    wrong, verdicts, scenes = played
    had = ", ".join(f"{sum(map(has, scenes))} with {what}" for what, has in HAS.items())
    nodes = sum(len(one.nodes) for one in scenes)
    with capsys.disabled():
        print(f"\n{len(scenes)} clusters, seeds {scenes[0].seed} to {scenes[-1].seed}, {nodes} nodes: {dict(verdicts)}")
        print(f"  {had}")
        print("".join(f"  WRONG {line}\n" for line in wrong), end="", flush=True)


def test_thirty_small_clusters(client: Client, made: str, capsys: Any) -> None:
    played = wrong, verdicts, scenes = _play(client, made, range(1, 31), 9, counterfactual=False)
    _told(played, capsys)
    assert not wrong, "\n".join(wrong)
    assert verdicts[Verdict.FITS.value]
    assert verdicts[Verdict.NOT.value]
    assert [what for what, has in HAS.items() if not any(map(has, scenes))] == ["more than 20 nodes"]


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 2000, 25))
def test_a_thousand_clusters(client: Client, made: str, first: int, capsys: Any) -> None:
    played = wrong, _, _ = _play(client, made, range(first, first + 25), 9, large=40, counterfactual=True)
    _told(played, capsys)
    assert not wrong, "\n".join(wrong)
