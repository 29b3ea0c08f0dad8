"""Whose logs are meant, and what to say where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlstack.actions.logreader import Begin, Source, sources_of
from mlstack.app.project import Project
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError

SHOWN = 8


@dataclass(frozen=True)
class LogOptions:
    """Which lines. `tail`: so many last ones of each container; `since_s`: of so many seconds; `previous`: of the
    containers' former lives; `container`: of those called so; `progress`: also the progress that a TrainJob reports in
    its status, as lines of JSON."""

    follow: bool = False
    tail: int | None = None
    since_s: float | None = None
    previous: bool = False
    container: str = ""
    progress: bool = False

    @property
    def begin(self) -> Begin:
        """Where followed logs begin."""
        return Begin(self.tail, self.since_s)


@dataclass(frozen=True)
class LogTarget:
    """A component's containers: all of them, those of `wanted` (a role, worker-3, a pod), and of the options' name."""

    component: str
    wanted: str = ""
    options: LogOptions = LogOptions()

    @classmethod
    def of(cls, target: str, options: LogOptions) -> LogTarget:
        """COMPONENT, COMPONENT/ROLE, COMPONENT/ROLE-INDEX or COMPONENT/POD."""
        component, _, wanted = target.partition("/")
        return cls(component, wanted, options)

    def chosen(self, source: Source) -> bool:
        """Whether a container is meant."""
        named = self.options.container in ("", source.container)
        return named and (not self.wanted or source.role.matches(self.wanted, source.pod))

    def lacking(self, pods: Sequence[Manifest], environment: str, project: Project) -> MlstackError | None:
        """What is wrong if these are the component's pods, None if some container is meant. Raises MlstackError if the
        app has no such component either."""
        see = f"See: mlstack status {environment}"
        if not pods:
            if self.component not in project.component_names:
                project.component(self.component)
            return MlstackError(f"{self.component} has no pods in {environment}.", see)
        started = [source for pod in pods for source in sources_of(pod)]
        if not started:
            return MlstackError(f"No container of {self.component} has started in {environment}.", see)
        return None if any(map(self.chosen, started)) else self._nobody(started, environment)

    def _nobody(self, started: Sequence[Source], environment: str) -> MlstackError:
        container = self.options.container
        meant = " ".join(filter(None, (self.wanted, container and f"container {container}")))
        named = container and not self.wanted
        there = list(dict.fromkeys(source.container if named else source.title for source in started))
        shown = ", ".join(there[:SHOWN]) + (", ..." if len(there) > SHOWN else "")
        return MlstackError(f"{self.component} has no {meant} in {environment}.", f"There are {shown}.")
