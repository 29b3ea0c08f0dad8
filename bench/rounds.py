"""The rounds: every case by every tool in turn, on one control plane, checked, and each measurement kept at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from . import workload
from .cells import Reading, Setting
from .cluster import Cluster, distant
from .measure import BenchError, Command, measure, turned
from .tools import CASES, Tool

MANY = 1000
"""Above so many objects, what asks in a row takes minutes even without a distance, and most of an hour with it."""


@dataclass(frozen=True)
class Round:
    """One round at one setting: the smallest thing that can be done again by itself."""

    setting: Setting
    number: int
    tools: tuple[Tool, ...]


def rounds_of(setting: Setting, tools: Sequence[Tool], rounds: int, peer_rounds: int) -> Iterator[Round]:
    """All rounds in order.

    What asks in a row takes part in the first `peer_rounds` only where there is a distance; of many objects once, and
    not at all where both come together.
    """
    many = setting.count > MANY
    patient = rounds if not many and not setting.rtt_ms else peer_rounds if not many else int(not setting.rtt_ms)
    for number in range(rounds):
        yield Round(setting, number, tuple(tool for tool in tools if number < patient or not tool.in_a_row))


class Runner:
    """Measures rounds; gives each reading to `keep` as soon as it is there."""

    def __init__(self, cluster: Cluster, run: str, keep: Callable[[Reading], None]) -> None:
        self._cluster = cluster
        self._run = run
        self._keep = keep

    def measure(self, a_round: Round) -> list[str]:
        """One round, from nothing to nothing. Gives what went wrong: a peer that failed sits out the rest of it.

        Raises BenchError if mlstack itself fails or leaves what it should not.
        """
        failures: dict[str, str] = {}
        with distant(self._cluster, a_round.setting.rtt_ms) as kubeconfig:
            for case in CASES:
                _write(a_round, case)
                for tool in in_turn(a_round):
                    command = tool.command(case, kubeconfig)
                    if command is not None and tool.name not in failures:
                        self._try(a_round, case, tool, command, failures)
        return list(failures.values())

    def _try(self, a_round: Round, case: str, tool: Tool, command: Command, failures: dict[str, str]) -> None:
        try:
            self._keep(self._reading(a_round, case, tool, command))
        except BenchError as error:
            if tool.name == "mlstack":
                raise
            failures[tool.name] = f"{tool.name}, {CASES[case]}: {error}"
        if case == "delete" or tool.name in failures:
            self._cluster.clear(a_round.setting.objects, tool.name)

    def _reading(self, a_round: Round, case: str, tool: Tool, command: Command) -> Reading:
        with self._cluster.counting() as asked:
            sample = measure(command)
        check(a_round, case, tool, self._cluster.revisions(a_round.setting.objects, tool.name))
        return Reading(tool.name, case, a_round.number, self._run, sample, asked[0])


def _write(a_round: Round, case: str) -> None:
    """Put the objects where the tools look for them, as a case needs them."""
    if case in ("first", "changed"):
        make = workload.SETS[a_round.setting.objects]
        for tool in a_round.tools:
            tool.layout(tool.place, make(a_round.setting.count, _revision(a_round, case), tool.name))


def _revision(a_round: Round, case: str) -> int:
    return a_round.number + 1 if case == "changed" else 0


def in_turn(a_round: Round) -> list[Tool]:
    """The round's tools, in an order that turns from round to round."""
    by_name = {tool.name: tool for tool in a_round.tools}
    return [by_name[name] for name in turned(list(by_name), a_round.number)]


def check(a_round: Round, case: str, tool: Tool, found: Mapping[str, Counter[str]]) -> None:
    """A fast tool that does not do its work is not fast. Raises BenchError with what is there and should not."""
    if case == "delete":
        wanted: Counter[str] = Counter()
        found = {kind: counts for kind, counts in found.items() if kind not in tool.leaves}
    else:
        changed = min(workload.CHANGED, a_round.setting.count) if case == "changed" else 0
        wanted = Counter({"0": a_round.setting.count - changed, str(a_round.number + 1): changed})
    there = sum(found.values(), Counter[str]())
    if there != +wanted:
        raise BenchError(f"{tool.name} left {dict(there)} after {case!r}, not {dict(+wanted)} (revision: objects).")
