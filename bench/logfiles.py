"""Simulated pods that say something: kwok serves their logs from files, which `python -m bench.logfiles` writes.

Every line says whose it is and its number, so that one that is lost, torn or told twice is seen.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from mlstack import sandbox
from mlstack.sandbox import Sandbox
from mlstack.sandbox.home import home
from mlstack.sandbox.processes import kill, owned

JOB = "job"
KWOK = "kwok-controller"
OPERATOR = "training.kubeflow.org/replica-"
PAUSE_S = 0.005
_LINE = re.compile(r"\[(?:pod/job-)?(worker-\d+)(?:/main)?\] line (\d+) of (worker-\d+): loss é [x]{40}")


@dataclass(frozen=True)
class Logs:
    """The log files of the `count` workers of a job, one each, in a folder of their own."""

    folder: Path
    count: int
    job: str = JOB

    def file(self, index: int) -> Path:
        """A worker's log."""
        return self.folder / f"worker-{index}.log"

    def pods(self, namespace: str, app: str) -> list[dict[str, Any]]:
        """The job's pods, as the training operator would label them, of the app's component of the same name."""
        return [_pod(self.job, index, namespace, app) for index in range(self.count)]

    def rules(self, namespace: str) -> list[dict[str, Any]]:
        """What kwok is told of them; the files are there after this."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for index in range(self.count):
            self.file(index).touch()
        return [_rule(f"{self.job}-worker-{index}", namespace, self.file(index)) for index in range(self.count)]


def serve(made: Sandbox, namespace: str, *jobs: Logs) -> None:
    """Has the sandbox's kwok serve the files as the logs of the jobs' pods. kwok starts again for it: some seconds."""
    rules = yaml.safe_dump_all([rule for job in jobs for rule in job.rules(namespace)])
    config = made.admin_kubeconfig.with_name("kwok.yaml")
    config.write_text(f"{config.read_text(encoding='utf-8').rstrip()}\n---\n{rules}", encoding="utf-8")
    kill(process for process in owned(home(made.name).folder) if process.program == KWOK)
    sandbox.up(made.name)


def _pod(job: str, index: int, namespace: str, app: str) -> dict[str, Any]:
    ours = {"component": job, "part-of": app, "managed-by": "mlstack"}
    labels = {f"app.kubernetes.io/{name}": value for name, value in ours.items()}
    labels |= {f"{OPERATOR}type": "worker", f"{OPERATOR}index": str(index)}
    metadata = {"name": f"{job}-worker-{index}", "namespace": namespace, "labels": labels}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [{"name": "main", "image": "x"}]},
    }


def _rule(pod: str, namespace: str, file: Path) -> dict[str, Any]:
    logs = [{"logsFile": str(file), "previousLogsFile": str(file), "follow": True}]
    metadata = {"name": pod, "namespace": namespace}
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Logs", "metadata": metadata, "spec": {"logs": logs}}


def write(logs: Logs, first: int, rate: float, seconds: float, shift: float = 0.0) -> int:
    """Writes lines at `rate` a second in all, in turns, each worker's numbers from `first` on; how many.

    `shift`: seconds by which the node's clock is wrong.
    """
    files = [logs.file(index).open("a", encoding="utf-8", buffering=1) for index in range(logs.count)]
    began, written = time.monotonic(), 0
    try:
        while (passed := time.monotonic() - began) < seconds:
            for number in range(written, int(passed * rate)):
                index, turn = number % logs.count, number // logs.count
                stamp = (datetime.now(UTC) + timedelta(seconds=shift)).strftime("%Y-%m-%dT%H:%M:%S.%f")
                name = f"worker-{index}"
                files[index].write(f"{stamp}000Z stdout F line {first + turn} of {name}: loss é {'x' * 40}\n")
            written = int(passed * rate)
            time.sleep(PAUSE_S)
    finally:
        for file in files:
            file.close()
    return written


@dataclass(frozen=True)
class Verdict:
    """What became of the lines that were written. `torn`: what is no line of ours; `mixed`: out of their order."""

    told: int
    lost: int
    twice: int
    torn: int
    mixed: int

    @property
    def whole(self) -> bool:
        """Whether every line was told once, whole and in order."""
        return not (self.lost or self.twice or self.torn or self.mixed)


def first_torn(text: str) -> str:
    """The first line that is none of ours; "" if there is none."""
    return next((line for line in text.split("\n")[:-1] if not _LINE.fullmatch(line)), "")


def judge(text: str, written: int, count: int) -> Verdict:
    """Holds what `logs -f` or `kubectl logs -f --prefix` printed against `written` lines of `count` workers."""
    told: dict[str, list[int]] = {f"worker-{index}": [] for index in range(count)}
    torn = 0
    for line in text.split("\n")[:-1]:
        found = _LINE.fullmatch(line)
        if found is None or found[1] != found[3] or found[1] not in told:
            torn += 1
        else:
            told[found[1]].append(int(found[2]))
    distinct = sum(len(set(numbers)) for numbers in told.values())
    every = sum(map(len, told.values()))
    return Verdict(every, written - distinct, every - distinct, torn, _mixed(told.values()))


def _mixed(series: Iterable[list[int]]) -> int:
    return sum(later < before for numbers in series for before, later in pairwise(numbers))


def main(words: list[str]) -> int:
    """`python -m bench.logfiles FOLDER COUNT FIRST RATE SECONDS [SHIFT]`: how many lines it wrote, as JSON."""
    folder, count, first, rate, seconds, *shift = words
    written = write(Logs(Path(folder), int(count)), int(first), float(rate), float(seconds), *map(float, shift))
    print(json.dumps(written))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
