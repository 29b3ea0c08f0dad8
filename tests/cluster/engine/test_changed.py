"""What is changed, and what is not: the plan's verdict against the API server's own, on random mutations.

The oracle is the server's dry-run with our field manager, of the objects as an apply sends them, compared with the live
objects. `metadata.generation`, `managedFields` and what controllers write into a status are left out.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlstack.actions.outcome import ApplyFailedError, PlanBlockedError
from mlstack.actions.planning import NOTHING_MORE, Planning, plan_session
from mlstack.actions.session import Session, open_session
from mlstack.cluster import objects
from mlstack.cluster.failures import ClusterError, ConflictError, UnavailableError
from mlstack.compose.documents import parse_manifests
from mlstack.compose.manifests import Key, Manifest
from mlstack.compose.places import Place
from mlstack.errors import MlstackError
from mlstack.plan.model import Action, Change
from tests.cluster.engine.mutations import mutate, places
from tests.cluster.engine.samples import definition, samples

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]
SERVERS = ("generation", "managedFields", "resourceVersion")
STRANGER = "stranger"


@dataclass
class Tally:
    """What was tried and how it ended, by words."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return ", ".join(f"{count} {words}" for words, count in sorted(self.counts.items()))


@pytest.fixture
def sampled(stack: Stack, namespace: str, kubectl: Kubectl) -> Iterator[list[Manifest]]:
    """One object of each kind and several of a custom one, applied."""
    group = f"{namespace}.example.com"
    stack.write("crd", json.dumps(definition(group)))
    stack.apply(wait="none")
    kubectl("wait", "--for=condition=Established", f"crd/samples.{group}", "--timeout=60s", context="gke")
    found = samples(group)
    written(stack, found)
    stack.apply(wait="none", preflight=False)  # nothing has to be there for what never runs
    yield found
    for kind in ("crd", "clusterrole", "pv", "priorityclass", "storageclass", "validatingwebhookconfiguration"):
        names = kubectl("get", kind, "-o", "name", context="gke").split()
        mine = [name for name in names if namespace in name]
        if mine:
            kubectl("delete", "--wait=false", *mine, context="gke")


def written(stack: Stack, manifests: list[Manifest]) -> None:
    stack.write("samples", "\n---\n".join(json.dumps(one) for one in manifests))


def mutated(rng: random.Random, manifest: Manifest) -> tuple[Manifest, str]:
    """A mutation that mlstack reads; what it does not read, it refuses in a sentence."""
    while True:
        changed = json.loads(json.dumps(manifest))
        told = mutate(rng, changed)
        try:
            parse_manifests(json.dumps(changed), Place("x"))
        except MlstackError:
            continue
        return changed, told


def plan_of(stack: Stack) -> tuple[Session, Planning]:
    session = open_session(stack.scope())
    return session, plan_session(session, NOTHING_MORE)


def state(live: Manifest) -> Manifest:
    """The object without what only the server writes."""
    metadata = {name: value for name, value in live["metadata"].items() if name not in SERVERS}
    passing = "status" in live and live["kind"] != "Sample"  # a field like all others there
    return {**live, "metadata": metadata, **({"status": None} if passing else {})}


def server_says(session: Session, sent: Manifest, key: Key) -> str:
    """What the server makes of an object that is sent: "equal", "differs" or "refused"."""
    resource = session.connection.discovery.resource(sent["apiVersion"], sent["kind"])
    client, manager = session.connection.client, session.owner.manager
    for _ in range(20):
        live = objects.get(client, resource, key.namespace or None, key.name)
        try:
            after = objects.apply(client, resource, sent, manager=manager, force=True, dry_run=True)
        except ConflictError:
            continue  # written meanwhile
        except ClusterError:
            return "refused"
        if after["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]:
            return "equal" if state(live) == state(after) else "differs"
    raise AssertionError(f"{key} does not come to rest")


def plan_says(change: Change) -> str:
    return "equal" if change.action is Action.UNCHANGED and not change.blocked else "differs"


def compared(stack: Stack, told: dict[str, str], tally: Tally) -> tuple[Session, dict[str, str]]:
    """The plan's verdict on every object against the server's; the server's, by name."""
    session, verdicts = settled_verdicts(stack, told)
    for key, (answer, ours) in verdicts.items():
        tally.counts[f"{answer} to the server, {ours} to us"] += 1
        if disagree(answer, ours):
            tally.wrong.append(f"{key}: {told[key.name]}: {answer} to the server, {ours} to us")
    return session, {key.name: answer for key, (answer, _) in verdicts.items()}


def settled_verdicts(stack: Stack, names: Collection[str]) -> tuple[Session, dict[Key, tuple[str, str]]]:
    """Both verdicts on each object. Asked again where they disagree: a controller that writes between a plan's LIST and
    its dry-run makes a difference that is none of ours, and does so once."""
    for _ in range(4):
        session, verdicts = verdicts_of(stack, names)
        if not any(disagree(*both) for both in verdicts.values()):
            break
    return session, verdicts


def verdicts_of(stack: Stack, names: Collection[str]) -> tuple[Session, dict[Key, tuple[str, str]]]:
    session, planning = plan_of(stack)
    changes = {change.key: change for change in planning.plan.changes}
    mine = [one for one in planning.wanted if one.key.name in names]
    answers = session.connection.client.map(lambda one: server_says(session, one.manifest, one.key), mine)
    return session, {
        one.key: (str(answer), plan_says(changes[one.key])) for one, answer in zip(mine, answers, strict=True)
    }


def disagree(server: str, ours: str) -> bool:
    return (ours == "equal") is not (server == "equal")


def meddle(rng: random.Random, session: Session, manifests: list[Manifest]) -> None:
    """Somebody else changes a field of some of the live objects, ours or not."""
    for one in rng.sample(manifests, len(manifests) // 5):
        found = [(steps, v) for steps, v in places(one) if all(isinstance(s, str) for s in steps) and len(steps) > 1]
        steps, value = rng.choice(found)
        new: Any = rng.choice([None, "1", value, rng.choice(found)[1]])
        if isinstance(value, list) and len(value) > 1:
            new = rng.choice([value[::-1], value[:-1], None])
        change: Any = new
        for step in reversed(steps):
            change = {step: change}
        resource = session.connection.discovery.resource(one["apiVersion"], one["kind"])
        namespace = session.owner.namespace if resource.namespaced else None
        try:
            name = one["metadata"]["name"]
            objects.patch(session.connection.client, resource, namespace, name, change, manager=STRANGER)
        except ClusterError:
            continue  # the API does not take it


def test_two_hundred_mutations(stack: Stack, sampled: list[Manifest], capsys: Any) -> None:
    seed, tally = 3_000, Tally()
    rng = random.Random(seed)
    while tally.counts.total() < 200:
        made = [mutated(rng, one) for one in sampled]
        written(stack, [manifest for manifest, _ in made])
        compared(stack, {one["metadata"]["name"]: told for one, told in made}, tally)
    with capsys.disabled():
        print(f"\nseed {seed}, {tally.counts.total()} mutations: {tally}")
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.counts["equal to the server, equal to us"] > 20


def rounds(stack: Stack, sampled: list[Manifest], seed: int, tally: Tally) -> Iterator[list[Manifest]]:
    """Round after round: mutated, meddled with, compared, and what the server takes applied; then nothing is left."""
    rng = random.Random(seed)
    base = sampled
    while True:
        made = [mutated(rng, one) for one in base]
        mutants = [manifest for manifest, _ in made]
        written(stack, mutants)
        if rng.random() < 0.5:
            meddle(rng, open_session(stack.scope()), sampled)
        told = {one["metadata"]["name"]: words for one, words in made}
        try:
            _, said = compared(stack, told, tally)
        except UnavailableError:  # what the server has stored of an object it cannot read itself
            base = made_anew(stack, sampled)
            continue
        yield mutants
        # Applied are those that the server takes; the others go back to what they were.
        base = [
            new if said[new["metadata"]["name"]] != "refused" else old for new, old in zip(mutants, base, strict=True)
        ]
        written(stack, base)
        try:
            stack.apply(**OPTIONS)
            unsure = [] if comes_to_rest(stack) else asked_in_vain(stack, told)
        except (PlanBlockedError, ApplyFailedError, UnavailableError):  # what somebody else wrote makes ours invalid
            base = made_anew(stack, sampled)
            continue
        if unsure:
            tally.wrong.append(f"the fifth apply still asks: {unsure}")
        base = sampled if rng.random() < 0.3 else base


OPTIONS: dict[str, Any] = {
    "wait": "none",
    "preflight": False,
    "force_conflicts": True,
    "disruption": True,
    "recreate": True,
    "include": frozenset({"pvc", "pv", "crd", "statefulset"}),
}


def made_anew(stack: Stack, manifests: list[Manifest]) -> list[Manifest]:
    """All of them deleted and applied."""
    session = open_session(stack.scope())
    for one in manifests:
        resource = session.connection.discovery.resource(one["apiVersion"], one["kind"])
        namespace = session.owner.namespace if resource.namespaced else None
        objects.delete(session.connection.client, resource, namespace, one["metadata"]["name"])
    written(stack, manifests)
    stack.apply(**OPTIONS)
    return manifests


def comes_to_rest(stack: Stack) -> bool:
    """Whether an apply after the next ones neither asks nor writes: what was spelled otherwise and equal is stored by
    one of them, once, and controllers may write meanwhile."""
    for _ in range(4):
        again = stack.apply(**OPTIONS)
        if not again.plan.writes and not stack.writes():
            return True
    return False


def asked_in_vain(stack: Stack, told: dict[str, str]) -> list[str]:
    """What is asked about and is equal to the server. To some lists without keys it adds at each apply."""
    session, planning = plan_of(stack)
    writes = {change.key for change in planning.plan.writes}
    wanted = [one for one in planning.wanted if one.key in writes]
    if len(writes) == sum(stack.writes().values()):
        wanted = [one for one in wanted if server_says(session, one.manifest, one.key) == "equal"]
        return [f"{one.key}: {told.get(one.key.name)}" for one in wanted]
    return [f"{stack.writes()}, but only {sorted(map(str, writes))} is to be written"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4_000, 4_010))
def test_two_thousand_mutations(stack: Stack, sampled: list[Manifest], seed: int, capsys: Any) -> None:
    tally = Tally()
    for _ in rounds(stack, sampled, seed, tally):
        if tally.counts.total() >= 200:
            break
    with capsys.disabled():
        print(f"\nseed {seed}, {tally.counts.total()} mutations: {tally}")
        print("\n".join(tally.wrong))
    assert not tally.wrong, "\n".join(tally.wrong)


def diffed(kubectl: Kubectl, manifests: list[Manifest], manager: str, folder: Path) -> set[str]:
    """The names of the objects in which `kubectl diff --server-side` shows a difference."""
    file = folder / "sent.json"
    file.write_text("\n---\n".join(json.dumps(one) for one in manifests))
    options = ("--server-side", "--force-conflicts", f"--field-manager={manager}")
    text = kubectl("diff", *options, "-f", str(file), context="gke", check=False)
    found = set()
    for part in re.split(r"^diff -u -N ", text, flags=re.MULTILINE)[1:]:
        lines = [line for line in part.splitlines()[3:] if line[:1] in "+-"]
        if any(not re.match(r"[+-]\s*generation: \d+$", line) for line in lines):
            found.add(part.split()[0].rpartition("/")[2])
    return found


@pytest.mark.slow
def test_two_hundred_mutations_by_kubectl_diff(
    stack: Stack, sampled: list[Manifest], kubectl: Kubectl, tmp_path: Path, capsys: Any
) -> None:
    seed, tally = 5_000, Tally()
    rng = random.Random(seed)
    while tally.counts.total() < 200:
        made = [mutated(rng, one) for one in sampled]
        written(stack, [manifest for manifest, _ in made])
        told = {one["metadata"]["name"]: words for one, words in made}
        session, said = compared(stack, told, Tally())
        _, planning = plan_of(stack)
        taken = [one for one in planning.wanted if said.get(one.key.name) in ("equal", "differs")]
        shown = diffed(kubectl, [one.manifest for one in taken], session.owner.manager, tmp_path)
        changes = {change.key: change for change in planning.plan.changes}
        for one in taken:
            ours = plan_says(changes[one.key])
            theirs = "differs" if any(name.endswith(f".{one.key.name}") for name in shown) else "equal"
            tally.counts[f"{theirs} to kubectl, {ours} to us"] += 1
            if ours != theirs:
                tally.wrong.append(f"{one.key}: {told[one.key.name]}: {theirs} to kubectl, {ours} to us")
    with capsys.disabled():
        print(f"\nseed {seed}, {tally.counts.total()} mutations by kubectl diff: {tally}")
    assert not tally.wrong, "\n".join(tally.wrong)
