"""The size of a component: rendering it at a size, counting its processes, and storing a size for an environment.

A size counts every process that trains, masters and chiefs included. `resolved` beside `scale` counts them so, too:
each prototype takes its masters off.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mlstack.actions.params import with_param
from mlstack.actions.session import Scope, render_scope
from mlstack.app.project import Project
from mlstack.app.prototypes import prototype_of
from mlstack.app.settings import component_in, one_setting
from mlstack.compose.layers import Setting
from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError
from mlstack.plan.fit.alternatives import Trial
from mlstack.plan.fit.asks import Ask, asks
from mlstack.plan.fit.scale import Size
from mlstack.plan.fit.words import device_of
from mlstack.plan.hints import told

SCALE, RESOLVED, SIZED = "scale", "resolved", ("num_workers", "num_gpus")


def as_text(value: object) -> str:
    """A value as it is typed after a parameter's name."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def setting_of(scope: Scope, name: str, parameter: str) -> Setting | None:
    """The setting of a component's parameter in the environment; None where it has none of that name."""
    file = scope.project.component(name)
    if file.file is None or parameter not in prototype_of(scope.project, file).parameters:
        return None
    environment = scope.project.environment(scope.environment)
    return one_setting(component_in(scope.project, name, environment), parameter, environment.namespace)


def scale_of(scope: Scope, name: str) -> str:
    """What a component's `scale` says, "" where its size is said in numbers."""
    found = setting_of(scope, name, SCALE)
    return str(found.value or "") if found else ""


def is_sized(one: Rendered) -> bool:
    """Test whether a component has workers to choose a number of."""
    return all(parameter in one.settings for parameter in SIZED)


@dataclass(frozen=True)
class Sizing:
    """One component of an environment that has a size."""

    scope: Scope
    name: str
    namespace: str

    def asks(self, settings: dict[str, object]) -> list[Ask]:
        """What it asks for with some of its settings replaced, its size said in numbers."""
        sets = [f"{self.name}.{parameter}={as_text(value)}" for parameter, value in settings.items()]
        kept = [one for one in self.scope.sets if not any(one.startswith(f"{self.name}.{key}=") for key in settings)]
        plain = [] if SCALE in settings else [f"{self.name}.{SCALE}="]
        (one,), _ = render_scope(replace(self.scope, components=(self.name,), sets=(*kept, *plain, *sets)))
        return asks(one.component, one.manifests, self.namespace)

    def asks_at(self, trial: Trial, workers: int, each: int) -> list[Ask]:
        """What it asks for with a trial's settings, `workers` processes and `each` GPUs in each of them."""
        size = Size(workers, each)
        kept = [one for one in self.scope.sets if not any(one.startswith(f"{self.name}.{key}=") for key in SIZED)]
        alone = replace(self, scope=replace(self.scope, sets=tuple(kept)))
        return alone.asks({**trial.settings, SCALE: "max", RESOLVED: resolved("max", size)})

    def asked(self, one: Rendered) -> Size:
        """The size that its numbers say: of processes without GPUs, those are counted that would have some."""
        workers, each = (int(one.settings[parameter].value) for parameter in SIZED)
        found = self.asks({"num_workers": workers, "num_gpus": max(1, each)})
        return Size(processes(found), each)

    def stored(self, size: Size, asked: Size | None, scale: str) -> dict[str, object]:
        """The parameters that say a size: beside `scale` what it came to, else the numbers that make it.

        Raises MlstackError where numbers of the user's are in the way of another `scale`.
        """
        if scale and (self._inherits(scale) or not self._numbers()):
            return ({} if self._inherits(scale) else {SCALE: scale}) | {RESOLVED: resolved(scale, size)}
        if scale_of(self.scope, self.name):
            raise self._in_the_way(scale)
        instead = str(size.devices) if size.each else "max"
        return self._in_numbers(size, asked) or {SCALE: instead, RESOLVED: resolved(instead, size)}

    def edited(self, values: dict[str, object]) -> tuple[Project, list[str]]:
        """The app with parameters of the environment as given, a line about each; nothing is written yet."""
        project, lines = self.scope.project, list[str]()
        for key, value in values.items():
            done, project = with_param(project, self.name, key, as_text(value), self.scope.environment)
            lines += done.summary
        return project, lines

    def _inherits(self, scale: str) -> bool:
        return scale_of(self.scope, self.name) == scale

    def _numbers(self) -> list[str]:
        """The sizes that the environment's file says in numbers."""
        file = self.scope.project.environment(self.scope.environment).file
        return [parameter for parameter in SIZED if file.has("component_params", self.name, parameter)]

    def _in_numbers(self, size: Size, asked: Size | None) -> dict[str, object]:
        """`num_workers` and `num_gpus` for a size; nothing where other parameters decide, as with an elastic job."""
        before = setting_of(self.scope, self.name, SIZED[0])
        if asked is None or before is None:
            return {}
        workers = size.workers - (asked.workers - int(before.value))
        values: dict[str, object] = {"num_workers": workers, "num_gpus": size.each}
        if workers < 0:
            return {}
        found = self.asks({"num_workers": workers, "num_gpus": max(1, size.each)})
        return values if processes(found) == size.workers else {}

    def _in_the_way(self, scale: str) -> MlstackError:
        said = [one for parameter in self._numbers() if (one := setting_of(self.scope, self.name, parameter))]
        before = setting_of(self.scope, self.name, SCALE)
        where = f" ({before.place})" if before and before.place else ""
        numbers, names = "; ".join(map(told, said)), " ".join(one.name for one in said)
        return MlstackError(
            f"{self.name}: scale = {scale} cannot be written beside {numbers}: nothing was written.",
            f"Change scale where it is set{where}, or use the numbers no more: "
            f"mlstack param unset --env={self.scope.environment} {self.name} {names}",
        )


def resolved(scale: str, size: Size) -> dict[str, object]:
    """What a `scale` came to, as the parameter `resolved` has it."""
    return {"for": scale, "num_workers": size.workers, "num_gpus": size.each}


def processes(asked: Iterable[Ask]) -> int:
    """How many pods ask for an accelerator."""
    return sum(ask.count for ask in asked if device_of(ask))


def devices_of(asked: Sequence[Ask]) -> str:
    """The accelerator that some pods ask for, "" for none."""
    return next(filter(None, map(device_of, asked)), "")
