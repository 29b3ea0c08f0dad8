"""How fast a training goes, out of what it logs: JSON lines as tf-cnn prints them, and any program's with these keys.

`images_per_second` (or `steps_per_second`) makes a line a measurement; `step`, `loss`, `replicas` (of how many workers
together the rate is, default 1) and `global_batch` (images of a step) add to it, in the same line or an earlier one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mlstack.actions.events import LogLine

RATES = ("images_per_second", "steps_per_second")
_KEYS = (*RATES, "replicas", "global_batch")
SUM = "sum"


@dataclass(frozen=True)
class Measurement:
    """One line's figures; None for what is not known. `at`: seconds of Unix time; `workers`: whose rate it is.

    `mean`: of the whole training, at its end.
    """

    title: str
    pod: str
    at: float
    step: int | None
    steps_per_second: float | None
    images_per_second: float | None
    workers: int = 1
    loss: float | None = None
    mean: bool = False

    @property
    def per_worker(self) -> float | None:
        """Images per second of each worker."""
        return None if self.images_per_second is None else self.images_per_second / self.workers


@dataclass
class _Pod:
    """What one pod said until now: of its last life, so that a training that begins anew is one."""

    facts: dict[str, float] = field(default_factory=dict)
    told: list[Measurement] = field(default_factory=list)


class Metrics:
    """The measurements of a job, by the pod that told them. Sums take each pod's newest."""

    def __init__(self) -> None:
        self._pods: dict[str, _Pod] = {}

    def add(self, line: LogLine) -> Measurement | None:
        """A line's measurement, None if it has none."""
        facts = _facts(line.line)
        if facts is None:
            return None
        pod = self._pods.setdefault(line.title or line.pod, _Pod())
        if facts.get("event") == "start" or _is_before(facts, pod.told):
            pod.facts, pod.told = {}, []
        pod.facts |= {key: float(facts[key]) for key in ("replicas", "global_batch") if _is_number(facts.get(key))}
        if not any(_is_number(facts.get(rate)) for rate in RATES):
            return None
        found = _measured(line, facts, pod)
        pod.told.append(found)
        return found

    @property
    def rows(self) -> list[Measurement]:
        """The newest measurement of each pod, in the order in which they first spoke."""
        return [pod.told[-1] for pod in self._pods.values() if pod.told]

    @property
    def total(self) -> Measurement | None:
        """All pods together: rates of images and workers added up, steps of the slowest."""
        rows = self.rows
        if not rows:
            return None
        images = [row.images_per_second for row in rows if row.images_per_second is not None]
        steps = [row.steps_per_second for row in rows if row.steps_per_second is not None]
        known = [row.step for row in rows if row.step is not None]
        return Measurement(
            SUM,
            "",
            max(row.at for row in rows),
            min(known, default=None),
            min(steps, default=None),
            sum(images) if images else None,
            sum(row.workers for row in rows),
            mean=all(row.mean for row in rows),
        )

    def series(self) -> dict[str, list[tuple[float, float]]]:
        """(seconds since the first, images per second, or steps where no images are told) of each pod, and their sum
        where there are several. What is the mean of the whole is no point of it."""
        told = sorted((m for pod in self._pods.values() for m in pod.told if not m.mean), key=lambda m: m.at)
        images = any(m.images_per_second is not None for m in told)
        points: dict[str, list[tuple[float, float]]] = {}
        newest: dict[str, float] = {}
        for one in told:
            value = one.images_per_second if images else one.steps_per_second
            if value is None:
                continue
            newest[one.title] = value
            at = one.at - told[0].at
            points.setdefault(one.title, []).append((at, value))
            if images and len(newest) == len(self.rows) > 1:  # earlier sums would lack somebody
                points.setdefault(SUM, []).append((at, sum(newest.values())))
        return points


def _facts(text: str) -> dict[str, Any] | None:
    """A line's JSON object if it may concern us."""
    if not text.startswith("{") or not any(key in text for key in _KEYS):
        return None
    try:
        facts = json.loads(text)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _number(facts: dict[str, Any], key: str) -> float | None:
    return float(facts[key]) if _is_number(facts.get(key)) else None


def _is_before(facts: dict[str, Any], told: Sequence[Measurement]) -> bool:
    """Whether the program has begun anew: a step that was passed already."""
    step = _number(facts, "step")
    return bool(told) and step is not None and told[-1].step is not None and step < told[-1].step


def _measured(line: LogLine, facts: dict[str, Any], pod: _Pod) -> Measurement:
    step = _number(facts, "step")
    step = _number(facts, "steps") if step is None else step
    images, at = _number(facts, "images_per_second"), _seconds(line.time)
    return Measurement(
        line.title or line.pod,
        line.pod,
        at,
        None if step is None else int(step),
        _steps_per_second(facts, images, step, at, pod),
        images,
        max(1, int(pod.facts.get("replicas", 1))),
        _number(facts, "loss"),
        facts.get("event") == "done",
    )


def _steps_per_second(
    facts: dict[str, Any], images: float | None, step: float | None, at: float, pod: _Pod
) -> float | None:
    """As told, else by the images of a step, else by the time since the last step that was told."""
    told = _number(facts, "steps_per_second")
    if told is not None:
        return told
    batch = pod.facts.get("global_batch")
    if images is not None and batch:
        return images / batch
    before = pod.told[-1] if pod.told else None
    if before is None or before.step is None or step is None or at <= before.at or step <= before.step:
        return None
    return (step - before.step) / (at - before.at)


def _seconds(time: str) -> float:
    """A kubelet's time in seconds of Unix time; now, if there is none."""
    now = datetime.now(UTC).timestamp()
    if not time:
        return now
    day, point, rest = time.partition(".")
    fraction = rest.rstrip("Z").partition("+")[0].partition("-")[0]
    zone = rest[len(fraction) :] if point else ""
    try:
        return datetime.fromisoformat(f"{day}{f'.{fraction[:6]:0<6}' if point else ''}{zone}").timestamp()
    except ValueError:
        return now
