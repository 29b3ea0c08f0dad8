"""Whether there is room for what is about to start, and why not: what the fit says, as findings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from mlstack.actions.capacity import COMPONENT, KINDS, Capacity, capacity, model_names, own_pods, rules
from mlstack.actions.garbage import uncollected
from mlstack.actions.session import Session
from mlstack.plan.findings import NODES, QUOTAS, STORAGE, Finding, Look
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.devices import model_of, unready
from mlstack.plan.fit.fit import objects_refused
from mlstack.plan.fit.nodes import Pod, Room
from mlstack.plan.fit.outlook import Outlook, Prospect
from mlstack.plan.fit.sharing import torn, warning
from mlstack.plan.fit.volumes import ONE_POD, Claims, claims_of
from mlstack.plan.fit.words import beyond_all, device_of
from mlstack.plan.hints import hint_of_fit
from mlstack.wording import counted


def look_at_rules(session: Session, asked: Sequence[Ask]) -> list[Look]:
    """Whether the namespace refuses the objects of an app that has no pods."""
    view = rules(session.connection.client, session.connection.namespace, asked)
    refused = [_refused(name, why) for name, why in objects_refused(view, asked).items()]
    return [*refused, *(Look(QUOTAS, "", unseen=text) for text in view.blind)]


@uncollected()
def look_at_room(
    session: Session, asked: Sequence[Ask], coming: Claims, spawned: Collection[str] = (), *, devices_only: bool
) -> list[Look]:
    """Whether these pods find a place. Those of the same components that are there make room for them.

    `coming`: volume claims about to be made; `spawned`: claims that every notebook will mount. With `devices_only` the
    pods without accelerators are counted, but not told of; claims that pods cannot share are always told.
    """
    own, there = own_pods(session.owner.app, {ask.component for ask in asked}), set[str]()

    def makes_room(pod: Pod) -> bool:
        if is_own := own(pod):
            there.add(pod["metadata"]["labels"][COMPONENT])
        return is_own

    seen = capacity(session.connection, session.target, makes_room, coming, asked)
    view, found = seen.view, _outlooks(seen, asked, there)
    if view.nodes is None and not devices_only:
        return [Look(NODES, "", unseen=KINDS["nodes"].blind)]
    told = [one for one in found if device_of(one.ask) or not devices_only]
    looks = [_look(session, one, view.nodes or ()) for one in told if one.ask.count]
    known = {name for one in told for name in claims_of(one.ask.pod)}  # the fit tells of those for one pod
    torn_apart = [
        Look(STORAGE, f"PersistentVolumeClaim/{one.claim}", Finding(*warning(one), certain=False))
        for one in torn(view, asked, spawned)
        if one.mode != ONE_POD or one.claim not in known
    ]
    refused = [_refused(name, why) for name, why in objects_refused(view, asked).items()]
    unseen = [Look(NODES, "", unseen=text) for text in view.blind if not devices_only]
    return [*looks, *torn_apart, *refused, *unseen]


def _outlooks(seen: Capacity, asked: Sequence[Ask], there: Collection[str]) -> list[Outlook]:
    """What becomes of each ask. Components that have pods already keep their places, whatever else comes."""
    ordered = there_first(asked, there)
    kept = seen.outlooks([ask for ask in ordered if ask.component in there])
    return [*kept, *(one for one in seen.outlooks(ordered) if one.ask.component not in there)]


def _refused(component: str, why: str) -> Look:
    return Look(QUOTAS, component, Finding(f"{component}: the namespace refuses its objects: {why}."))


def there_first(asked: Sequence[Ask], there: Collection[str]) -> list[Ask]:
    """What is asked for with the components that have pods there before the others: those have their places."""
    return sorted(asked, key=lambda ask: ask.component not in there)


def _look(session: Session, outlook: Outlook, nodes: Sequence[Room]) -> Look:
    what = f"{outlook.ask.component}: {pods(outlook.ask)}"
    if outlook.prospect is Prospect.FITS:
        return Look(NODES, what)
    if bare := bare_nodes(outlook.ask, nodes):
        return Look(NODES, what, _driverless(session, outlook, bare))
    lacks = outlook.fit.lacks
    if outlook.prospect is Prospect.NEVER:
        return Look(NODES, what, never(session, outlook), missing=lacks)
    set_by = hint_of_fit(outlook.fit, session.settings(outlook.ask.component))
    return Look(NODES, what, Finding(waiting(outlook, set_by), certain=False), missing=lacks)


def pods(ask: Ask) -> str:
    """2 workers; 1 pod."""
    return counted(ask.count, ask.role or "pod")


def waiting(outlook: Outlook, set_by: str = "") -> str:
    """One line about what starts later, or may; `set_by`: the parameter that could change it."""
    verb = "must wait" if outlook.prospect is Prospect.WAITS else "may have to wait"
    why = "; ".join(outlook.reasons) + (f" ({set_by})" if set_by else "")
    return f"{outlook.ask.component}: {pods(outlook.ask)} {verb}: {why}."


def never(session: Session, outlook: Outlook) -> Finding:
    """What no node can take."""
    ask, environment = outlook.ask, session.scope.environment
    why = "; ".join(outlook.reasons)
    final = f", and {environment} says {outlook.final}" if outlook.final else ""
    problem = f"{ask.component} can never fit in {environment}: {why}{final}."
    resource = beyond_all(ask, [one.room for one in outlook.fit.found]) or device_of(ask)
    set_by = hint_of_fit(outlook.fit, session.settings(ask.component))
    setting = f"{set_by}. " if set_by else ""
    plugin = f" {plugin_advice(session.target.platform, resource)}." if _nobody_has(outlook, resource) else ""
    return Finding(problem, f"{setting}What fits: mlstack tune {environment} {ask.component}.{plugin}")


def _nobody_has(outlook: Outlook, resource: str) -> bool:
    return "/" in resource and not any(one.room.allocatable.get(resource) for one in outlook.fit.found)


def bare_nodes(ask: Ask, nodes: Sequence[Room]) -> list[Room]:
    """The nodes that are labelled as having accelerators, where not one node offers what is asked for."""
    device = device_of(ask)
    if not device or any(room.allocatable.get(device) for room in nodes):
        return []
    return [room for room in nodes if unready(room, device)]


def _driverless(session: Session, outlook: Outlook, bare: Sequence[Room]) -> Finding:
    device, component = device_of(outlook.ask), outlook.ask.component
    platform = session.target.platform
    models = ", ".join(sorted({model_of(room.labels, model_names(platform)) for room in bare}))
    nodes = f"{len(bare)} node is" if len(bare) == 1 else f"{len(bare)} nodes are"
    problem = (
        f"{component}: {nodes} labelled as having {models}, but no node offers {device}: "
        "the device plugin or the driver is missing, or not ready yet."
    )
    return Finding(problem, f"{plugin_advice(platform, device)}.", outlook.prospect is Prospect.NEVER)


PLUGINS: Mapping[str, str] = {
    "minikube": "A minikube has GPUs with: minikube start --gpus all, and minikube addons enable nvidia-device-plugin",
    "gke": "GKE installs drivers in node pools of --accelerator …,gpu-driver-version=latest",
}


def plugin_advice(platform: Mapping[str, object], device: str) -> str:
    """What makes a cluster of this platform offer its accelerators."""
    if device != "nvidia.com/gpu":
        return f"Install the device plugin of {device}"
    own = PLUGINS.get(str(platform.get("name")))
    return own or "Install NVIDIA's device plugin or GPU operator (https://github.com/NVIDIA/k8s-device-plugin)"
