from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from mlstack.compose.manifests import Manifest
from mlstack.plan.inventory import PART_OF, Owner
from mlstack.plan.runrecords import (
    KEPT_CONTAINERS,
    KEPT_LINES,
    RECORD_BYTES,
    SUMMARY,
    SUMMARY_BYTES,
    ContainerEnd,
    closed_record,
    differing,
    next_numbers,
    of_run,
    read_summary,
    read_whole,
    record_name,
    records,
    to_config_map,
)
from mlstack.plan.runs import Run

OWNER = Owner("app", "gke", "mlstack-a-e", "n", "mlstack-a-e")
NAME = "TFJob.kubeflow.org/n/cnn"
RUN = Run("abc", "running", "2026-01-01T00:00:00Z", "cnn", params={"steps": 7}, by="run")
END = ContainerEnd("cnn-worker-0", "main", "worker-0", 1, "Error", "2026-01-01T00:01:00Z", ("Traceback", "boom"))


def noise(size: int, seed: int = 1) -> str:
    """Text that hardly compresses."""
    return "".join(random.Random(seed).choices("0123456789abcdefghijklmnopqrstuvwxyz", k=size))


def test_a_record_is_read_back_and_its_summary_alone_gives_the_history() -> None:
    record = closed_record(of_run(NAME, RUN, 12, {"steps": 5}, "u"), "failed", "T2", "it broke.", [END])
    stored = to_config_map(record, OWNER)
    assert stored["metadata"]["name"] == record_name(OWNER, "cnn", 12) == "mlstack-a-e-run-cnn-12"
    assert PART_OF not in stored["metadata"]["labels"]  # else it would be pruned as one of the app's objects
    assert read_whole(stored) == record
    short = read_summary({"metadata": stored["metadata"]})
    assert short == replace(record, params={}, containers=())
    assert short is not None
    assert (short.reason, short.differs) == ("it broke; worker-0 ended with exit code 1", {"steps": [5, 7]})
    assert record.run() == Run("abc", "failed", RUN.when, "cnn", "T2", by="run", number=12)


def test_a_reason_that_names_the_exit_code_is_not_said_twice() -> None:
    told = closed_record(of_run(NAME, RUN, 1, {}), "failed", "T", "worker-0 ended with exit code 1", [END])
    assert told.reason == "worker-0 ended with exit code 1"
    assert replace(END, reason="OOMKilled", exit_code=137).words == "worker-0 ended with exit code 137 (OOMKilled)"


def test_however_much_there_is_to_tell_a_record_is_bounded() -> None:
    params = {f"p{number}": noise(1900, number) for number in range(40)}
    ends = [replace(END, role=f"worker-{n}", lines=tuple(noise(5000, n + k) for k in range(90))) for n in range(20)]
    record = of_run(NAME, replace(RUN, params=params), 3, {})
    record = closed_record(record, "failed", "T", f"{noise(50)} " * 90, ends)
    assert (len(record.containers), len(record.containers[0].lines)) == (KEPT_CONTAINERS, KEPT_LINES)
    stored = to_config_map(record, OWNER)
    assert len(stored["metadata"]["annotations"][SUMMARY].encode()) <= SUMMARY_BYTES
    assert len(stored["binaryData"]["record"]) * 3 // 4 <= RECORD_BYTES
    found = read_whole(stored)
    assert found is not None
    assert found.containers[0].lines[-1] == record.containers[0].lines[-1]  # the end of a log says most


@pytest.mark.parametrize("characters", [100, 2000, 200_000])
def test_of_what_differs_the_longest_is_left_out_of_the_summary(characters: int) -> None:
    record = of_run(NAME, replace(RUN, params={"steps": 7, "args": noise(characters)}), 3, {})
    text = to_config_map(record, OWNER)["metadata"]["annotations"][SUMMARY]
    assert len(text.encode()) <= SUMMARY_BYTES
    found = read_summary({"metadata": {"annotations": {SUMMARY: text}}})
    assert found is not None
    assert found.differs["steps"] == [None, 7]
    assert ("args" in found.differs) == (characters < 1000)
    assert (found.more > 0) == (characters > 1000)


def test_what_a_newer_version_adds_is_left_alone_and_what_a_person_broke_is_left_out() -> None:
    def item(text: str) -> Manifest:
        return {"metadata": {"annotations": {SUMMARY: text}}}

    facts = json.loads(to_config_map(of_run(NAME, RUN, 2, {}), OWNER)["metadata"]["annotations"][SUMMARY])
    good = {
        **facts,
        "colour": "blue",
        "containers": [{"pod": "p", "container": "c", "role": "r", "exit_code": 1, "x": 1}],
    }
    listed = [item(json.dumps(good)), item("{"), item("[]"), item('"x"'), item("{}"), {"metadata": {}}]
    (found,) = records(listed)
    assert (found.number, found.containers[0].exit_code) == (2, 1)
    damaged: dict[str, Any] = {**to_config_map(found, OWNER), "binaryData": {"record": "AAAA"}}
    read = read_whole(damaged)
    assert read is not None
    assert read.number == 2


def test_the_next_number_of_each_component() -> None:
    runs = [replace(RUN, number=3), replace(RUN, number=1), replace(RUN, component="other"), replace(RUN, number=0)]
    assert next_numbers(runs) == {"cnn": 4, "other": 1}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, {}),
        ({}, {"a": 1}, {"a": [None, 1]}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1, "b": 2}, {"a": 3}, {"a": [1, 3], "b": [2, None]}),
    ],
)
def test_parameters_that_differ(before: Any, after: Any, expected: Any) -> None:
    assert differing(before, after) == expected
