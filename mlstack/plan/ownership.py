"""Decide which objects of a cluster are managed by this environment of this app (decision 40).

The inventory lists the keys that an apply wrote or was about to write. An object with a listed key is managed by this
environment only if its UID is the recorded one, or our field manager has an Apply entry on it. Labels decide nothing:
controllers and people copy them. Nor do Apply entries alone: a copy made through the API keeps those, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.plan import fields as paths
from mlstack.plan.inventory import Inventory, Owner, entry, short_uid

SET_BY_HAND = "mlstack-secret"  # the field manager of `secret set`, whatever the environment


def is_managed(live: Manifest, owner: Owner, inventory: Inventory) -> bool:
    """Whether an object whose key is not rendered is managed by this environment."""
    recorded = recorded_uid(key_of(live), inventory)
    return recorded is not None and (same_uid(live, recorded) or is_applied(live, owner))


def is_managed_as_rendered(live: Manifest, owner: Owner, inventory: Inventory) -> bool:
    """The same of an object whose key is rendered, where our Apply entry alone is proof: the inventory may be lost.

    A Secret that only `secret set` wrote has no other owner, either.
    """
    return is_managed(live, owner, inventory) or is_applied(live, owner) or is_set_secret(live)


def recorded_uid(key: Key, inventory: Inventory) -> str | None:
    """The short UID that the inventory records for a key ("" for an unknown one), None for a key that it lacks.

    Former versions recorded some cluster-scoped objects with the namespace of the environment.
    """
    found = inventory.members.get(entry(key))
    if found is not None or key.namespace:
        return found
    start, end = f"{key.kind}.{key.group}/", f"/{key.name}"
    spelled = (uid for name, uid in inventory.members.items() if name.startswith(start) and name.endswith(end))
    return next(spelled, None)


def same_uid(live: Manifest, recorded: str) -> bool:
    """Whether an object is the very one that was recorded."""
    return bool(recorded) and short_uid(live) == recorded


def is_applied(live: Manifest, owner: Owner) -> bool:
    """Whether our field manager has an Apply entry on the object."""
    return paths.owned_fields(live, owner.manager) is not None


def is_set_secret(live: Manifest) -> bool:
    """Whether a Secret was written by `secret set` and by no other client."""
    return live["kind"] == "Secret" and paths.managers(live) == {SET_BY_HAND}


def was_replaced(live: Manifest, inventory: Inventory) -> bool:
    """Whether another object has the key of one that was applied, such as one restored from a backup."""
    recorded = recorded_uid(key_of(live), inventory)
    return bool(recorded) and not same_uid(live, str(recorded))


def managed_among(
    lives: Mapping[Key, Manifest], rendered: Collection[Key], owner: Owner, inventory: Inventory
) -> dict[Key, Manifest]:
    """The objects that are managed by this environment. `rendered`: the keys that are wanted."""
    return {
        key: live
        for key, live in lives.items()
        if (is_managed_as_rendered if key in rendered else is_managed)(live, owner, inventory)
    }


def lost_keys(inventory: Inventory, seen: Collection[Key], gone: Iterable[Key] = ()) -> list[Key]:
    """The recorded objects that no LIST by label has shown: they are gone, or lost our label."""
    known = {entry(key) for key in (*seen, *gone)}
    found = (parse_entry(name) for name in inventory.members if name not in known)
    return sorted(key for key in found if key is not None)


def parse_entry(name: str) -> Key | None:
    """The key behind an inventory's entry, None for one that no version of ours wrote."""
    parts = name.split("/", 2)
    if len(parts) != 3:
        return None
    kind, _, group = parts[0].partition(".")
    return Key(group, kind, parts[1], parts[2])


def uids(lives: Iterable[Mapping[str, Any]]) -> set[str]:
    """The full UIDs of objects."""
    return {str(live["metadata"].get("uid")) for live in lives} - {"None"}
