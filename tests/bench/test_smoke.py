"""The bench itself on a real control plane, with few objects: every tool that needs no network does its work."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.__main__ import main


@pytest.mark.slow
@pytest.mark.parametrize(("objects", "count"), [("configmaps", "7"), ("mixed", "50")])
def test_a_round_of_each_set(
    objects: str, count: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLSTACK_SANDBOX_DIR", str(tmp_path))
    words = ["apply", "--sets", objects, "--objects", count, "--rtt", "0,20", "--rounds", "1", "--dry"]
    assert main([*words, "--tools", "mlstack,kubectl,floor"]) == 0
    said = capsys.readouterr()
    assert "Left out" not in said.out + said.err
    rows = [
        [part.strip() for part in line.strip("|").split("|")] for line in said.out.splitlines() if "mlstack " in line
    ]
    ours = [row for row in rows if row[1:2] == ["mlstack"]]
    assert len(ours) == 2 * 5
    # What is unchanged is not written, whatever the distance.
    assert {row[7] for row in ours if row[0] == "nothing changed"} == {"0"}
    assert all(int(row[7]) >= int(count) for row in ours if row[0] in ("first apply", "delete, waited for"))
