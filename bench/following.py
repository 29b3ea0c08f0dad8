"""Logs of many workers followed: mlstack beside `kubectl logs -f`, on the same lines, one after the other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlstack import sandbox

from .cells import Cell, Reading, Setting
from .cluster import CONTEXT, Cluster
from .logfiles import JOB, Logs, Verdict, first_torn, judge, serve
from .measure import BenchError, Command, Sample, output_of, turned
from .table import seconds, table

WORKERS, RATE, SECONDS = 60, 1000, 30.0
SETTING = Setting("logs", WORKERS, 0)
CASE = "follow"
NAMESPACE = "bench-logs"
APP = "follow"
ENVIRONMENT = "bench"
ATTACH_S, DRAIN_S = 60.0, 20.0
TICKS = os.sysconf("SC_CLK_TCK")
HEAD = ("tool", "CPU, % of one", "start-up, CPU s", "peak MB", "lines", "lost", "twice", "torn", "mixed", "rounds")


@dataclass
class Field:
    """The job whose logs are followed; `turns` is how many lines each worker has written before."""

    cluster: Cluster
    logs: Logs
    turns: int = 0

    def write(self, rate: float, duration: float) -> int:
        """Lines by a process of its own; how many."""
        words = (str(self.logs.folder), str(self.logs.count), str(self.turns), str(rate), str(duration))
        written = int(json.loads(output_of(Command((sys.executable, "-m", "bench.logfiles", *words)))))
        self.turns += -(-written // self.logs.count)
        return written

    def clear(self) -> None:
        """Empty logs: what is followed next begins at nothing."""
        for index in range(self.logs.count):
            self.logs.file(index).write_bytes(b"")
        self.turns = 0


@dataclass(frozen=True)
class Followed:
    """One tool that followed once: CPU until it was attached and while lines came, and what became of them."""

    sample: Sample
    attached_cpu_s: float
    verdict: Verdict
    torn: str = ""


def run(cluster: Cluster, commands: Mapping[str, Command], folder: Path, rounds: int, key: str, cell: Cell) -> None:
    """Measures into the cell. Raises BenchError if mlstack lost, tore or repeated a line."""
    field = made(cluster, folder)
    cell.readings, cell.notes, told = [], [], dict[str, list[Followed]]()
    for number in range(rounds):
        for name in turned(list(commands), number):
            found = followed(field, commands[name], folder / f"{name}.out")
            told.setdefault(name, []).append(found)
            cell.readings.append(Reading(name, CASE, number, key, found.sample))
            if name == "mlstack" and not found.verdict.whole:
                raise BenchError(f"mlstack logs -f did not tell each line once: {found.verdict}")
    cell.notes = [report(told), *examples(told)]


def made(cluster: Cluster, folder: Path) -> Field:
    """A job of 60 simulated workers that run, their logs in files."""
    logs = Logs(folder / "logs", WORKERS)
    cluster.make_namespaces([NAMESPACE])
    (here,) = [one for one in sandbox.listing() if one.kubeconfig == cluster.kubeconfig]
    serve(here, NAMESPACE, logs)
    pods = folder / "pods.json"
    pods.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": logs.pods(NAMESPACE, APP)}))
    cluster.ask("apply", "-f", str(pods))
    cluster.ask("wait", "pod", "--all", "--for=condition=Ready", "-n", NAMESPACE, "--timeout=120s")
    return Field(cluster, logs)


def made_app(program: Path, cluster: Cluster, folder: Path) -> Path:
    """An app whose component the job is."""
    env = {"KUBECONFIG": str(cluster.kubeconfig)}
    output_of(Command((str(program), "init", APP), env, folder))
    words = ("env", "add", ENVIRONMENT, "--context", CONTEXT, "--platform", "generic", "--namespace", NAMESPACE)
    output_of(Command((str(program), *words), env, folder / APP))
    place = folder / APP / "components" / JOB
    place.mkdir(parents=True)
    place.joinpath("objects.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: job}\n")
    return folder / APP


def commands(program: Path, cluster: Cluster, folder: Path) -> dict[str, Command]:
    """The two, each as its user would type it. kubectl takes only the last ten lines of a selector unless told."""
    env = {"KUBECONFIG": str(cluster.kubeconfig)}
    which = ("-n", NAMESPACE, "-l", f"app.kubernetes.io/component={JOB}")
    many = ("--prefix", "--tail=-1", f"--max-log-requests={WORKERS}")
    return {
        "mlstack": Command((str(program), "logs", ENVIRONMENT, JOB, "-f"), env, made_app(program, cluster, folder)),
        "kubectl": Command((str(cluster.kubectl), "--context", CONTEXT, "logs", "-f", *many, *which), env),
    }


def followed(field: Field, command: Command, out: Path) -> Followed:
    """One tool over SECONDS of lines, from empty logs."""
    field.clear()
    first = field.write(RATE, 0.2)
    with running(command, out) as process:
        wait(lambda: lines(out) >= first, ATTACH_S, f"{command.words[0]} to attach")
        before, began = cpu_s(process.pid), time.monotonic()
        written = first + field.write(RATE, SECONDS)
        late = time.monotonic() + DRAIN_S
        while lines(out) < written and time.monotonic() < late:
            time.sleep(0.1)
        used, passed = cpu_s(process.pid) - before, time.monotonic() - began
        time.sleep(1)  # what is told twice comes after
        peak = peak_mb(process.pid)
    sample = Sample(round(passed, 4), round(used, 4), peak)
    text = out.read_text("utf-8", errors="replace")
    return Followed(sample, before, judge(text, written, field.logs.count), first_torn(text))


@contextmanager
def running(command: Command, out: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs until the block ends, by Ctrl-C; its output in a file."""
    with out.open("wb") as file:
        process = subprocess.Popen(
            command.words,
            env={**os.environ, **command.env},
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.DEVNULL,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def wait(there: Callable[[], bool], limit_s: float, what: str) -> None:
    """Raises BenchError if it takes longer than that."""
    until = time.monotonic() + limit_s
    while not there():
        if time.monotonic() > until:
            raise BenchError(f"waited {limit_s:.0f} s for {what}")
        time.sleep(0.1)


def lines(file: Path) -> int:
    """How many lines a file has."""
    return file.read_bytes().count(b"\n")


def cpu_s(pid: int) -> float:
    """CPU seconds that a running process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mb(pid: int) -> float:
    """The most memory that a running process had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    raise BenchError(f"process {pid} is gone")


def examples(told: Mapping[str, list[Followed]]) -> list[str]:
    """What a tool printed that was never written, where it did."""
    found = {name: next((one.torn for one in series if one.torn), "") for name, series in told.items()}
    return [f"Torn of {name}, for example: `{line[:200]}`" for name, line in found.items() if line]


def report(told: Mapping[str, list[Followed]]) -> str:
    """A row a tool: the middle of its rounds' CPU, the most of its memory, and all lines of all rounds."""
    return table(HEAD, [_row(name, series) for name, series in told.items()])


def _row(name: str, series: list[Followed]) -> list[str]:
    shares = sorted(100 * one.sample.cpu_s / one.sample.seconds for one in series)
    counts = [
        sum(getattr(one.verdict, field) for one in series) for field in ("told", "lost", "twice", "torn", "mixed")
    ]
    begun, peak = max(one.attached_cpu_s for one in series), max(one.sample.peak_mb for one in series)
    rest = (seconds(begun), f"{peak:.0f}", *(f"{count:,}" for count in counts), str(len(series)))
    return [name, f"{shares[len(shares) // 2]:.1f}", *rest]
