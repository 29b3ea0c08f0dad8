"""Store what an apply without writes has learned: objects that are spelled otherwise now, and mean the same, and those
that the server had to be asked about.

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
from mlstack.plan.answered import answers
from mlstack.plan.inventory import entry
from mlstack.plan.model import Action
from mlstack.plan.runhashes import joined, same_run
from mlstack.plan.runs import Run, hash_of_live, run_name


def respelled(planning: Planning) -> dict[str, str]:
    """The digests of unchanged objects whose manifest moved since it was applied, as the inventory names them."""
    stored = planning.reading.snapshot.inventory.digests
    same = {change.key for change in planning.plan.changes if change.action is Action.UNCHANGED}
    digests = {entry(one.key): one.digest for one in planning.wanted if one.key in same and not one.run}
    return {name: digest for name, digest in digests.items() if stored.get(name, digest) != digest}


def new_answers(planning: Planning) -> dict[str, str]:
    """The answers worth a write of their own: not those where somebody else changes the object now and then."""
    stored, moved = planning.reading.snapshot.inventory.answered, respelled(planning)
    return {
        name: state for name, state in answers(planning.plan.changes).items() if name not in stored or name in moved
    }


def same_runs(planning: Planning) -> dict[str, Run]:
    """The runs that the server found to be the same under another spelling, with both hashes, by name."""
    stored = planning.reading.snapshot.inventory.runs
    lives = {change.key: change.live for change in planning.plan.of(Action.UNCHANGED, Action.DONE)}
    found = {}
    for one in planning.wanted:
        run, live = stored.get(run_name(one.key)), lives.get(one.key)
        if one.run and run is not None and live is not None and not same_run(hash_of_live(live, run), one.run):
            found[run_name(one.key)] = replace(run, hash=joined(one.run, hash_of_live(live, None)))
    return found


def settle_digests(session: Session, planning: Planning) -> None:
    """Store the digests that moved, once. It saves requests only: where it cannot be done now, it is done later."""
    moved, runs, told = respelled(planning), same_runs(planning), new_answers(planning)
    if not moved and not runs and not told:
        return
    before = planning.reading.snapshot.inventory
    with suppress(MlstackError), locked(session, 0.0, ignore):  # never over the inventory of an apply under way
        digests, answered = {**before.digests, **moved}, {**before.answered, **told}
        known = replace(before, digests=digests, runs={**before.runs, **runs}, answered=answered)
        store_inventory(session, planning.reading.parent, known)
