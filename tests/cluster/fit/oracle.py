"""What the real scheduler does with a scene, beside what mlstack says of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import AlreadyExistsError
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Key
from mlstack.errors import MlstackError
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.fit import Fit, Verdict, fit
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.view import View
from tests.cluster.fit.clusters import GROUP, Scene

Manifest = dict[str, Any]

POD, NODE = well_known("v1", "Pod"), well_known("v1", "Node")
MODEST = "oracle-modest"
SETTLED_SECONDS = 3.0


@dataclass(frozen=True)
class Case:
    """A scene, what is asked, and what mlstack says before anything of it is there."""

    scene: Scene
    asks: tuple[Ask, ...]
    fits: tuple[Fit, ...]


def prepare(client: Client, namespace: str, scenes: Sequence[Scene]) -> list[Case]:
    """Makes the scenes' nodes and pods, reads them back as mlstack does, and asks mlstack about each job.

    A job asks for as many pods as mlstack says will find a place, and a few more, or one less, by turns.
    """
    _all(client, [(NODE, node) for scene in scenes for node in scene.nodes])
    there = [{**pod, "metadata": {**pod["metadata"], "namespace": namespace}} for scene in scenes for pod in scene.pods]
    _all(client, [(POD, pod) for pod in there])
    nodes = _ready(client, sum(len(scene.nodes) for scene in scenes))
    pods = objects.list_objects(client, POD).items
    return [_case(scene, namespace, nodes, pods) for scene in scenes]


def _ready(client: Client, count: int) -> list[Manifest]:
    """The nodes, once all are ready and the controllers have taken their not-ready taints away."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        nodes = objects.list_objects(client, NODE, labels=GROUP).items
        if len([node for node in nodes if not _starting(node)]) == count:
            return nodes
        time.sleep(0.5)
    raise AssertionError("the nodes are not ready after 2 minutes")


def _starting(node: Manifest) -> bool:
    taints = {taint["key"] for taint in node["spec"].get("taints") or ()}
    held = bool(node["spec"].get("unschedulable")) - ("node.kubernetes.io/unschedulable" in taints)
    return "node.kubernetes.io/not-ready" in taints or bool(held)


def _case(scene: Scene, namespace: str, nodes: Sequence[Manifest], pods: Sequence[Manifest]) -> Case:
    own = [node for node in nodes if node["metadata"]["labels"].get(GROUP) == scene.group]
    found = rooms(nodes, pods)
    assert len(own) == len(scene.nodes)
    singly = [_ask(scene, template, 1, namespace) for template in scene.templates]
    highs = [each.room.high for each in fit(View(found), singly)]
    extra = (3, 1, 0, -1)[scene.seed % 4]
    counts = [max(1, highs[0] + extra), *(1 + scene.seed % 3 for _ in highs[1:])]
    asked = tuple(_ask(scene, t, n, namespace) for t, n in zip(scene.templates, counts, strict=True))
    return Case(scene, asked, tuple(fit(View(found), asked)))


def _ask(scene: Scene, template: Manifest, count: int, namespace: str) -> Ask:
    role = template["metadata"]["labels"]["role"]
    pod = {**template, "metadata": {**template["metadata"], "namespace": namespace}}
    return Ask("job", Key("", "Pod", namespace, scene.group), role, count, pod)


def schedule(client: Client, namespace: str, cases: Sequence[Case]) -> Counter[tuple[int, str]]:
    """Creates the jobs' pods, all at once, and counts those that the scheduler placed, by seed and role."""
    made = [_pod(case, ask, index, namespace) for case in cases for ask in case.asks for index in range(ask.count)]
    _all(client, [(POD, pod) for pod in made])
    return _settled(client, namespace, len(made))


def _pod(case: Case, ask: Ask, index: int, namespace: str) -> Manifest:
    metadata = {"name": f"{case.scene.group}-{ask.role}-{index}", "namespace": namespace}
    labels = {**ask.pod["metadata"]["labels"], "oracle/asked": str(case.scene.seed)}
    spec = {**ask.pod["spec"], "priorityClassName": MODEST}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "labels": labels}, "spec": spec}


def _settled(client: Client, namespace: str, total: int) -> Counter[tuple[int, str]]:
    """Waits until the scheduler has looked at each pod and has placed none for a while."""
    since, before = time.monotonic(), -1
    until = since + 300
    while time.monotonic() < until:
        pods = objects.list_objects(client, POD, namespace, labels="oracle/asked").items
        bound = [pod for pod in pods if pod["spec"].get("nodeName")]
        refused = [pod for pod in pods if not pod["spec"].get("nodeName") and _refused(pod)]
        if len(bound) != before:
            since, before = time.monotonic(), len(bound)
        if len(bound) + len(refused) == total and time.monotonic() - since > SETTLED_SECONDS:
            return Counter(
                (int(p["metadata"]["labels"]["oracle/asked"]), p["metadata"]["labels"]["role"]) for p in bound
            )
        time.sleep(0.5)
    raise AssertionError(f"the scheduler has not looked at all of {total} pods in 5 minutes")


def _refused(pod: Manifest) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(one["type"] == "PodScheduled" and one["status"] == "False" for one in conditions)


def disagreements(cases: Sequence[Case], placed: Counter[tuple[int, str]]) -> list[str]:
    """What mlstack said and the scheduler did otherwise, one line each, with the seed."""
    return [text for case in cases for text in _wrong(case, placed)]


def _wrong(case: Case, placed: Counter[tuple[int, str]]) -> list[str]:
    seed = case.scene.seed
    got = {ask.role: placed[seed, ask.role] for ask in case.asks}
    wrong = []
    for each in case.fits:
        ask, room = each.ask, each.room
        if each.verdict is Verdict.FITS and got[ask.role] < ask.count:
            wrong.append(f"seed {seed}: {ask.count} {ask.role} fit, it says; {got[ask.role]} were placed")
        if got[ask.role] > room.high:
            wrong.append(f"seed {seed}: at most {room.high} {ask.role}, it says; {got[ask.role]} were placed")
        if len(case.asks) == 1 and not room.low <= got[ask.role] <= room.high and got[ask.role] < ask.count:
            wrong.append(f"seed {seed}: {room.low} to {room.high} {ask.role}, it says; {got[ask.role]} were placed")
    if all(got[ask.role] == ask.count for ask in case.asks) and any(f.verdict is Verdict.NOT for f in case.fits):
        wrong.append(f"seed {seed}: does not fit, it says; all were placed")
    return wrong


def modest_class(client: Client) -> None:
    """A priority class whose pods push nobody out."""
    manifest = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": MODEST},
        "value": 0,
        "preemptionPolicy": "Never",
    }
    try:
        objects.create(client, well_known("scheduling.k8s.io/v1", "PriorityClass"), manifest, manager="oracle")
    except AlreadyExistsError:
        return


def remove(client: Client, namespace: str, cases: Sequence[Case]) -> None:
    """Takes the scenes' pods and nodes away again."""
    pods = objects.list_objects(client, POD, namespace).items
    client.map(lambda pod: objects.delete(client, POD, namespace, pod["metadata"]["name"]), pods)
    nodes = [node["metadata"]["name"] for case in cases for node in case.scene.nodes]
    client.map(lambda name: objects.delete(client, NODE, None, name), nodes)


def _all(client: Client, made: Sequence[tuple[Any, Manifest]]) -> None:
    results = client.map(lambda one: objects.create(client, one[0], one[1], manager="oracle"), made)
    wrong = [str(result) for result in results if isinstance(result, MlstackError)]
    assert not wrong, wrong[:3]
