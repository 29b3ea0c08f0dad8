"""The progress of a training, read from its log: JSON lines as tf-cnn prints them, and the usual progress lines.

`images_per_second`, `steps_per_second` or `loss` makes a line a measurement; `step`, `epoch`, `replicas` (the number of
workers that the rate counts together, default 1) and `global_batch` (images of a step) add to it, in the same line or
an earlier one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mlstack.actions.events import LogLine
from mlstack.actions.progresslines import RATES, figures, number

_LASTING = ("replicas", "global_batch", "epoch")  # hold until a later line tells another
SUM = "sum"


@dataclass(frozen=True)
class Measurement:
    """One line's figures; None for what is not known. `at`: seconds of Unix time; `workers`: whose rate it is.

    `mean`: of the whole training, at its end. `loss` may be NaN or infinite, as it was logged.
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
    epoch: float | None = None

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
        facts = figures(line.line)
        if facts is None:
            return None
        pod = self._pods.setdefault(line.title or line.pod, _Pod())
        if facts.get("event") == "start" or _is_before(facts, pod.told):
            pod.facts, pod.told = {}, []
        pod.facts |= {key: value for key in _LASTING if (value := _finite(facts, key)) is not None}
        if not (any(_finite(facts, rate) is not None for rate in RATES) or number(facts.get("loss")) is not None):
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
            epoch=min((row.epoch for row in rows if row.epoch is not None), default=None),
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


def _finite(facts: Mapping[str, Any], key: str) -> float | None:
    """A figure that can be reckoned with."""
    value = number(facts.get(key))
    return value if value is not None and math.isfinite(value) else None


def _is_before(facts: Mapping[str, Any], told: Sequence[Measurement]) -> bool:
    """Whether the program started again: a step that was passed already, in the same epoch, or an earlier epoch."""
    if not told:
        return False
    step, epoch = _finite(facts, "step"), _finite(facts, "epoch")
    if epoch is not None and told[-1].epoch is not None and epoch != told[-1].epoch:
        return epoch < told[-1].epoch
    return step is not None and told[-1].step is not None and step < told[-1].step


def _measured(line: LogLine, facts: Mapping[str, Any], pod: _Pod) -> Measurement:
    step = _finite(facts, "step")
    step = _finite(facts, "steps") if step is None else step
    images, at = _finite(facts, "images_per_second"), _seconds(line.time)
    return Measurement(
        line.title or line.pod,
        line.pod,
        at,
        None if step is None else int(step),
        _steps_per_second(facts, images, step, at, pod),
        images,
        max(1, int(pod.facts.get("replicas", 1))),
        number(facts.get("loss")),
        facts.get("event") == "done",
        pod.facts.get("epoch"),
    )


def _steps_per_second(
    facts: Mapping[str, Any], images: float | None, step: float | None, at: float, pod: _Pod
) -> float | None:
    """As told, else by the images of a step, else by the time since the last step that was told."""
    told = _finite(facts, "steps_per_second")
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
