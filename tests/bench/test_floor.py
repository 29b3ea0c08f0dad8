"""The floor asks for what a case needs, and for nothing else."""

from __future__ import annotations

from typing import Any, cast

import pytest
import yaml

from bench import workload
from bench.floor import Floor, run


class Fake:
    """Notes what it is asked; holds what is there."""

    def __init__(self, there: dict[str, str]) -> None:
        self._there = there
        self.asked: list[str] = []

    def patch(self, manifest: dict[str, Any]) -> None:
        self.asked.append(f"patch {manifest['data']['revision']}")

    def delete(self, manifest: dict[str, Any]) -> None:
        self.asked.append("delete")

    def revisions(self) -> dict[str, str]:
        self.asked.append("list")
        return self._there


@pytest.mark.parametrize(
    ("case", "revision", "asked"),
    [
        ("first", 0, ["patch 0"] * 10),
        ("unchanged", 0, ["list"]),
        ("diff", 0, ["list"]),
        ("changed", 3, ["list"] + ["patch 3"] * 5),
        ("delete", 0, ["delete"] * 10),
    ],
)
def test_requests_of_a_case(case: str, revision: int, asked: list[str]) -> None:
    manifests = list(yaml.safe_load_all(workload.objects(10, revision)))
    fake = Fake({manifest["metadata"]["name"]: "0" for manifest in manifests})
    run(case, cast(Floor, fake), manifests)
    assert fake.asked == asked
