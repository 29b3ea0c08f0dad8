"""The cells: all readings at one set, number of objects and round trip, in a file that remembers who measured what.

A cell is kept in bench/cells; the tables of RESULTS.md are made of these files alone. Each reading names its run, and
a run its day, machine, commit and versions: rows of one cell may come from several runs.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .measure import Sample
from .requests import Requests
from .statistics import paired_ratio

ROOM = Path(__file__).with_name("cells")
NO_REQUESTS = Requests(0, 0)


@dataclass(frozen=True, order=True)
class Setting:
    """What a cell is measured at: a set of objects, how many of them, and the round trip in ms."""

    objects: str
    count: int
    rtt_ms: int

    @property
    def stem(self) -> str:
        """The name of its file, without the ending."""
        return f"{self.objects}-{self.count}-{self.rtt_ms}"


@dataclass(frozen=True)
class Run:
    """Where, when and with what was measured; `programs` holds what each tool says of its version.

    `loads` are the lowest and the highest load of the machine (of one minute) before a round.
    """

    time: str
    machine: str
    programs: dict[str, str]
    loads: tuple[float, float]


@dataclass(frozen=True)
class Reading:
    """One tool measured once in one case."""

    tool: str
    case: str
    round: int
    run: str
    sample: Sample
    requests: Requests = NO_REQUESTS


@dataclass
class Cell:
    """The readings of one setting, by whichever runs; `notes` are sentences that belong below its table."""

    setting: Setting
    runs: dict[str, Run] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def of(self, tool: str, case: str) -> list[Reading]:
        """A tool's readings in a case, by round."""
        return sorted((one for one in self.readings if (one.tool, one.case) == (tool, case)), key=lambda one: one.round)

    def seconds(self, tool: str, case: str) -> float | None:
        """The median of a tool's rounds; None if it took part in none."""
        found = [one.sample.seconds for one in self.of(tool, case)]
        return statistics.median(found) if found else None

    def ratio(self, tool: str, other: str, case: str) -> float | None:
        """How many times as long as `other` a tool took: the median over the rounds of a run that both took part in.

        Where no such round is, since they were measured in different runs, the ratio of their medians.
        """
        base = {(one.run, one.round): one.sample.seconds for one in self.of(other, case)}
        pairs = [
            (one.sample.seconds, base[one.run, one.round])
            for one in self.of(tool, case)
            if (one.run, one.round) in base
        ]
        if pairs:
            return paired_ratio([mine for mine, _ in pairs], [its for _, its in pairs])
        mine, its = self.seconds(tool, case), self.seconds(other, case)
        return mine / its if mine and its else None

    def program(self, reading: Reading) -> str:
        """What the tool of a reading said of its version then."""
        return self.runs[reading.run].programs.get(reading.tool, "")

    def drop(self, which: Callable[[Reading], bool]) -> None:
        """Forget readings, and runs that are left without any."""
        self.readings = [one for one in self.readings if not which(one)]
        left = {one.run for one in self.readings}
        self.runs = {key: run for key, run in self.runs.items() if key in left}


class Store:
    """The files of all cells, in a folder; None keeps them in memory only."""

    def __init__(self, room: Path | None = ROOM) -> None:
        self._room = room
        files = sorted(room.glob("*.json")) if room else []
        self._cells = {cell.setting: cell for cell in (_read(file) for file in files)}

    def cell(self, setting: Setting) -> Cell:
        """The cell of a setting; empty if it was never measured."""
        return self._cells.setdefault(setting, Cell(setting))

    def all(self) -> list[Cell]:
        """All cells with readings, in order."""
        return [self._cells[setting] for setting in sorted(self._cells) if self._cells[setting].readings]

    def keep(self, cell: Cell) -> None:
        """Write a cell, in one step: an interrupted run leaves the text before or after it."""
        if self._room:
            self._room.mkdir(parents=True, exist_ok=True)
            part = self._room / f"{cell.setting.stem}.part"
            part.write_text(_text(cell), encoding="utf-8")
            part.replace(part.with_suffix(".json"))


def _text(cell: Cell) -> str:
    head = {"setting": asdict(cell.setting), "notes": cell.notes}
    runs = _lines(f"{json.dumps(key)}: {json.dumps(asdict(run))}" for key, run in cell.runs.items())
    readings = _lines(json.dumps(asdict(one)) for one in cell.readings)
    return f'{json.dumps(head)[:-1]}, "runs": {{{runs}}}, "readings": [{readings}]}}\n'


def _lines(parts: Iterable[str]) -> str:
    return "\n" + ",\n".join(parts) + "\n"


def _read(file: Path) -> Cell:
    values = json.loads(file.read_text(encoding="utf-8"))
    runs = {key: Run(**{**run, "loads": tuple(run["loads"])}) for key, run in values["runs"].items()}
    return Cell(Setting(**values["setting"]), runs, [_reading(one) for one in values["readings"]], values["notes"])


def _reading(values: dict[str, object]) -> Reading:
    sample, requests = values["sample"], values["requests"]
    assert isinstance(sample, dict)
    assert isinstance(requests, dict)
    return Reading(**{**values, "sample": Sample(**sample), "requests": Requests(**requests)})  # type: ignore[arg-type]


def best(values: Sequence[float | None]) -> float | None:
    """The least of those that are there."""
    found = [value for value in values if value is not None]
    return min(found) if found else None
