"""One setting measured from its first round to its last, or from where an interrupted run ended."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Sequence

from .cells import Cell, Reading, Run
from .cluster import Cluster
from .machine import commit, machine_line, now
from .rounds import Round, Runner, rounds_of
from .tools import Tool


class Session:
    """The tools of one setting and the cell that their readings go into, with a run of its own."""

    def __init__(self, cluster: Cluster, cell: Cell, tools: Sequence[Tool], keep: Callable[[Cell], None]) -> None:
        self.cell = cell
        self._cluster = cluster
        self._tools = tools
        self._write = keep
        self._programs = {tool.name: _version(tool) for tool in tools}
        self._key = now()

    def measure(self, rounds: int, peer_rounds: int, *, resume: bool) -> Iterator[Round]:
        """Measure what is to be measured; gives each round after it.

        Without `resume` the tools' readings are taken anew, and those of other tools stay as they are.
        """
        if not resume:
            self.cell.drop(lambda one: one.tool in self._programs)
            self.cell.notes = []
        for wanted in rounds_of(self.cell.setting, self._tools, rounds, peer_rounds):
            left = self.left_of(wanted)
            if left.tools:
                self._begin(left)
                self._note(Runner(self._cluster, self._key, self._keep).measure(left))
                self._write(self.cell)
                yield left

    def left_of(self, wanted: Round) -> Round:
        """The round with those tools only that have not done all of it in the same version."""
        return dataclasses.replace(wanted, tools=tuple(tool for tool in wanted.tools if not self._has(wanted, tool)))

    def _has(self, wanted: Round, tool: Tool) -> bool:
        mine = [one for one in self.cell.readings if (one.tool, one.round) == (tool.name, wanted.number)]
        same = all(self.cell.program(one) == self._programs[tool.name] for one in mine)
        return same and set(tool.cases) <= {one.case for one in mine}

    def _begin(self, left: Round) -> None:
        """Forget what is half done, and note how busy the machine is."""
        names = {tool.name for tool in left.tools}
        self.cell.drop(lambda one: one.tool in names and one.round == left.number)
        load = os.getloadavg()[0]
        run = self.cell.runs.get(self._key)
        loads = (min(load, run.loads[0]), max(load, run.loads[1])) if run else (load, load)
        self.cell.runs[self._key] = Run(self._key, machine_line(), self._programs, loads)

    def _keep(self, reading: Reading) -> None:
        self.cell.readings.append(reading)
        self._write(self.cell)

    def _note(self, failures: Sequence[str]) -> None:
        for failure in failures:
            print(f"Left out of this round: {failure}", file=sys.stderr)
            line = f"Left out of a round: {failure.partition(':')[0]}, failed."
            if line not in self.cell.notes:
                self.cell.notes.append(line)


def _version(tool: Tool) -> str:
    return f"{tool.version} {commit()}".strip() if tool.name == "mlstack" else tool.version
