"""What a plan reads from the cluster: the inventory, our objects, and what else has the names that we want."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mlstack.actions.listing import FEW_NAMESPACES, Place, all_or_raise, by_key, list_labelled, order, permitted
from mlstack.actions.session import Session, inventory_object
from mlstack.cluster import objects, store
from mlstack.cluster.failures import ForbiddenError
from mlstack.cluster.kinds import WELL_KNOWN, Resource, well_known
from mlstack.cluster.objects import Listing
from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.plan.decide import Snapshot
from mlstack.plan.inventory import PART_OF, GroupKind, Inventory, Owner, Stored, from_stored
from mlstack.plan.model import Allow
from mlstack.plan.ownership import lost_keys, managed_among
from mlstack.plan.wanted import Wanted

__all__ = [
    "Place",
    "Reading",
    "all_or_raise",
    "find_named",
    "first_parent",
    "inventory_of",
    "list_members",
    "read",
    "read_parent",
    "resource_for",
    "unseen_kinds",
]


@dataclass(frozen=True)
class Reading:
    """The snapshot, the parent as it was read, and from which version each LIST's place can be watched.

    `unseen`: kinds of ours whose API does not answer, so that nobody knows what there is of them.
    """

    snapshot: Snapshot
    parent: store.Parent
    versions: Mapping[Place, str] = field(default_factory=dict, hash=False)
    missing_namespaces: tuple[str, ...] = ()
    unseen: frozenset[GroupKind] = frozenset()


def read(session: Session, wanted: Sequence[Wanted], allow: Allow) -> Reading:
    """One GET of the inventory, one LIST per kind and namespace, one more (metadata only) where something is new."""
    parent = first_parent(session)
    inventory = inventory_of(parent, session.owner)
    versions: dict[Place, str] = {}
    rendered = {one.key for one in wanted}
    ours = _list_ours(session, wanted, inventory, versions)
    absent = [one for one in wanted if one.key not in ours]
    unseen = unseen_kinds(session, inventory)
    strangers = _list_strangers(session, absent, _lost(inventory, ours, unseen), versions)
    mine = managed_among(strangers, rendered, session.owner, inventory)
    adopted = {one.key for one in absent if allow.adopt and not one.shared}
    whole = _get_whole(session, [live for key, live in strangers.items() if key in mine or key in adopted])
    ours |= {key: live for key, live in whole.items() if key in mine}
    others = {key: whole.get(key, live) for key, live in strangers.items() if key in rendered and key not in mine}
    namespaces = {one.key.namespace for one in absent if one.key.namespace} | {session.owner.namespace}
    missing = _missing_namespaces(session, namespaces, wanted, inventory)
    return Reading(Snapshot(ours, others, inventory), parent, versions, missing, unseen)


def read_parent(session: Session) -> store.Parent:
    """The inventory's object, at version "" if there is none."""
    return store.read(session.connection.client, inventory_object(session.owner))


def first_parent(session: Session) -> store.Parent:
    """As `read_parent`, for what begins a session: the one that was read while it was connected, once."""
    return session.early.pop() if session.early else read_parent(session)


def inventory_of(parent: store.Parent, owner: Owner) -> Inventory:
    """What the stored object remembers."""
    if not parent.version:
        return Inventory()
    return from_stored(Stored(parent.labels, parent.annotations, parent.data), owner)


def list_members(
    session: Session, inventory: Inventory, versions: dict[Place, str], rendered: Collection[Key] = ()
) -> dict[Key, Manifest]:
    """Every object that is managed by this environment, of the kinds that the inventory names, in full."""
    found = list_labelled_objects(session, (), inventory, versions)
    ours = managed_among(found, rendered, session.owner, inventory)
    lost = _lost(inventory, ours, unseen_kinds(session, inventory))
    strangers = _list_strangers(session, (), lost, {})
    mine = managed_among(strangers, rendered, session.owner, inventory)
    return ours | _get_whole(session, mine.values())


def _lost(inventory: Inventory, ours: Collection[Key], unseen: Collection[GroupKind]) -> list[Key]:
    """The recorded objects that have to be looked for by name: no LIST by our label has shown them."""
    return [key for key in lost_keys(inventory, ours) if (key.group, key.kind) not in unseen]


def _list_ours(
    session: Session, wanted: Iterable[Wanted], inventory: Inventory, versions: dict[Place, str]
) -> dict[Key, Manifest]:
    items = list(wanted)
    found = list_labelled_objects(session, items, inventory, versions)
    return managed_among(found, {one.key for one in items}, session.owner, inventory)


def list_labelled_objects(
    session: Session, wanted: Iterable[Wanted], inventory: Inventory, versions: dict[Place, str]
) -> dict[Key, Manifest]:
    """Every object with our label, where this environment has or will have objects. Copies carry it, too."""
    if not inventory.exists:
        return {}  # the inventory is written before the first object: there can be none
    items = list(wanted)
    places = _places_of(session, items)
    places |= _remembered_places(session, inventory, places)
    labels = f"{PART_OF}={session.owner.set_id}"
    listings = list_labelled(session.connection.client, places, labels, session.denied)
    for place in places:
        listing = listings.get(place) or listings.get((place[0], ""))
        if listing is not None:
            versions[place] = listing.resource_version
    return by_key(listings.values(), {one.key: str(one.manifest["apiVersion"]) for one in items})


def _gathered(
    session: Session, places: Sequence[Place], function: Callable[[Place], Listing], versions: dict[Place, str]
) -> dict[Key, Manifest]:
    found: dict[Key, Manifest] = {}
    listings = permitted(places, session.connection.client.map(function, places), session.denied)
    for place, listing in listings.items():
        versions.setdefault(place, listing.resource_version)
        found.update({key_of(item): item for item in listing.items})
    return found


def resource_for(session: Session, manifest: Manifest) -> Resource | None:
    """How the cluster serves a manifest's kind, None if it does not (yet)."""
    return session.connection.discovery.find(manifest["apiVersion"], manifest["kind"], refresh=False)


def _places_of(session: Session, wanted: Iterable[Wanted]) -> set[Place]:
    """Where the wanted objects are or will be. A kind that only one of their CRDs will bring has no place yet."""
    items = list(wanted)
    coming = {
        (one.manifest["spec"]["group"], one.manifest["spec"]["names"]["kind"])
        for one in items
        if one.key.kind == "CustomResourceDefinition"
    }
    places = set()
    for one in items:
        resource = resource_for(session, one.manifest)
        if resource is not None:
            places.add((resource, one.key.namespace if resource.namespaced else ""))
        elif (one.key.group, one.key.kind) not in coming:
            session.connection.discovery.resource(one.manifest["apiVersion"], one.key.kind)
    return places


def _remembered_places(session: Session, inventory: Inventory, known: Collection[Place]) -> set[Place]:
    """Where else ours may be, each kind in the version that is `known` already, if it is."""
    by_kind = {(resource.group, resource.kind): resource for resource, _ in sorted(known, key=order)}
    unseen = unseen_kinds(session, inventory)
    places = set()
    for group, kind in inventory.kinds - unseen:
        resource = by_kind.get((group, kind)) or session.resource_of(group, kind)
        if resource is not None:
            places |= {(resource, name) for name in (inventory.namespaces if resource.namespaced else ("",))}
    return places


def unseen_kinds(session: Session, inventory: Inventory) -> frozenset[GroupKind]:
    """The remembered kinds of which nobody knows now what there is: their aggregated API is down, or a
    user who only reads has no permission to list them."""
    denied = frozenset(session.denied.kinds) & inventory.kinds if session.denied else frozenset()
    return denied | _down(session, inventory)


def _down(session: Session, inventory: Inventory) -> frozenset[GroupKind]:
    discovery = session.connection.discovery
    known = {(resource.group, resource.kind) for resource in WELL_KNOWN.values()}
    custom = inventory.kinds - known
    if not custom:
        return custom  # the API server itself serves the others, and discovery need not be asked
    discovery.all()
    down = {version.rpartition("/")[0] for version in discovery.unavailable}
    return frozenset((group, kind) for group, kind in custom if group in down)


def _list_strangers(
    session: Session, absent: Sequence[Wanted], lost: Sequence[Key], versions: dict[Place, str]
) -> dict[Key, Manifest]:
    """The objects with the names of those to be created, and the recorded ones without our label: metadata only."""
    names = {one.key for one in absent} | set(lost)

    def one(place: Place) -> Listing:
        return objects.list_objects(session.connection.client, place[0], place[1] or None, metadata_only=True)

    places = _places_of(session, absent)
    places |= _places_of_keys(session, [key for key in lost if key not in {one.key for one in absent}], places)
    found = _gathered(session, sorted(places, key=order), one, versions)
    return {key: live for key, live in found.items() if key in names}


def find_named(session: Session, keys: Collection[Key]) -> set[Key]:
    """Which of the keys exist in the cluster, whoever made the objects: one LIST of metadata per kind and namespace."""
    return set(_list_strangers(session, (), list(keys), {}))


def _places_of_keys(session: Session, keys: Iterable[Key], known: Collection[Place]) -> set[Place]:
    """Where these objects would be, each kind in a version that is `known` already, if it is served at all."""
    by_kind = {(resource.group, resource.kind): resource for resource, _ in sorted(known, key=order)}
    places = set()
    for key in keys:
        resource = by_kind.get((key.group, key.kind)) or session.resource_of(key.group, key.kind)
        if resource is not None:
            places.add((resource, key.namespace if resource.namespaced else ""))
    return places


def _get_whole(session: Session, strangers: Iterable[Manifest]) -> dict[Key, Manifest]:
    def one(live: Manifest) -> Manifest:
        resource = resource_for(session, live)
        assert resource is not None  # it was just listed
        key = key_of(live)
        return objects.get(session.connection.client, resource, key.namespace or None, key.name)

    found = all_or_raise(session.connection.client.map(one, strangers))
    return {key_of(live): live for live in found}


def _missing_namespaces(
    session: Session, names: Collection[str], wanted: Iterable[Wanted], inventory: Inventory
) -> tuple[str, ...]:
    """The namespaces that have to be made first: used, not there, and not among the wanted objects themselves."""
    rendered = {one.key.name for one in wanted if one.key.kind == "Namespace"}
    known = inventory.namespaces if inventory.exists else frozenset()
    unsure = sorted(set(names) - rendered - known)
    if len(unsure) > FEW_NAMESPACES and (there := _all_namespaces(session)):
        return tuple(name for name in unsure if name not in there)
    results = all_or_raise(session.connection.client.map(lambda name: _namespace_exists(session, name), unsure))
    return tuple(name for name, exists in zip(unsure, results, strict=True) if not exists)


def _all_namespaces(session: Session) -> set[str]:
    """The names of all namespaces, in one request; none where the user may not list them."""
    try:
        found = objects.list_objects(session.connection.client, well_known("v1", "Namespace"), metadata_only=True)
    except ForbiddenError:
        return set()
    return {item["metadata"]["name"] for item in found.items}


def _namespace_exists(session: Session, name: str) -> bool:
    resource = well_known("v1", "Namespace")
    try:
        return objects.find(session.connection.client, resource, None, name, metadata_only=True) is not None
    except ForbiddenError:
        return True  # who may not look may not create it either: whatever is sent there will tell
