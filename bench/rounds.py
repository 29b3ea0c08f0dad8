"""The rounds: every case by every tool in turn, on one control plane, checked, and each measurement kept at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from . import workload
from .cluster import Cluster, distant
from .measure import BenchError, Command, Sample, measure, turned
from .requests import Requests
from .tools import CASES, Tool

MANY = 1000
"""Above so many objects, what asks in a row takes minutes even without a distance."""


@dataclass(frozen=True)
class Cell:
    """One measurement of one tool: where it stands, and what came out."""

    objects: int
    rtt_ms: int
    round: int
    case: str
    tool: str
    sample: Sample
    requests: Requests

    def as_line(self) -> str:
        """The cell as a line of JSON."""
        return json.dumps(asdict(self)) + "\n"


def cell_of(line: str) -> Cell:
    """The inverse of `Cell.as_line`."""
    values = json.loads(line)
    return Cell(**{**values, "sample": Sample(**values["sample"]), "requests": Requests(**values["requests"])})


class Log:
    """The cells measured so far, in a file that grows by a line each: an interrupted run goes on from there."""

    def __init__(self, file: Path, *, resume: bool) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        if not resume:
            file.unlink(missing_ok=True)
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        # The last line may be half a one, of a run that was killed.
        self.cells = [cell_of(line) for line in text.splitlines() if line.endswith("}}")]
        file.write_text("".join(cell.as_line() for cell in self.cells), encoding="utf-8")

    def add(self, cell: Cell) -> None:
        """Keep a cell."""
        self.cells.append(cell)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(cell.as_line())

    def of(self, objects: int, rtt_ms: int) -> list[Cell]:
        """The cells of one setting."""
        return [cell for cell in self.cells if (cell.objects, cell.rtt_ms) == (objects, rtt_ms)]

    def has(self, block: Block) -> bool:
        """Whether all of a round was measured already."""
        done = {(cell.case, cell.tool) for cell in self.of(block.objects, block.rtt_ms) if cell.round == block.number}
        return {(case, tool.name) for tool in block.tools for case in CASES if case in tool.cases} <= done

    def drop(self, block: Block) -> None:
        """Forget what there is of a round that was cut off: it begins again."""
        here = (block.objects, block.rtt_ms, block.number)
        self.cells = [cell for cell in self.cells if (cell.objects, cell.rtt_ms, cell.round) != here]


@dataclass(frozen=True)
class Block:
    """One round at one setting: the smallest thing that can be done again by itself."""

    objects: int
    rtt_ms: int
    number: int
    tools: tuple[Tool, ...]


def blocks(
    tools: Sequence[Tool], objects: Sequence[int], rtts: Sequence[int], rounds: int, peer_rounds: int
) -> Iterator[Block]:
    """All rounds in order. What asks in a row takes part in the first `peer_rounds` only, where that takes minutes."""
    for count in objects:
        for rtt_ms in rtts:
            for number in range(rounds):
                patient = number < peer_rounds or (rtt_ms == 0 and count <= MANY)
                yield Block(count, rtt_ms, number, tuple(tool for tool in tools if patient or not tool.in_a_row))


def run_block(block: Block, cluster: Cluster, folder: Path, keep: Callable[[Cell], None]) -> list[str]:
    """Measure one round, from nothing to nothing. Gives what went wrong: a peer that failed sits out the rest of it.

    Raises BenchError if mlstack itself fails or leaves what it should not.
    """
    failures: dict[str, str] = {}
    with distant(cluster, block.rtt_ms) as kubeconfig:
        for case in CASES:
            revision = block.number + 1 if case == "changed" else 0
            if case in ("show", "changed"):
                workload.write(folder, block.objects, revision)
            for tool in _in_turn(block):
                command = tool.command(case, kubeconfig)
                if command is None or tool.name in failures:
                    continue
                try:
                    keep(_cell(block, case, tool, command, cluster))
                except BenchError as error:
                    if tool.name == "mlstack":
                        raise
                    failures[tool.name] = str(error)
                    cluster.clear(tool.namespace)
    return list(failures.values())


def _cell(block: Block, case: str, tool: Tool, command: Command, cluster: Cluster) -> Cell:
    with cluster.counting() as asked:
        sample = measure(command)
    _check(block, case, tool, cluster)
    return Cell(block.objects, block.rtt_ms, block.number, case, tool.name, sample, asked[0])


def _in_turn(block: Block) -> list[Tool]:
    by_name = {tool.name: tool for tool in block.tools}
    return [by_name[name] for name in turned(list(by_name), block.number)]


def _check(block: Block, case: str, tool: Tool, cluster: Cluster) -> None:
    """A fast tool that does not do its work is not fast."""
    found = cluster.revisions(tool.namespace)
    changed = min(workload.CHANGED, block.objects) if case == "changed" else 0
    nothing = case in ("show", "delete")
    wanted = {} if nothing else {"0": block.objects - changed, str(block.number + 1): changed}
    if dict(found) != {revision: count for revision, count in wanted.items() if count}:
        raise BenchError(f"{tool.name} left {dict(found)} after {case!r}, not {wanted}.")
