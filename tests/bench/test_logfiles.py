"""What the lines of followed logs are judged by, and what writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.logfiles import JOB, Logs, Verdict, judge, write
from mlstack.actions.logreader import sources_of
from mlstack.plan.roles import role_of

X = "x" * 40


def line(worker: int, number: int, prefix: str = "[worker-{}]", said: int | None = None) -> str:
    return f"{prefix.format(worker)} line {number} of worker-{worker if said is None else said}: loss é {X}\n"


GOOD = line(0, 0) + line(1, 0) + line(0, 1) + line(1, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD, Verdict(4, 0, 0, 0, 0)),
        (GOOD.replace("[worker", "[pod/job-worker").replace("]", "/main]"), Verdict(4, 0, 0, 0, 0)),  # kubectl's
        (line(0, 0) + line(1, 0) + line(1, 1), Verdict(3, 1, 0, 0, 0)),
        (GOOD + line(0, 1), Verdict(5, 0, 1, 0, 0)),
        (GOOD.replace("loss", "lo", 1), Verdict(3, 1, 0, 1, 0)),
        (GOOD + line(0, 2, said=1), Verdict(4, 0, 0, 1, 0)),  # another's
        (line(0, 1) + line(0, 0) + line(1, 0) + line(1, 1), Verdict(4, 0, 0, 0, 1)),
        (GOOD[:-5], Verdict(3, 1, 0, 0, 0)),
    ],
)
def test_verdicts(text: str, expected: Verdict) -> None:
    verdict = judge(text, 4, 2)
    assert verdict == expected
    assert verdict.whole == (expected == Verdict(4, 0, 0, 0, 0))


def test_what_is_written_is_what_is_judged(tmp_path: Path) -> None:
    logs = Logs(tmp_path, 3)
    written = write(logs, 5, 500, 0.2)
    said = [text.split(" stdout F ") for i in range(3) for text in logs.file(i).read_text("utf-8").splitlines()]
    assert written == len(said) > 0
    told = "".join(f"[{text.split()[3].rstrip(':')}] {text}\n" for _, text in said)
    assert judge(told, written, 3).whole
    assert min(int(text.split()[1]) for _, text in said) == 5


def test_pods_are_workers_of_the_job(tmp_path: Path) -> None:
    pods = Logs(tmp_path, 12).pods("n", "app")
    assert [role_of(pod).title("") for pod in pods] == [f"worker-{index}" for index in range(12)]
    assert {pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in pods} == {JOB}
    there = {**pods[0], "metadata": {**pods[0]["metadata"], "uid": "x"}}  # as the API server has it
    assert sources_of(there) == {}
