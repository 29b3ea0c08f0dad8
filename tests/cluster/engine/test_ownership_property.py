"""Random sets of objects are applied, changed by others and deleted in random order: never is anything removed that is
not ours or that the plan wants, nothing of ours is left behind, and a second apply always plans nothing.

What an object is, is decided here from what happened, not by mlstack's rules: whoever's apply created an object owns
it, and whoever adopted it. Each failure names its seed.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from mlstack.actions.apply import ApplyOptions, apply
from mlstack.actions.delete import delete
from mlstack.actions.planning import plan_session
from mlstack.actions.session import open_session, owner_of
from mlstack.app.project import Project
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.connect import connect
from mlstack.cluster.discovery import Discovery
from mlstack.cluster.kinds import Resource, well_known
from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.errors import MlstackError
from mlstack.plan.inventory import PART_OF
from mlstack.plan.model import Action, Allow
from mlstack.plan.ownership import is_applied
from tests.cluster.engine.conftest import NewStack, Stack

QUICK = (1, 2)
SLOW = range(100, 140)
NAMES = ("a", "b", "c", "d")
KEPT = ("PersistentVolumeClaim", "CustomResourceDefinition")
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}, "storageClassName": "none"}
LEFT = (Action.PRUNE, Action.KEEP, Action.SHARED)


@dataclass(frozen=True)
class Actor:
    """Who applies: an app in one of its environments."""

    stack: Stack = field(repr=False, hash=False, compare=False)
    app: str
    environment: str


@dataclass
class World:
    """The cluster as the test drives it. `owner`: who created or adopted each UID; `keys`: what each actor applied."""

    rng: random.Random
    client: Client
    prefix: str
    actors: list[Actor]
    kinds: dict[str, Resource]
    owner: dict[str, Actor] = field(default_factory=dict)
    keys: dict[Actor, set[Key]] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)  # UIDs that a former inventory may not have listed
    counts: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)

    @property
    def namespaces(self) -> list[str]:
        return [self.prefix, f"{self.prefix}-2"]

    # -- what there is

    def seen(self) -> dict[str, Manifest]:
        """Everything of the test's kinds by UID, without what is being deleted."""
        found: dict[str, Manifest] = {}
        for resource in self.kinds.values():
            for item in objects.list_objects(self.client, resource, metadata_only=True).items:
                metadata = item["metadata"]
                mine = metadata.get("namespace", metadata["name"]).startswith(self.prefix)
                hidden = metadata["name"].startswith(("mlstack-", "kube-root-ca")) or metadata["name"] == "default"
                if mine and not hidden and "deletionTimestamp" not in metadata:
                    found[metadata["uid"]] = item
        return found

    # -- what is wanted

    def make(self, kind: str, name: str, value: int) -> Manifest:
        """One object of the pool. Cluster-scoped ones are named after the test."""
        resource = self.kinds[kind]
        metadata: dict[str, Any] = {"name": name if resource.namespaced else f"{self.prefix}-{name}"}
        if resource.namespaced and self.rng.random() < 0.3:
            metadata["namespace"] = self.rng.choice(self.namespaces)
        head = {"apiVersion": resource.api_version, "kind": kind, "metadata": metadata}
        bodies: dict[str, dict[str, Any]] = {
            "ConfigMap": {"data": {"n": str(value)}},
            "Secret": {"type": "Opaque"},
            "PersistentVolumeClaim": {"spec": CLAIM},
            "ClusterRole": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
            "Flavor": {"spec": {"n": value}},
            "Thing": {"spec": {"n": value}},
        }
        return {**head, **bodies[kind]}

    def edit(self) -> None:
        """Other files in an app: objects come, change, go, move between components and namespaces."""
        actor = self.rng.choice(self.actors)
        chosen = self.rng.sample([(kind, name) for kind in self.kinds for name in NAMES], self.rng.randint(1, 9))
        parts: dict[str, list[Manifest]] = {"base": [self.make("ConfigMap", f"base-{actor.app}", 0)]}
        for kind, name in chosen:
            parts.setdefault(self.rng.choice(("base", "one", "two")), []).append(
                self.make(kind, name, self.rng.randint(0, 3))
            )
        for component in ("base", "one", "two"):
            if (actor.stack.root / "components" / component).exists():
                actor.stack.drop(component)
        for component, manifests in parts.items():
            actor.stack.write(component, json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))

    # -- what mlstack does

    def apply(self) -> None:
        actor = self.rng.choice(self.actors)
        include = frozenset({"pvc"}) if self.rng.random() < 0.3 else frozenset()
        allow = Allow(adopt=self.rng.random() < 0.2, include=include)
        options = ApplyOptions(allow=allow, wait="none", preflight=False)
        before = self.seen()
        try:
            plan = apply(actor.stack.scope(actor.environment), options).plan
        except MlstackError as error:
            self.counts["refused"] += 1
            self.log.append(f"{actor} refused: {error}")
            self.check_removed(actor, before, self.seen(), wanted=set(before_keys(before)))
            return
        after = self.seen()
        wanted = {change.key for change in plan.changes if change.component and change.action not in LEFT}
        self.log.append(f"{actor} applied {sorted(map(str, wanted))}, adopt={allow.adopt}")
        self.counts["applied"] += 1
        self.check_removed(actor, before, after, wanted)
        self.note_written(actor, before, after, wanted, adopt=allow.adopt)
        self.check_left(actor, after, wanted)
        again = plan_session(open_session(actor.stack.scope(actor.environment)), allow).plan
        assert not again.writes, self.told(f"a second apply of {actor} plans {again.writes}")

    def delete(self) -> None:
        actor = self.rng.choice(self.actors)
        components = () if self.rng.random() < 0.6 else (self.rng.choice(("base", "one", "two")),)
        before = self.seen()
        try:
            delete(actor.stack.scope(actor.environment, *components), wait=False)
        except MlstackError as error:
            self.log.append(f"{actor} delete refused: {error}")
            return
        after = self.seen()
        self.counts["deleted"] += 1
        self.log.append(f"{actor} deleted {components}")
        self.check_removed(actor, before, after, set())
        if not components:
            self.check_left(actor, after, set())
            kept = {key_of(item) for item in after.values() if item["kind"] in KEPT}
            self.keys[actor] = self.keys.get(actor, set()) & kept

    # -- what must hold

    def told(self, what: str) -> str:
        return "\n".join([what, *self.log])

    def check_removed(
        self, actor: Actor, before: dict[str, Manifest], after: dict[str, Manifest], wanted: set[Key]
    ) -> None:
        for uid in before.keys() - after.keys():
            live = before[uid]
            if any(owner["uid"] not in after for owner in live["metadata"].get("ownerReferences") or []):
                continue  # garbage collection
            key = key_of(live)
            listed = key in self.keys.get(actor, set()) and is_applied(live, self.owner_of(actor))
            ours = self.owner.get(uid) == actor or listed
            assert ours, self.told(f"{actor} removed {key}, which is not its own: {live}")
            assert key not in wanted, self.told(f"{actor} removed {key}, which it wants")
            self.counts["removed"] += 1

    def note_written(
        self, actor: Actor, before: dict[str, Manifest], after: dict[str, Manifest], wanted: set[Key], *, adopt: bool
    ) -> None:
        for uid, live in after.items():
            key = key_of(live)
            if key not in wanted:
                continue
            was = before.get(uid)
            proven = was is not None and (self.owner.get(uid) == actor or is_applied(was, self.owner_of(actor)))
            assert was is None or proven or adopt, self.told(f"{actor} took {key} without being asked: {was}")
            self.owner[uid] = actor
            self.unsure.discard(uid)
        self.keys[actor] = self.keys.get(actor, set()) | wanted

    def check_left(self, actor: Actor, after: dict[str, Manifest], wanted: set[Key]) -> None:
        there = {key_of(live) for live in after.values()}
        assert wanted <= there, self.told(f"{actor} lacks {wanted - there}")
        left = [
            key_of(live)
            for uid, live in after.items()
            if self.owner.get(uid) == actor and key_of(live) not in wanted and live["kind"] not in KEPT
            if uid not in self.unsure
        ]
        assert not left, self.told(f"{actor} left {left} behind")

    def owner_of(self, actor: Actor) -> Any:
        project = Project.load(actor.stack.root)
        return owner_of(project, project.environment(actor.environment))

    # -- what others do

    def victim(self) -> Manifest | None:
        found = [live for live in self.seen().values() if live["kind"] not in KEPT]
        if not found:
            return None
        one = self.rng.choice(sorted(found, key=lambda live: str(key_of(live))))
        metadata = one["metadata"]
        return objects.find(self.client, self.kinds[one["kind"]], metadata.get("namespace"), metadata["name"])

    def create(self, live: Manifest, manager: str = "stranger", **metadata: Any) -> None:
        head = {
            name: value
            for name, value in live["metadata"].items()
            if name in ("name", "namespace", "labels", "annotations")
        }
        manifest = {**live, "metadata": {**head, **metadata}}
        try:
            objects.create(self.client, self.kinds[live["kind"]], manifest, manager=manager)
        except MlstackError as error:
            self.log.append(f"not created: {error}")

    def copy(self) -> None:
        """A copy through the API under another name, its managedFields kept or not."""
        if live := self.victim():
            kept = {"managedFields": live["metadata"]["managedFields"]} if self.rng.random() < 0.7 else {}
            start = "" if self.kinds[live["kind"]].namespaced else f"{self.prefix}-"
            name = f"{start}{self.rng.choice((*NAMES, 'copy'))}"
            self.log.append(f"copy {key_of(live)} to {name}, managedFields={bool(kept)}")
            self.create(live, name=name, **kept)

    def child(self) -> None:
        """What a controller makes, with the labels of its owner."""
        live = self.victim()
        if live and self.kinds[live["kind"]].namespaced:
            owner = {"apiVersion": live["apiVersion"], "kind": live["kind"], "name": live["metadata"]["name"]}
            reference = {**owner, "uid": live["metadata"]["uid"], "controller": True}
            self.log.append(f"child of {key_of(live)}")
            name = f"child-{self.rng.randint(0, 99)}"
            made = {**self.make("ConfigMap", name, 0), "metadata": {**live["metadata"], "name": name}}
            self.create(made, ownerReferences=[reference])

    def restore(self) -> None:
        """Deleted and created again with the same contents, as from a backup."""
        if live := self.victim():
            self.remove(live)
            self.log.append(f"restore {key_of(live)}")
            self.create(live)

    def remove(self, live: Manifest | None = None) -> None:
        if live := live or self.victim():
            self.log.append(f"remove {key_of(live)}")
            metadata = live["metadata"]
            objects.delete(self.client, self.kinds[live["kind"]], metadata.get("namespace"), metadata["name"])

    def unlabel(self) -> None:
        if live := self.victim():
            self.log.append(f"unlabel {key_of(live)}")
            metadata = live["metadata"]
            names = [name for name in metadata.get("labels") or {} if self.rng.random() < 0.8 or name == PART_OF]
            change = {"metadata": {"labels": dict.fromkeys(names)}}
            where = (self.kinds[live["kind"]], metadata.get("namespace"), metadata["name"])
            objects.patch(self.client, *where, change, manager="stranger")

    def stranger(self) -> None:
        """Somebody else's object under a name of the pool."""
        one = self.make(self.rng.choice(sorted(self.kinds)), self.rng.choice(NAMES), 9)
        if self.kinds[one["kind"]].namespaced:
            one["metadata"].setdefault("namespace", self.prefix)
        self.log.append(f"stranger's {key_of(one)}")
        self.create(one)

    def former(self) -> None:
        """The inventory as a former version writes it: digests, and no UIDs."""
        actor = self.rng.choice(self.actors)
        owner, maps = self.owner_of(actor), well_known("v1", "ConfigMap")
        found = objects.find(self.client, maps, owner.namespace, owner.name)
        if found is None:
            return
        self.log.append(f"former inventory of {actor}")
        self.unsure |= {uid for uid, who in self.owner.items() if who == actor}
        objects.patch(
            self.client, maps, owner.namespace, owner.name, {"data": {"members": None}}, manager=owner.manager
        )


def before_keys(before: dict[str, Manifest]) -> Iterator[Key]:
    """The keys of a snapshot."""
    return (key_of(live) for live in before.values())


STEPS = {
    World.edit: 4,
    World.apply: 8,
    World.delete: 1,
    World.copy: 3,
    World.child: 1,
    World.restore: 1,
    World.remove: 1,
    World.unlabel: 2,
    World.stranger: 2,
    World.former: 1,
}


def definition(group: str, kind: str, scope: str) -> Manifest:
    """The definition of a kind that somebody else installed."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    plural = f"{kind.lower()}s"
    spec = {
        "group": group,
        "scope": scope,
        "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
    }
    metadata = {"name": f"{plural}.{group}"}
    api = "apiextensions.k8s.io/v1"
    return {"apiVersion": api, "kind": "CustomResourceDefinition", "metadata": metadata, "spec": spec}


@pytest.fixture
def world(new_stack: NewStack, namespace: str, kubectl: Callable[..., str]) -> Iterator[Callable[[int], World]]:
    """`world(seed)`: two apps, one of them with two environments, on a cluster with two kinds that others installed."""
    group = f"{namespace}.example.org"
    kinds = {"Flavor": "Cluster", "Thing": "Namespaced"}
    manifests = [definition(group, kind, scope) for kind, scope in kinds.items()]
    manifests += [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in (namespace, f"{namespace}-2")
    ]
    kubectl("create", "-f", "-", context="gke", stdin="\n---\n".join(map(json.dumps, manifests)))
    crds = [f"crd/{kind.lower()}s.{group}" for kind in kinds]
    kubectl("wait", "--for=condition=Established", *crds, "--timeout=30s", context="gke")

    def make(seed: int) -> World:
        client = connect("gke")
        discovery = Discovery(client)
        known = {kind: well_known("v1", kind) for kind in ("ConfigMap", "Secret", "PersistentVolumeClaim")}
        known["ClusterRole"] = well_known("rbac.authorization.k8s.io/v1", "ClusterRole")
        known |= {kind: discovery.resource(f"{group}/v1", kind) for kind in kinds}
        shop, blog = new_stack(f"shop-{seed}"), new_stack(f"blog-{seed}")
        shop.environment("prod", "gke", f"{namespace}-2")
        actors = [Actor(shop, "shop", "gke"), Actor(shop, "shop", "prod"), Actor(blog, "blog", "gke")]
        return World(random.Random(seed), client, namespace, actors, known)

    yield make
    kubectl("delete", *crds, "--wait=false", context="gke")
    kubectl("delete", "namespace", f"{namespace}-2", "--wait=false", context="gke")


def walk(world: World, steps: int) -> None:
    """The steps; each actor has files, and applies once more at the end."""
    for actor in world.actors:
        world.edit()
        actor.stack.write("base", json.dumps(world.make("ConfigMap", f"base-{actor.app}", 0)))
    chosen = world.rng.choices(list(STEPS), list(STEPS.values()), k=steps)
    for step in [*chosen, *[World.apply] * len(world.actors)]:
        step(world)
        world.counts[step.__name__] += 1


def clear(world: World) -> None:
    """Nothing is left for the next seed."""
    for live in world.seen().values():
        metadata = live["metadata"]
        objects.delete(world.client, world.kinds[live["kind"]], metadata.get("namespace"), metadata["name"])


def run(world: Callable[[int], World], seeds: Iterator[int] | range | tuple[int, ...], steps: int) -> Counter[str]:
    """Every seed, one after the other."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        one = world(seed)
        one.log.append(f"seed {seed}")
        walk(one, steps)
        counts += one.counts
        clear(one)
    print(f"seeds {list(seeds)}: {dict(counts)}")
    return counts


def test_nothing_of_others_is_removed(world: Callable[[int], World]) -> None:
    counts = run(world, QUICK, 14)
    assert counts["applied"] >= len(QUICK)


@pytest.mark.slow
def test_nothing_of_others_is_removed_in_many_orders(world: Callable[[int], World]) -> None:
    counts = run(world, SLOW, 40)
    assert counts["removed"] > len(SLOW)
    assert counts["applied"] > 3 * len(SLOW)
