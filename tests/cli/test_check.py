"""check: the table, the sentences and the sum. tests/cluster types it for real."""

from __future__ import annotations

import pytest

from mlstack.actions.check import Checked
from mlstack.actions.events import Connected
from mlstack.cli.check import checked_as_dict, checked_text
from mlstack.plan.findings import Finding, Row

LINK = Connected("gke", "gke", "https://34.1.2.3", "2b91c22b-0000", "ml")
SECRET = Finding("llm: Secret hub is not there.", "mlstack secret set gke hub token")
QUEUE = Finding("cnn: queue a has no effect.", "", certain=False)
ROWS = (Row("cluster", "ok", "the one that gke is pinned to"), Row("Secrets, ConfigMaps", "error", "Secret hub"))


def test_what_is_printed() -> None:
    assert checked_text(Checked(LINK, ROWS, (SECRET, QUEUE), 9)).splitlines() == [
        "gke: context gke (https://34.1.2.3), cluster 2b91c22b, namespace ml",
        "  cluster              ok     the one that gke is pinned to",
        "  Secrets, ConfigMaps  error  Secret hub",
        "Error: llm: Secret hub is not there.",
        "  mlstack secret set gke hub token",
        "Warning: cnn: queue a has no effect.",
        "gke: 1 error, 1 warning (9 requests)",
    ]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("ok", "gke: nothing is in the way (1 request)"),
        ("cannot see", "gke: nothing is in the way, as far as can be seen (1 request)"),
    ],
)
def test_all_is_well(state: str, told: str) -> None:
    assert checked_text(Checked(LINK, (Row("nodes", state, "x"),), (), 1)).splitlines()[-1] == told


def test_the_same_for_programs() -> None:
    found = checked_as_dict(Checked(LINK, ROWS, (SECRET, QUEUE), 9))
    assert [one["state"] for one in found["checks"]] == ["ok", "error"]
    assert found["findings"][0] == {"severity": "error", "problem": SECRET.problem, "advice": SECRET.advice}
    assert (found["environment"], found["requests"], Checked(LINK, ROWS, (SECRET, QUEUE), 9).errors) == ("gke", 9, 1)
