"""The library: the same verbs as the command line, for programs.

    from mlstack import App
    app = App("my-kubeflow")
    print(app.plan("gke").counts)
    app.apply("gke", components=["cnn"])

Each action reads the app's files anew, so an edit between two calls is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlstack.app.project import Project

if TYPE_CHECKING:
    from mlstack.actions.apply import ApplyOptions, Outcome
    from mlstack.actions.check import Checked
    from mlstack.actions.delete import Deletion
    from mlstack.actions.diff import Diff
    from mlstack.actions.events import OnEvent
    from mlstack.actions.follower import OnLines
    from mlstack.actions.history import ComponentRun, History
    from mlstack.actions.logtarget import LogOptions
    from mlstack.actions.rollback import Rollback
    from mlstack.actions.runs import RunOutcome
    from mlstack.actions.session import Scope
    from mlstack.actions.status import Status
    from mlstack.actions.tune import Tuning
    from mlstack.actions.wait import WaitResult
    from mlstack.cluster.forward import Forwarding
    from mlstack.compose.render import Rendered
    from mlstack.compose.schemas import Problem
    from mlstack.plan.model import Allow, Plan


class App:
    """An app's folder (or one inside it), and the kubeconfig to reach its environments with (None: the user's).

    Every method raises MlstackError (of `mlstack.errors`) for what a user can mend. `components` none: all of the
    environment; `sets`: texts "COMPONENT.PARAM=VALUE" that hold for this once.
    """

    def __init__(self, folder: str | Path = ".", kubeconfig: str | None = None) -> None:
        self.root = Project.find(Path(folder)).root
        self.kubeconfig = kubeconfig

    @property
    def project(self) -> Project:
        """The app's files as they stand now."""
        return Project.load(self.root)

    def render(
        self, environment: str, components: Iterable[str] = (), sets: Iterable[str] = ()
    ) -> tuple[Rendered, ...]:
        """The manifests by component, offline; what `mlstack show` prints."""
        from mlstack.actions.render import show

        return show(self.project, environment, tuple(components) or None, tuple(sets))

    def validate(self, environment: str, components: Iterable[str] = (), sets: Iterable[str] = ()) -> list[Problem]:
        """What is wrong with the manifests under Kubernetes' and the app's CRDs' schemas, offline."""
        from mlstack.actions.render import validate

        return validate(self.project, environment, tuple(components) or None, tuple(sets))

    def plan(
        self,
        environment: str,
        components: Iterable[str] = (),
        sets: Iterable[str] = (),
        allow: Allow | None = None,
    ) -> Plan:
        """What `apply` would do; writes nothing."""
        return self.diff(environment, components, sets, allow).plan

    def diff(
        self,
        environment: str,
        components: Iterable[str] = (),
        sets: Iterable[str] = (),
        allow: Allow | None = None,
    ) -> Diff:
        """The plan with each object's difference as text, Secrets masked; writes nothing."""
        from mlstack.actions.diff import diff
        from mlstack.plan.model import Allow

        return diff(self._scope(environment, components, sets), allow or Allow())

    def apply(
        self,
        environment: str,
        components: Iterable[str] = (),
        sets: Iterable[str] = (),
        options: ApplyOptions | None = None,
        on_event: OnEvent | None = None,
        *,
        yes: bool = False,
    ) -> Outcome:
        """Bring the environment's cluster to what the app describes, and wait until it is ready.

        Raises UnconfirmedError for changes of a protected environment, unless `yes`.
        """
        from mlstack.actions.apply import ApplyOptions, apply
        from mlstack.actions.events import ignore

        scope = self._scope(environment, components, sets)
        return apply(scope, _agreed(options or ApplyOptions(), yes), on_event or ignore)

    def wait(self, environment: str, components: Iterable[str] = (), *, timeout_s: float = 600.0) -> WaitResult:
        """Wait until everything is ready. Raises NotReadyError, WorkloadFailedError."""
        from mlstack.actions.wait import wait_for

        return wait_for(self._scope(environment, components), timeout_s=timeout_s)

    def status(self, environment: str, components: Iterable[str] = ()) -> Status:
        """Components, objects, readiness and reasons."""
        from mlstack.actions.status import status

        return status(self._scope(environment, components))

    def check(self, environment: str, components: Iterable[str] = (), sets: Iterable[str] = ()) -> Checked:
        """What the cluster lacks of what the components need; only asks, writes nothing."""
        from mlstack.actions.check import check

        return check(self._scope(environment, components, sets))

    def tune(
        self,
        environment: str,
        components: Iterable[str] = (),
        sets: Iterable[str] = (),
        *,
        scale: str = "",
        write: bool = False,
    ) -> Tuning:
        """How many workers of how many GPUs fit now, on which nodes, and why not more; `write` stores the answer.

        `scale` ("max", "8", "50%") is tried instead of the components' own.
        """
        from mlstack.actions.tune import tune

        return tune(self._scope(environment, components, sets), scale=scale, write=write)

    def logs(
        self,
        environment: str,
        target: str,
        on_lines: OnLines,
        options: LogOptions | None = None,
        on_notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Tell the lines of `target` ("cnn", "cnn/worker", "cnn/worker-3"), in batches; with `options.follow` to the
        end of its run. `on_notice` is told what is to know of their reading."""
        from mlstack.actions.logs import logs

        logs(self._scope(environment), target, on_lines, on_notice, options)

    def forward(
        self,
        environment: str,
        target: str,
        ports: Sequence[str] = (),
        on_event: OnEvent | None = None,
        *,
        address: str = "127.0.0.1",
    ) -> Forwarding:
        """Local ports that lead to `target` ("cnn", "svc/NAME", "tf-hub-0") within a `with` block.

        `ports`: "8100:8000", ":8000", "8100:http"; none: those that it declares. `with app.forward(...) as running:`
        gives `running.addresses`; the ports stay while pods come and go.
        """
        from mlstack.actions.connection import connect_environment
        from mlstack.actions.events import ignore
        from mlstack.actions.forward import forward

        link = connect_environment(self.project, environment, kubeconfig=self.kubeconfig, pin=False)
        return forward(link.client, link.namespace, target, ports, on_event or ignore, address=address)

    def delete(
        self,
        environment: str,
        components: Iterable[str] = (),
        *,
        include: Collection[str] = (),
        timeout_s: float = 600.0,
        yes: bool = False,
    ) -> Deletion:
        """Remove what was applied; what holds data stays unless `include` names its kind (`pvc`, `crd`, …).

        Raises UnconfirmedError for a protected environment, unless `yes`.
        """
        from mlstack.actions.delete import delete

        return delete(self._scope(environment, components), include=include, timeout_s=timeout_s, yes=yes)

    def run(
        self,
        environment: str,
        component: str,
        sets: Iterable[str] = (),
        *,
        follow: bool = False,
        options: ApplyOptions | None = None,
        on_event: OnEvent | None = None,
        yes: bool = False,
    ) -> RunOutcome:
        """Start a component's run again on purpose; with `follow`, tell its logs and wait for its end.

        Raises UnconfirmedError for a protected environment, unless `yes`.
        """
        from mlstack.actions.events import ignore
        from mlstack.actions.runs import RUN, run

        scope = self._scope(environment, (), sets)
        chosen = _agreed(options or RUN, yes)
        return run(scope, component, follow=follow, options=chosen, on_event=on_event or ignore)

    def history(self, environment: str) -> History:
        """The revisions that were applied, the newest first."""
        from mlstack.actions.history import history

        return history(self._scope(environment))

    def runs(self, environment: str, component: str) -> list[ComponentRun]:
        """A component's runs with their outcomes, the newest first."""
        from mlstack.actions.history import run_history

        return run_history(self._scope(environment), component)

    def rollback(
        self,
        environment: str,
        revision: int | None = None,
        components: Iterable[str] = (),
        *,
        files: bool = False,
        options: ApplyOptions | None = None,
        on_event: OnEvent | None = None,
        yes: bool = False,
    ) -> Rollback:
        """Apply a former revision again (None: the one before); with `files`, its values go back into the files.

        Raises UnconfirmedError for a protected environment, unless `yes`.
        """
        from mlstack.actions.apply import DEFAULTS
        from mlstack.actions.events import ignore
        from mlstack.actions.rollback import rollback

        scope = self._scope(environment, components)
        chosen = _agreed(options or DEFAULTS, yes)
        return rollback(scope, revision, files=files, options=chosen, on_event=on_event or ignore)

    def _scope(self, environment: str, components: Iterable[str] = (), sets: Iterable[str] = ()) -> Scope:
        from mlstack.actions.session import Scope

        return Scope(self.project, environment, tuple(components), tuple(sets), self.kubeconfig)


def _agreed(options: ApplyOptions, yes: bool) -> ApplyOptions:
    return replace(options, yes=True) if yes else options
