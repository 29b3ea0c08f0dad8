"""The real Kueue as the oracle: on random queues, what mlstack says of a job is what Kueue does with it.

MLSTACK_RECORD_KUEUE=1 writes what it made of the first scenes where test_recorded.py reads it.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import pytest

from mlstack.actions.queues import see_queues
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import Resource, well_known
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.fit.queues import Standing, answers
from mlstack.plan.readiness import condition
from tests.cluster.queues.recording import RECORDED, Recording, record
from tests.cluster.queues.scenes import SCENE, Scene, scene

GROUP, VERSION = "kueue.x-k8s.io", "v1beta2"
KINDS = {
    kind: Resource(GROUP, VERSION, kind, f"{kind.lower()}s", kind in ("LocalQueue", "Workload"))
    for kind in ("ResourceFlavor", "Cohort", "ClusterQueue", "LocalQueue", "Workload")
}
PATIENCE_S = 90
SETTLED_S = 2.0  # a queue that has just come may turn a job away once, and take it then


pytestmark = pytest.mark.slow  # Kueue is built for it; test_recorded.py is its quick sibling


def test_twelve_scenes(server: Client) -> None:
    kept = compare(server, range(12), "quick")
    if os.environ.get("MLSTACK_RECORD_KUEUE"):
        record(kept, RECORDED)


def test_forty_scenes(server: Client) -> None:
    compare(server, range(100, 140), "slow")


def compare(client: Client, seeds: Sequence[int], prefix: str) -> list[Recording]:
    """Asks mlstack, then Kueue; then, with nobody else there, whether what waits gets in, what never fits not.

    Returns how Kueue's objects stood before each job came, and whether it let it in.
    """
    scenes = [scene(seed, prefix) for seed in seeds]
    prepare(client, scenes)
    stood = {kind: listed(client, kind) for kind in KINDS}
    said = {one.seed: say(client, one) for one in scenes}
    make(client, [one.asked for one in scenes])
    did = decided(client, scenes)
    tally = Counter((standing.value, did[seed]) for seed, (standing, _) in said.items())
    print(f"seeds {seeds[0]} to {seeds[-1]}: {dict(tally)}")
    wrong = [f"seed {seed}: {said[seed]}, Kueue: {did[seed]}" for seed in said if not agrees(said[seed][0], did[seed])]
    assert wrong == []
    client.map(lambda one: remove(client, one), [one for scene_ in scenes for one in scene_.held])
    left = [one for one in scenes if not one.closed]
    eventually(
        lambda: (
            {one.seed for one in left if reserved(client, one)}
            >= {one.seed for one in left if said[one.seed][0] is not Standing.NEVER}
        ),
        f"what waits is admitted when all others have gone: {said}",
    )
    time.sleep(SETTLED_S)
    assert [
        f"seed {one.seed}: {said[one.seed]}"
        for one in left
        if said[one.seed][0] is Standing.NEVER and reserved(client, one)
    ] == []
    return [
        Recording(one, [found for kind in KINDS for found in stood[kind] if named(one, found)], did[one.seed])
        for one in scenes
    ]


def named(one: Scene, found: Manifest) -> bool:
    """Whether an object is of a scene."""
    return bool(found["metadata"]["labels"][SCENE] == one.namespace)


def agrees(standing: Standing, admitted: bool) -> bool:
    assert standing is not Standing.UNKNOWN, "the scenes have nothing that cannot be told"
    return (standing is Standing.ADMITTED) == admitted


def say(client: Client, one: Scene) -> tuple[Standing, str]:
    (answer,) = answers(see_queues(client, one.namespace), one.asks).values()
    return answer.standing, answer.reason


def prepare(client: Client, scenes: Sequence[Scene]) -> None:
    """The scenes' queues, all known to Kueue, and those who hold something, all of them judged."""
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": one.namespace}} for one in scenes]
    client.map(lambda one: objects.create(client, well_known("v1", "Namespace"), one, manager="test"), spaces)
    for kind in ("ResourceFlavor", "Cohort", "ClusterQueue", "LocalQueue"):
        make(client, [one for found in scenes for one in found.shared if one["kind"] == kind])
    names = {one["metadata"]["name"] for found in scenes for one in found.shared if one["kind"] == "ClusterQueue"}
    eventually(
        lambda: names <= {one["metadata"]["name"] for one in listed(client, "ClusterQueue") if known(one)}, "queues"
    )
    held = [one for found in scenes for one in found.held]
    make(client, held)
    judged(client, held)
    time.sleep(SETTLED_S)


def decided(client: Client, scenes: Sequence[Scene]) -> dict[int, bool]:
    """Whether Kueue has admitted each scene's job, once it has judged all of them."""
    judged(client, [one.asked for one in scenes])
    time.sleep(SETTLED_S)
    return {one.seed: reserved(client, one) for one in scenes}


def known(queue: Manifest) -> bool:
    return bool(condition(queue, "Active"))


def judged(client: Client, workloads: Iterable[Manifest]) -> None:
    wanted = {place(one) for one in workloads}
    eventually(
        lambda: wanted <= {place(one) for one in listed(client, "Workload") if condition(one, "QuotaReserved")},
        "Kueue judges every workload",
    )


def place(workload: Manifest) -> tuple[str, str]:
    return workload["metadata"]["namespace"], workload["metadata"]["name"]


def reserved(client: Client, one: Scene) -> bool:
    found = objects.get(client, KINDS["Workload"], one.namespace, "asked")
    return condition(found, "QuotaReserved").get("status") == "True"


def listed(client: Client, kind: str) -> list[Manifest]:
    return objects.list_objects(client, KINDS[kind], None).items


def make(client: Client, manifests: Sequence[Manifest]) -> None:
    made = client.map(lambda one: objects.create(client, KINDS[one["kind"]], one, manager="test"), manifests)
    assert [one for one in made if isinstance(one, MlstackError)] == []


def remove(client: Client, one: Manifest) -> None:
    objects.delete(client, KINDS[one["kind"]], one["metadata"]["namespace"], one["metadata"]["name"])


def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.3)
