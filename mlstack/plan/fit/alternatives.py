"""What would fit instead of what was asked: fewer GPUs in a worker, spot nodes, another accelerator, another pool.

How it is used. `trials` looks at the cluster and names settings that are worth a try, as parameters of a component's
prototype with their values. The caller renders the component once for each, and hands `alternatives` a way to ask with
a trial's settings at any size:

    found = trials(view, worker, types, known=component_parameters)
    alternatives(view, Size(asked_workers, asked_gpus), found, asks_at)   # asks_at(trial, workers, gpus) -> asks

Each answer says what surely fits then. None is given for what is worse than what fits as it is, and nothing is
printed or written here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.devices import is_spot, model_of
from mlstack.plan.fit.nodes import Room
from mlstack.plan.fit.pools import POOL_LABELS
from mlstack.plan.fit.scale import SIZES, Size, most_workers
from mlstack.plan.fit.view import View
from mlstack.plan.fit.words import device_of

SPOT, TYPE, SELECTOR = "spot", "accelerator_type", "node_selector"


@dataclass(frozen=True)
class Trial:
    """Settings to try, by parameter; none for the component as it is. `what` names them to people."""

    what: str
    settings: Mapping[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Alternative:
    """`size` surely fits with a trial's settings. `full`: that is as many devices as were asked."""

    trial: Trial
    size: Size
    full: bool


AS_IT_IS = Trial("as it is")
TrialAsks = Callable[[Trial, int, int], Sequence[Ask]]
"""What an app asks with a trial's settings and so many workers of so many devices each."""


def trials(view: View, worker: Ask, types: Mapping[str, str], known: Collection[str]) -> list[Trial]:
    """Settings that are worth a try for an ask's pods: those that reach nodes which its own do not.

    `types`: the platform's short names of accelerators; `known`: the parameters that the component has.
    """
    device = device_of(worker)
    rooms = [room for room in view.nodes or () if room.allocatable.get(device)] if device else []
    selector = worker.pod["spec"].get("nodeSelector") or {}
    found = [*_spot(rooms), *_models(rooms, selector, types), *_pools(rooms, selector)]
    return [AS_IT_IS, *(trial for trial in found if all(name in known for name in trial.settings))]


def alternatives(view: View, asked: Size, found: Sequence[Trial], asks_at: TrialAsks) -> list[Alternative]:
    """What each trial comes to, the best first: most devices, then fewest workers, then in the trials' order.

    As it is, only other numbers of devices in a worker are tried. A trial that comes to less than what fits without
    it is left out.
    """
    best = {trial: _best(view, asked, trial, asks_at) for trial in found}
    plain = best.get(AS_IT_IS)
    least = plain.devices if plain else 0
    options = [Alternative(trial, size, size.devices >= asked.devices) for trial, size in best.items() if size]
    worth = [one for one in options if one.trial is AS_IT_IS or one.size.devices > least or one.full]
    return sorted(worth, key=lambda one: (-one.size.devices, one.size.workers))


def _best(view: View, asked: Size, trial: Trial, asks_at: TrialAsks) -> Size | None:
    """The most of the devices asked for that fit with a trial's settings, in the fewest workers."""
    best: Size | None = None
    for each in sorted({asked.each, *(size for size in SIZES if size < asked.each)}, reverse=True):
        if trial is AS_IT_IS and each == asked.each and each > 1:
            continue  # that is what was asked
        limit = max(1, asked.devices // max(1, each))
        size = Size(most_workers(view, lambda workers, gpus: asks_at(trial, workers, gpus), each, limit), each)
        if size.workers and (best is None or size.devices > best.devices):
            best = size
    return best


def _spot(rooms: Sequence[Room]) -> list[Trial]:
    """Spot nodes, where there are some: taking them means that a worker may be taken away at any time."""
    return [Trial("on spot nodes", {SPOT: True})] if any(is_spot(room.labels) for room in rooms) else []


def _models(rooms: Sequence[Room], selector: Mapping[str, str], types: Mapping[str, str]) -> list[Trial]:
    """The accelerators that nodes have beside the one which the pods select."""
    models = sorted({model_of(room.labels, types) for room in rooms} - {""})
    own = {model for model in models if model in selector.values() or types.get(model) in selector.values()}
    if len(models) < 2 and (own or not selector):
        return []
    return [Trial(f"on {model}", {TYPE: model}) for model in models if model not in own]


def _pools(rooms: Sequence[Room], selector: Mapping[str, str]) -> list[Trial]:
    """The other node pools, where the pods are bound to one."""
    key = next((label for label in POOL_LABELS if label in selector), "")
    names = sorted({room.labels[key] for room in rooms if key and key in room.labels} - {selector.get(key, "")})
    return [Trial(f"in node pool {name}", {SELECTOR: {**selector, key: name}}) for name in names]
