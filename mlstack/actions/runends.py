"""How containers of runs ended, noted while a wait sees their pods: an operator may delete those in the same moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from mlstack.actions.tails import Tails
from mlstack.compose.manifests import Key, Manifest
from mlstack.plan.runends import SeenEnd, bad_ends
from mlstack.plan.runrecords import KEPT_CONTAINERS, ContainerEnd

SETTLE_SECONDS = 3.0  # for logs that are being read when the wait ends


class RunEnds:
    """The containers of each run that ended with an exit code other than 0, the last end of each."""

    def __init__(self, tails: Tails) -> None:
        self.tails = tails
        self._seen: dict[Key, dict[tuple[str, str], SeenEnd]] = {}

    def see(self, key: Key, run: Manifest, pods: Iterable[Manifest]) -> None:
        """The run and its pods as they are now."""
        known = self._seen.setdefault(key, {})
        for one in bad_ends(run, pods):
            place = one.log.pod, one.log.container
            if place in known or len(known) < KEPT_CONTAINERS:
                known[place] = one
                self.tails.of(one.log)

    def result(self) -> Mapping[Key, tuple[ContainerEnd, ...]]:
        """What was seen, with the last lines of the logs as far as they could be read."""
        if any(self._seen.values()):
            self.tails.settle(SETTLE_SECONDS)
        return {key: tuple(map(self._with_lines, known.values())) for key, known in self._seen.items() if known}

    def _with_lines(self, seen: SeenEnd) -> ContainerEnd:
        text = self.tails.texts.get(seen.log) or self.tails.texts.get(replace(seen.log, previous=False), "")
        return replace(seen.end, lines=tuple(text.splitlines())) if text.strip() else seen.end
