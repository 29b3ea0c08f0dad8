"""What the real scheduler does with a scene, beside what mlstack says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import Resource
from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.attaching import limits_of
from mlstack.plan.fit.fit import Fit, Verdict, fit
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.outlook import Outlook, Prospect, outlooks
from mlstack.plan.fit.pools import NONE
from mlstack.plan.fit.preempting import told
from mlstack.plan.fit.priorities import Priorities
from mlstack.plan.fit.scale import most_workers, surely_fits
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import Storage, by_name
from tests.cluster.fit import plane
from tests.cluster.fit.clusters import KEEN, PRIORITIES, Manifest
from tests.cluster.fit.jobs import Scene
from tests.cluster.fit.plane import CLAIM, CLASS, CSI_NODE, NODE, POD, PRIORITY, QUOTA, RANGE, RUNTIME, VOLUME
from tests.cluster.fit.spaces import Space, volume

FEW = 40  # pods
READ = (POD, QUOTA, RANGE, CLAIM, VOLUME, RUNTIME, CLASS, CSI_NODE)


@dataclass(frozen=True)
class Case:
    """A scene, what is asked, and what mlstack says before anything of it is there.

    `most`: how many pods of the first role surely find a place, beside those of the others. `outlooks`: what becomes of
    the job where no node may come.
    """

    scene: Scene
    view: View
    asks: tuple[Ask, ...]
    fits: tuple[Fit, ...]
    most: int
    outlooks: tuple[Outlook, ...] = ()

    @property
    def pushed(self) -> bool:
        """Whether somebody may have been pushed out for the job."""
        return self.scene.pushes and any(_lower(self.view, pod) for pod in self.scene.pods)


def prepare(client: Client, shared: str, scenes: Sequence[Scene]) -> list[Case]:
    """Makes the scenes' namespaces, nodes and pods, reads them back as mlstack does, and asks mlstack about each job.

    A job asks for as many workers as mlstack says will find a place, and a few more, or one less, by turns.
    """
    plane.make_classes(client)
    plane.make_spaces(client, [home(shared, scene) for scene in scenes])
    plane.make(client, [(NODE, node, "") for scene in scenes for node in scene.nodes])
    plane.make(client, [(POD, pod, home(shared, scene)) for scene in scenes for pod in scene.pods])
    _equip(client, [(scene, home(shared, scene)) for scene in scenes])
    _allow(client, [(scene.space, home(shared, scene)) for scene in scenes])
    nodes = plane.ready_nodes(client, sum(len(scene.nodes) for scene in scenes))
    plane.wait_for_spaces(client)
    seen = {kind: objects.list_objects(client, kind).items for kind in READ}
    priorities = Priorities(by_name(objects.list_objects(client, PRIORITY).items))
    view = View(rooms(nodes, seen[POD]), runtimes=by_name(seen[RUNTIME]), priorities=priorities)
    return [_case(scene, home(shared, scene), view, seen) for scene in scenes]


def _lower(view: View, pod: Manifest) -> bool:
    """Whether a pod that is there has a lower priority than jobs that push others out."""
    return view.priorities.of(pod) < PRIORITIES[KEEN]


def home(shared: str, scene: Scene) -> str:
    """The namespace of a scene."""
    return f"{shared}-{scene.seed}"


def _equip(client: Client, scenes: Sequence[tuple[Scene, str]]) -> None:
    """Makes the scenes' storage classes, CSI nodes, volumes and claims that are bound late."""
    for kind, field in ((CLASS, "classes"), (CSI_NODE, "csi_nodes"), (VOLUME, "volumes")):
        plane.make(client, [(kind, made, "") for scene, _ in scenes for made in getattr(scene.side, field)])
    plane.make(client, [(CLAIM, claim, name) for scene, name in scenes for claim in scene.side.claims])


def _allow(client: Client, spaces: Sequence[tuple[Space, str]]) -> None:
    """The namespaces' rules come after their pods: what is there already is not refused."""
    plane.make(client, [(VOLUME, volume(claim, name, own.zone), "") for own, name in spaces for claim in own.claims])
    plane.make(client, [(CLAIM, claim, name) for own, name in spaces for claim in own.claims])
    plane.make(client, [(QUOTA, quota, name) for own, name in spaces for quota in own.quotas])
    plane.make(client, [(RANGE, limits, name) for own, name in spaces for limits in own.ranges])


def _case(scene: Scene, namespace: str, cluster: View, seen: Mapping[Resource, list[Manifest]]) -> Case:
    quotas, ranges, claims = (
        [one for one in seen[kind] if one["metadata"]["namespace"] == namespace] for kind in (QUOTA, RANGE, CLAIM)
    )
    view = replace(cluster, quotas=quotas, ranges=ranges, storage=_storage(claims, seen))
    others = [_ask(scene, template, 1 + scene.seed % 3, namespace) for template in scene.templates[1:]]
    worker = _ask(scene, scene.templates[0], 1, namespace)
    (single,) = fit(view, [worker])
    most = _most(view, worker, others, single.room.high)
    asked = (replace(worker, count=max(1, most + (3, 1, 0, -1)[scene.seed % 4])), *others)
    future = outlooks(view, asked, grows=NONE, types={})
    return Case(scene, view, asked, tuple(fit(view, asked)), most, tuple(future))


def _storage(claims: Sequence[Manifest], seen: Mapping[Resource, list[Manifest]]) -> Storage:
    classes, limits = by_name(seen[CLASS]), limits_of(seen[CSI_NODE])
    return Storage(by_name(claims), by_name(seen[VOLUME]), classes, {}, limits)


def _most(view: View, worker: Ask, others: Sequence[Ask], high: int) -> int:
    """The most workers with which all surely fits; few are tried one by one."""

    def asks_at(count: int, _each: int) -> list[Ask]:
        return [replace(worker, count=count), *others]

    if high > FEW:
        return most_workers(view, asks_at, 1, high)
    return max((count for count in range(1, high + 1) if surely_fits(view, asks_at(count, 1))), default=0)


def _ask(scene: Scene, template: Manifest, count: int, namespace: str) -> Ask:
    role = template["metadata"]["labels"]["role"]
    pod = {**template, "metadata": {**template["metadata"], "namespace": namespace}}
    component = "job" if scene.seed % 2 else role  # a job of several roles, or several jobs at once
    return Ask(component, Key("", "Pod", namespace, scene.group), role, count, pod)


def pods(case: Case) -> list[Manifest]:
    """The pods of a case's job."""
    return [_pod(case, ask, index) for ask in case.asks for index in range(ask.count)]


def _pod(case: Case, ask: Ask, index: int) -> Manifest:
    labels = {**ask.pod["metadata"]["labels"], "oracle/asked": str(case.scene.seed)}
    metadata = {"name": f"{case.scene.group}-{ask.role}-{index}", "namespace": ask.pod["metadata"]["namespace"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "labels": labels}, "spec": ask.pod["spec"]}


def schedule(client: Client, cases: Sequence[Case]) -> Counter[tuple[int, str]]:
    """Creates the jobs' pods, and counts those that the scheduler placed, by seed and role.

    A job's pods come one after another, so that a quota lets in what it allows and no less.
    """
    made = client.map(lambda case: plane.try_pods(client, pods(case)), cases)
    return plane.settled(client, sum(plane.checked(made)))


def disagreements(cases: Sequence[Case], placed: Counter[tuple[int, str]]) -> list[str]:
    """What mlstack said and the scheduler did otherwise, one line each, with the seed."""
    return [f"seed {case.scene.seed}: {text}" for case in cases for text in _wrong(case, placed)]


def _wrong(case: Case, placed: Counter[tuple[int, str]]) -> list[str]:
    got = {ask.role: placed[case.scene.seed, ask.role] for ask in case.asks}
    wrong = []
    for each in case.fits:
        ask = each.ask
        if each.verdict is Verdict.FITS and got[ask.role] < ask.count:
            wrong.append(f"{ask.count} {ask.role} fit, it says; {got[ask.role]} were placed")
    return wrong + (_wrong_beside_pushed(case, got) if case.pushed else _wrong_bounds(case, got))


def _wrong_beside_pushed(case: Case, got: Mapping[str, int]) -> list[str]:
    """More may be placed than there was room for; not what never fits, and not less than what is said to be made room.

    What is said of who goes is right for one kind of pods without rules across nodes.
    """
    wrong = []
    placed_all = all(got[ask.role] == ask.count for ask in case.asks)
    for one in case.outlooks:
        if placed_all and one.prospect is Prospect.NEVER:
            wrong.append("never fits, it says; all were placed")
        if one.victims and len(case.asks) == 1 and not placed_all:
            wrong.append(f"{told(one.victims)}, it says; {got[one.ask.role]} of {one.ask.count} were placed")
    return wrong


def _wrong_bounds(case: Case, got: Mapping[str, int]) -> list[str]:
    wrong = []
    for each in case.fits:
        ask, room = each.ask, each.room
        if got[ask.role] > room.high:
            wrong.append(f"at most {room.high} {ask.role}, it says; {got[ask.role]} were placed")
    if all(got[ask.role] == ask.count for ask in case.asks) and any(f.verdict is Verdict.NOT for f in case.fits):
        wrong.append("does not fit, it says; all were placed")
    worker = case.asks[0]
    exact = len(case.asks) == 1 and case.fits[0].room.low == case.fits[0].room.high
    expected = min(worker.count, case.most)
    if exact and got[worker.role] != expected and Verdict.UNKNOWN is not case.fits[0].verdict:
        wrong.append(f"at most {case.most} of {worker.count} {worker.role}, it says; {got[worker.role]} were placed")
    if exact and case.fits[0].verdict is Verdict.UNKNOWN and not case.scene.side.classes:
        wrong.append(f"cannot tell of one kind of pods: {case.fits[0].told}")
    return wrong


def remove(client: Client, shared: str, scenes: Sequence[Scene]) -> None:
    """Takes the scenes' namespaces, nodes and volumes away again."""
    plane.clear(client, shared, [home(shared, scene) for scene in scenes])
