"""What the real scheduler does once what mlstack names is gone: whether "never" holds on emptied nodes, and whether a
reason names what is in the way.
"""

from __future__ import annotations

import copy
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import NotFoundError
from mlstack.plan.fit.binding import without_static
from mlstack.plan.fit.devices import promised
from mlstack.plan.fit.fit import Verdict
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.outlook import Prospect
from mlstack.plan.fit.phrases import short_name
from mlstack.plan.fit.taints import passes
from mlstack.plan.fit.terms import without_company
from tests.cluster.fit import plane
from tests.cluster.fit.clusters import GROUP, MODEL, Manifest
from tests.cluster.fit.oracle import Case, pods
from tests.cluster.fit.plane import NODE, POD, QUOTA, RANGE

NOW = {"gracePeriodSeconds": 0}
ASKED = "oracle/asked"
PATIENCE = 6.0  # seconds; the API server heeds rules for a moment after they are gone
Placed = Counter[tuple[int, str]]
Relax = Callable[[Manifest], None]


def nevers(cases: Iterable[Case]) -> list[Case]:
    """The cases of which something never fits."""
    return [case for case in cases if any(one.prospect is Prospect.NEVER for one in case.outlooks)]


def explained(cases: Iterable[Case], prospect: Prospect) -> list[Case]:
    """Cases with one kind of pods for which a reason is given that can be taken away."""
    found = [case for case in cases if len(case.asks) == 1 and case.fits[0].verdict is Verdict.NOT]
    kept = [case for case in found if case.outlooks[0].prospect is prospect and not case.scene.side.volumes]
    return [case for case in kept if not case.scene.pushes and relaxations(case)]


def empty(client: Client, cases: Sequence[Case]) -> Placed:
    """Takes the pods that were there and passing states away from the nodes of some cases; what is placed then."""
    there = [pod for case in cases for pod in _there(case)]
    _remove(client, there)
    plane.checked(client.map(lambda one: _open(client, *one), [(node, c) for c in cases for node in c.scene.nodes]))
    for case in cases:
        plane.try_pods(client, pods(case))
    return plane.settled(client, plane.asked(client), plane.RETRY_SECONDS)


def false_nevers(cases: Sequence[Case], placed: Placed) -> list[str]:
    """What never fits, it says, and does on emptied nodes."""
    wrong = []
    for case in cases:
        if all(placed[case.scene.seed, ask.role] == ask.count for ask in case.asks):
            why = [reason for one in case.outlooks for reason in one.reasons]
            wrong.append(f"seed {case.scene.seed}: never fits, it says ({why}); all are placed on emptied nodes")
    return wrong


def unfounded(client: Client, cases: Sequence[Case], placed: Placed) -> list[str]:
    """Reasons without which no more pods find a place than with them, one line each."""
    namespaces = [case.asks[0].pod["metadata"]["namespace"] for case in cases]
    for namespace in namespaces:
        client.json("DELETE", POD.path(namespace), {**NOW, "labelSelector": ASKED})
    plane.wait(lambda: not any(_asked(client, name) for name in namespaces), "the jobs' pods are still there")
    for case in cases:
        _without_rules(client, case)
    _try_again(client, [_relaxed(case, pod) for case in cases for pod in pods(case)])
    found = settled(client)
    wrong = []
    for case in cases:
        key = case.scene.seed, case.asks[0].role
        if found[key] <= placed[key]:
            why = case.outlooks[0].reasons
            wrong.append(
                f"seed {key[0]}: {why[0]!r}, it says; without that {found[key]} are placed, {placed[key]} before"
            )
    return wrong


def settled(client: Client) -> Placed:
    """The pods placed, once the scheduler has looked at all that are there."""
    return plane.settled(client, plane.asked(client))


def _try_again(client: Client, wanted: Sequence[Manifest]) -> None:
    """Creates pods, those that are refused again and again for some seconds."""
    until = time.monotonic() + PATIENCE
    while wanted and time.monotonic() < until:
        wanted = [pod for pod in wanted if not plane.try_pods(client, [pod])]
        time.sleep(0.5 if wanted else 0)


def relaxations(case: Case) -> list[Relax]:
    """What has to be changed of a pod for its first reason to be gone."""
    text, needs = "; ".join(_reasons(case)), case.asks[0].needs
    if "the largest node" in text:
        return [_without(name) for name in needs]
    return [relax for pattern, relax in RELAX if re.search(pattern, text)] + _of_resources(case)


def _of_resources(case: Case) -> list[Relax]:
    return [_without(name) for name in case.asks[0].needs if any(_names(text, name) for text in _reasons(case))]


def _reasons(case: Case) -> tuple[str, ...]:
    """What is said first; of the namespace's rules, all of them and what nodes have against it."""
    said, own = case.outlooks[0].reasons, case.outlooks[0].fit
    return said[: 2 + len(own.more)] if own.told else said[:1]


def _names(text: str, resource: str) -> bool:
    """Test whether a reason is about a resource of the nodes: one about a quota or limit range goes with that."""
    if re.search(r"Quota|LimitRange", text):
        return False
    short = short_name(resource)
    return (
        resource in text.split()
        or f"{resource}," in text
        or bool(short and re.search(rf"\b{re.escape(short)}s?\b", text))
    )


def _relaxed(case: Case, pod: Manifest) -> Manifest:
    pod = copy.deepcopy(pod)
    pod["metadata"]["name"] += "-again"
    if case.outlooks[0].prospect is Prospect.NEVER:  # what may still come is not what is said to be in the way
        pod = dict(without_static(without_company(pod), case.view.storage))
    for relax in relaxations(case):
        relax(pod)
    return pod


def _without(resource: str) -> Relax:
    def relax(pod: Manifest) -> None:
        spec = pod["spec"]
        for one in (*spec["containers"], *(spec.get("initContainers") or ())):
            for part in ("requests", "limits"):
                (one["resources"].get(part) or {}).pop(resource, None)
        (spec.get("resources", {}).get("requests") or {}).pop(resource, None)
        if resource in ("cpu", "memory"):
            spec.pop("runtimeClassName", None)

    return relax


def _tolerate(pod: Manifest) -> None:
    pod["spec"]["tolerations"] = [{"operator": "Exists"}]


def _anywhere(pod: Manifest) -> None:
    """Of nodes of another kind nothing else is told on purpose: all the rest goes, too."""
    spec = pod["spec"]
    spec["nodeSelector"] = {GROUP: spec["nodeSelector"][GROUP]}
    for relax in (_tolerate, _portless, _unbound("affinity", "topologySpreadConstraints", "volumes")):
        relax(pod)
    spec.update(initContainers=[], containers=[{"name": "main", "image": "example/x", "resources": {}}])
    for key in ("resources", "runtimeClassName", "hostNetwork"):
        spec.pop(key, None)


def _driverless(pod: Manifest) -> None:
    """Without any accelerator."""
    parts = [part for one in _containers(pod) for part in one["resources"].values()]
    for name in {name for part in parts for name in part if "/" in name}:
        _without(name)(pod)


def _unbound(*keys: str) -> Relax:
    def relax(pod: Manifest) -> None:
        for key in keys:
            pod["spec"].get("affinity", {}).pop(key, None)
            pod["spec"].pop(key, None)

    return relax


def _portless(pod: Manifest) -> None:
    for one in _containers(pod):
        one.pop("ports", None)


def _containers(pod: Manifest) -> list[Manifest]:
    return [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())]


def _as_it_is(_pod: Manifest) -> None:
    """What is taken away is not the pod's."""


RELAX: tuple[tuple[str, Relax], ...] = (
    (r"taint that|cordoned|not ready", _tolerate),
    (r"driver or device plugin", _driverless),
    (r"its anti-affinity", _unbound("podAntiAffinity")),
    (r"its affinity", _unbound("podAffinity")),
    (r"topology spread", _unbound("topologySpreadConstraints")),
    (r"its volumes?|ReadWriteOncePod|another volume|no more volumes", _unbound("volumes")),
    (r"\bport\b", _portless),
    (r"ResourceQuota|LimitRange|other pods'", _as_it_is),
    (r"node selector", _anywhere),
)


def _without_rules(client: Client, case: Case) -> None:
    """Takes away what a reason names of the namespace, or of other pods.

    A namespace's rules go as well where the pod is to say less: they would fill it in again, or demand it.
    """
    text, namespace = "; ".join(_reasons(case)), case.asks[0].pod["metadata"]["namespace"]
    silent = re.search("the largest node|node selector|driver or device plugin", text) or _of_resources(case)
    for kind, word in ((QUOTA, "ResourceQuota"), (RANGE, "LimitRange")):
        if silent or word in text:
            client.json("DELETE", kind.path(namespace), NOW)
    if "other pods'" in text:
        _remove(client, [pod for pod in _there(case) if "podAntiAffinity" in str(pod["spec"].get("affinity"))])


def _there(case: Case) -> list[Manifest]:
    """The pods that were there before the job, with their namespaces."""
    home = case.asks[0].pod["metadata"]["namespace"]
    return [{**pod, "metadata": {"namespace": home, **pod["metadata"]}} for pod in case.scene.pods]


def _remove(client: Client, there: Sequence[Manifest]) -> None:
    plane.checked(client.map(lambda pod: _gone(client, pod), there))


def _gone(client: Client, pod: Manifest) -> None:
    try:
        client.json("DELETE", POD.path(pod["metadata"]["namespace"], pod["metadata"]["name"]), NOW)
    except NotFoundError:
        return


def _asked(client: Client, namespace: str) -> list[Manifest]:
    return list(objects.list_objects(client, POD, namespace, labels=ASKED, metadata_only=True).items)


def _open(client: Client, node: Manifest, case: Case) -> None:
    """Ends what passes: taints, a cordon, a driver that is not ready for what a case asks."""
    (room,), asked = rooms([node], []), {name for ask in case.asks for name in ask.needs}
    name = node["metadata"]["name"]
    kept = [taint for taint in node["spec"].get("taints") or () if not passes(taint)]
    patch = {"spec": {"taints": kept or None, "unschedulable": None}}
    objects.patch(client, NODE, None, name, patch, manager="oracle")
    more = {resource: str(number) for resource, number in promised(room, asked).items()}
    if more and MODEL in node["metadata"]["labels"]:
        status = {"status": {"allocatable": more, "capacity": more}}
        objects.patch(client, NODE, None, name, status, manager="oracle", subresource="status")
