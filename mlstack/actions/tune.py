"""tune: how many workers of how many GPUs an environment's cluster takes now, on which nodes, and why not more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from mlstack.actions.capacity import APP, COMPONENT, Capacity, capacity, own_pods
from mlstack.actions.connection import connect_environment
from mlstack.actions.garbage import uncollected
from mlstack.actions.session import Scope, render_scope
from mlstack.actions.sizing import RESOLVED, SCALE, Sizing, devices_of, is_sized, scale_of, setting_of
from mlstack.app.assemble import chosen
from mlstack.app.environments import save_files
from mlstack.app.project import Project
from mlstack.compose.manifests import Manifest
from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError
from mlstack.plan.fit.alternatives import AS_IT_IS, TYPE, Alternative, Trial, alternatives, trials
from mlstack.plan.fit.asks import Ask, asks
from mlstack.plan.fit.devices import is_spot, model_of
from mlstack.plan.fit.outlook import Outlook, Prospect
from mlstack.plan.fit.picture import Picture, picture
from mlstack.plan.fit.scale import Size, check_scale, choose, unsure_anyway
from mlstack.plan.fit.slots import Slots
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import Claims, by_name
from mlstack.plan.fit.words import device_of, node_reason
from mlstack.plan.hints import hint_of_fit, told


@dataclass(frozen=True)
class NodeRow:
    """A node as the table shows it: devices that it has and that are free, pods of the job it takes, why not more."""

    name: str
    model: str
    total: int
    free: int
    takes: int
    why: str
    spot: bool


@dataclass(frozen=True)
class Tuned:
    """One component. `outlooks`: what becomes of each of its kinds of pods; `best`: the size that `scale` comes to.

    `resource` is the accelerator that it asks for, "" for none; `sized`: it has workers to choose a number of;
    `set_by`: the parameter that could change that it does not fit, with its place; `instead`: what would fit then.
    """

    component: str
    resource: str
    outlooks: tuple[Outlook, ...]
    nodes: tuple[NodeRow, ...]
    sized: bool
    best: Size | None
    asked: Size | None
    set_by: str = ""
    instead: tuple[Alternative, ...] = ()

    @property
    def prospect(self) -> Prospect:
        """What becomes of it as asked: the worst of its parts."""
        order = (Prospect.NEVER, Prospect.WAITS, Prospect.UNKNOWN, Prospect.FITS)
        return min((one.prospect for one in self.outlooks), key=order.index, default=Prospect.FITS)

    def picture(self) -> Picture | None:
        """Who holds the accelerators, and where it may go as asked; None where it asks for none, or no node has any."""
        return picture([one.fit for one in self.outlooks], self.resource, {row.name: row.model for row in self.nodes})

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it does not fit, without repeats."""
        return tuple(dict.fromkeys(text for one in self.outlooks for text in one.reasons))


@dataclass(frozen=True)
class Tuning:
    """The answer for an environment. `blind` names what may not be read; `written` the settings that were stored."""

    environment: str
    components: tuple[Tuned, ...]
    blind: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


def _store(project: Project) -> None:
    save_files(*project.edited.values())


@uncollected()
def tune(
    scope: Scope,
    *,
    scale: str = "",
    write: bool = False,
    beside: Collection[str] = (),
    store: Callable[[Project], object] = _store,
) -> Tuning:
    """Reads the cluster and says what fits; with `write` the answer goes into the environment's file, and only there.

    `scale` (max, N or P%) is tried instead of the components' own. `beside`: components that are applied in the same
    run; all of them where the scope names none. Of several, each is beside the others as they ask, and where sizes are
    chosen here, beside what the ones before it came to. `store` writes the edited files. Raises MlstackError where
    there is nothing to tune.
    """
    if scale:
        check_scale(scale)
    asked_for, everything = _names(scope), replace(scope, components=())
    connection = connect_environment(scope.project, scope.environment, kubeconfig=scope.kubeconfig, pin=False)
    rendered, target = render_scope(replace(everything, sets=(*scope.sets, *unscaled(everything))))
    names = asked_for if scope.components else _with_devices(rendered, connection.namespace)
    own = {one.component: one for one in rendered}
    for name in names:
        _check_devices(scope, own[name], connection.namespace, scale)
    ours = own_pods(scope.project.name, names)
    wanted = [ask for one in rendered if one.component in names for ask in _of(one, connection.namespace)]
    seen = capacity(connection, target, ours, _claims(rendered), wanted)
    there = _applied(seen.view, scope.project.name)
    coming = set(beside if scope.components else own) - set(names) - there
    others = [ask for name in own if name in coming for ask in _of(own[name], connection.namespace)]
    sized_here = {name for name in names if is_sized(own[name]) and (write or scale or scale_of(scope, name))}
    tuned: list[Tuned] = []
    for name in names:
        sizing = Sizing(scope, name, connection.namespace)
        asked = {other: _of(own[other], sizing.namespace) for other in names if other not in sized_here | {name}}
        taken = [ask for one in tuned if one.component in sized_here for ask in _at_best(scope, sizing.namespace, one)]
        kept = [*others, *taken, *(ask for other, found in asked.items() if not is_sized(own[other]) for ask in found)]
        loose = [ask for other, found in asked.items() if is_sized(own[other]) for ask in found]
        tuned.append(_tuned(sizing, seen, own[name], _Beside(tuple(kept), tuple(loose)), scale))
    after, written = _edited(scope, tuned, scale) if write else (scope.project, [])
    store(after)
    return Tuning(scope.environment, tuple(tuned), seen.view.blind, tuple(written))


@dataclass(frozen=True)
class _Beside:
    """What is asked for beside a component: what has to keep its places, and what has a row and a size of its own."""

    kept: tuple[Ask, ...]
    tuned: tuple[Ask, ...]

    @property
    def all(self) -> list[Ask]:
        """Both."""
        return [*self.kept, *self.tuned]


def _check_devices(scope: Scope, one: Rendered, namespace: str, scale: str) -> None:
    """Raises MlstackError where a component's size is said as a number of GPUs, and its workers ask for none."""
    said = setting_of(scope, one.component, SCALE)
    wanted = scale or (said.value if said else "") or ""
    if not wanted.isdigit() or "num_gpus" not in one.settings or any(map(device_of, _of(one, namespace))):
        return
    place = said.place if said and not scale else None
    # One file says the size in one way: num_gpus stands beside no scale (decision 5 of the design).
    where = f"--env={scope.environment} " if place and place.file.startswith("components/") else ""
    raise MlstackError(
        f"{one.component}: scale = {wanted}{f' ({place})' if place else ''} is a number of GPUs, and its workers ask "
        f"for none ({told(one.settings['num_gpus'])}).",
        f"With GPUs: mlstack param set {where}{one.component} num_gpus 1. Without: num_workers instead of scale.",
    )


def resolve_scales(scope: Scope) -> tuple[Scope, tuple[str, ...]]:
    """The scope after each `scale` that is not resolved yet has been, for this cluster and environment; and the edits,
    a line each: none is written yet. The very scope, without a request, where there is none.
    """
    names = [name for name in _names(scope) if _unresolved(scope, name)]
    if not names:
        return scope, ()
    after: list[Project] = []
    chosen_ones = replace(scope, components=tuple(names))
    lines = tune(chosen_ones, write=True, beside=_names(scope), store=after.append).written
    return replace(scope, project=after[0]), lines


def _unresolved(scope: Scope, name: str) -> bool:
    scale, found = scale_of(scope, name), setting_of(scope, name, RESOLVED)
    return bool(scale) and ((found.value if found else None) or {}).get("for") != scale


def _names(scope: Scope) -> list[str]:
    return chosen(scope.project, scope.project.environment(scope.environment), list(scope.components) or None)


def _tuned(sizing: Sizing, seen: Capacity, one: Rendered, beside: _Beside, scale: str) -> Tuned:
    name, sized, view = one.component, is_sized(one), seen.view
    own_scale = scale_of(sizing.scope, name)

    @cache
    def tried(trial: Trial, workers: int, each: int) -> list[Ask]:
        return [*sizing.asks_at(trial, workers, each), *beside.all]

    def asks_at(workers: int, each: int) -> list[Ask]:
        return tried(AS_IT_IS, workers, each)

    asked = _of(one, sizing.namespace)
    resource = devices_of(asked)
    own = tuple(each for each in seen.outlooks([*asked, *beside.all]) if each.ask.component == name)
    loose = {ask.component for ask in beside.tuned} | unsure_anyway(view, beside.all)
    wanted = scale or own_scale or "max"
    best = choose(view, asks_at, resource, wanted, seen.grows, loose) if sized else None
    size = sizing.asked(one) if sized and not own_scale else None
    short = next((each.fit for each in own if each.prospect is not Prospect.FITS), None)
    set_by = hint_of_fit(short, one.settings) if short else ""
    instead: Sequence[Alternative] = ()
    if short and size and short.ask.needs.get(resource):
        options = [trial for trial in trials(view, short.ask, seen.types, one.settings) if _known(trial, seen.types)]
        instead = alternatives(view, size, options, tried)
    return Tuned(name, resource, own, _rows(own, resource, seen.types), sized, best, size, set_by, tuple(instead))


def _at_best(scope: Scope, namespace: str, one: Tuned) -> list[Ask]:
    """What a component asks at the size that was chosen for it; nothing where none fits."""
    if one.best is None:
        return []
    return Sizing(scope, one.component, namespace).asks_at(AS_IT_IS, one.best.workers, one.best.each)


def _known(trial: Trial, types: Mapping[str, str]) -> bool:
    """Whether the platform has a name for the accelerator of a trial, if that is what it changes."""
    return trial.settings.get(TYPE, "") in ("", *types)


def unscaled(scope: Scope) -> list[str]:
    """Settings with which components render that leave their size to the cluster."""
    return [f"{name}.scale=" for name in _names(scope) if scale_of(scope, name)]


def _with_devices(rendered: Sequence[Rendered], namespace: str) -> tuple[str, ...]:
    """The components whose pods ask for accelerators; all that run to an end where none does."""
    names = [one.component for one in rendered if any(map(device_of, asks(one.component, one.manifests, namespace)))]
    names = names or [one.component for one in rendered if one.lifecycle == "run"]
    if not names:
        raise MlstackError("No component of this app asks for GPUs, and none is a job: there is nothing to tune.")
    return tuple(names)


def _of(one: Rendered, namespace: str) -> list[Ask]:
    return asks(one.component, one.manifests, namespace)


def _applied(view: View, app: str) -> set[str]:
    """Components of the app whose pods are there already."""
    pods = (pod for room in view.nodes or () for pod in room.pods)
    labels = (pod["metadata"].get("labels") or {} for pod in pods)
    return {found[COMPONENT] for found in labels if found.get(APP) == app and COMPONENT in found}


def _claims(rendered: Sequence[Rendered]) -> Claims:
    """The volume claims that come with the app, by name."""
    manifests: list[Manifest] = [manifest for one in rendered for manifest in one.manifests]
    return by_name(m for m in manifests if m["kind"] == "PersistentVolumeClaim")


def _rows(found: Sequence[Outlook], resource: str, types: Mapping[str, str]) -> tuple[NodeRow, ...]:
    """The nodes that have, or should have, the accelerator; all of them for a job without one."""
    first = next((one for one in found if one.ask.needs.get(resource)), found[0] if found else None)
    if first is None:
        return ()
    shown = [
        one
        for one in first.fit.found
        if not resource or one.room.allocatable.get(resource) or model_of(one.room.labels, types)
    ]
    return tuple(_row(one, first.ask, resource, types) for one in shown)


def _row(one: Slots, ask: Ask, resource: str, types: Mapping[str, str]) -> NodeRow:
    total, free = one.room.allocatable.get(resource, 0), max(0, one.room.free(resource))
    why = node_reason(one, ask, resource)
    return NodeRow(
        one.room.name, model_of(one.room.labels, types), total, free, one.count, why, is_spot(one.room.labels)
    )


def _edited(scope: Scope, tuned: Sequence[Tuned], scale: str) -> tuple[Project, list[str]]:
    """The app with the sizes for this environment, and what is said of it: all, or none where one does not fit."""
    sized = [(one, one.best) for one in tuned if one.sized]
    for one, best in sized:
        if best is None:
            beside = ", ".join(other.component for other, _ in sized if other is not one)
            problem = f"{one.component} does not fit in {scope.environment} now{beside and f' beside {beside}'}"
            raise MlstackError(f"{problem}: nothing was written.", "; ".join(one.reasons))
    project, lines = scope.project, []
    for one, best in sized:
        if best:
            sizing = Sizing(replace(scope, project=project), one.component, "")
            values = sizing.stored(best, one.asked, scale or scale_of(scope, one.component))
            project, said = sizing.edited(values)
            lines += said
    return project, lines
