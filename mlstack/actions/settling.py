"""Store what an apply without writes has learned: objects that are spelled otherwise now, and mean the same.

Without that, the server would be asked about them again at each apply (decision 41).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from mlstack.actions.events import ignore
from mlstack.actions.lock import locked
from mlstack.actions.planning import Planning
from mlstack.actions.remember import store_inventory
from mlstack.actions.session import Session
from mlstack.errors import MlstackError
from mlstack.plan.inventory import entry
from mlstack.plan.model import Action


def respelled(planning: Planning) -> dict[str, str]:
    """The digests of unchanged objects whose manifest moved since it was applied, as the inventory names them."""
    stored = planning.reading.snapshot.inventory.digests
    same = {change.key for change in planning.plan.changes if change.action is Action.UNCHANGED}
    digests = {entry(one.key): one.digest for one in planning.wanted if one.key in same and not one.run}
    return {name: digest for name, digest in digests.items() if stored.get(name, digest) != digest}


def settle_digests(session: Session, planning: Planning) -> None:
    """Store the digests that moved, once. It saves requests only: where it cannot be done now, it is done later."""
    moved = respelled(planning)
    if not moved:
        return
    before = planning.reading.snapshot.inventory
    with suppress(MlstackError), locked(session, 0.0, ignore):  # never over the inventory of an apply under way
        store_inventory(session, planning.reading.parent, replace(before, digests={**before.digests, **moved}))
