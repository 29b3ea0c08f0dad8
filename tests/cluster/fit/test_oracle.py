"""mlstack's answer against what the real kube-scheduler then places, on random clusters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from mlstack.cluster.client import Client
from mlstack.plan.fit.fit import Verdict
from tests.cluster.fit import oracle
from tests.cluster.fit.clusters import scene

Say = Callable[..., None]


def _play(client: Client, namespace: str, seeds: range, most_nodes: int) -> tuple[list[str], Counter[Verdict]]:
    cases = oracle.prepare(client, namespace, [scene(seed, most_nodes) for seed in seeds])
    try:
        placed = oracle.schedule(client, namespace, cases)
    finally:
        oracle.remove(client, namespace, cases)
    return oracle.disagreements(cases, placed), Counter(each.verdict for case in cases for each in case.fits)


@pytest.fixture
def modest(client: Client) -> None:
    oracle.modest_class(client)


@pytest.mark.usefixtures("modest")
def test_thirty_small_clusters(client: Client, made: str, capsys: Any) -> None:
    wrong, verdicts = _play(client, made, range(1, 31), 12)
    with capsys.disabled():
        print(f"\n30 clusters, seeds 1 to 30: {dict(verdicts)}")
    assert not wrong, "\n".join(wrong)
    assert verdicts[Verdict.FITS]
    assert verdicts[Verdict.NOT]


@pytest.mark.slow
@pytest.mark.usefixtures("modest")
@pytest.mark.parametrize("first", range(1000, 1300, 50))
def test_three_hundred_clusters(client: Client, made: str, first: int, capsys: Any) -> None:
    wrong, verdicts = _play(client, made, range(first, first + 50), 200 if first == 1250 else 40)
    with capsys.disabled():
        print(f"\n50 clusters, seeds {first} to {first + 49}: {dict(verdicts)}")
    assert not wrong, "\n".join(wrong)
