"""All that can be in the way of an app's objects, looked at before they are sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from mlstack.actions.admission import look_at_namespaces
from mlstack.actions.integrations import look_at_integrations
from mlstack.actions.looking import look_at_kinds, look_up
from mlstack.actions.rights import look_at_rights
from mlstack.actions.session import Session
from mlstack.cluster.kinds import WELL_KNOWN
from mlstack.errors import MlstackError
from mlstack.plan.findings import Look
from mlstack.plan.integrations import queued
from mlstack.plan.outside import Components, custom_kinds, needs
from mlstack.plan.rights import Right


@dataclass(frozen=True)
class Asked:
    """What is looked at: the objects by component that are `new`, and those that `change`, with what they `were`.

    `beside` is all that comes with them; `rights` what the user must be allowed; `namespaces` are about to be made.
    """

    new: Components
    beside: Components
    change: Components = field(default_factory=dict)
    were: Components = field(default_factory=dict)
    rights: Collection[Right] = ()
    namespaces: Collection[str] = ()


def look(session: Session, asked: Asked) -> list[Look]:
    """Everything that was looked at, in as few requests as it takes, all at the same time."""
    settings = {one.component: one.settings for one in session.rendered}
    before = set(needs(asked.were, asked.beside, settings))
    both = _together(asked.new, asked.change)
    wanted = [need for need in needs(both, asked.beside, settings) if need not in before]
    kinds = custom_kinds(asked.new, asked.beside, WELL_KNOWN)
    looking: list[Callable[[], list[Look]]] = [lambda: look_at_namespaces(session, asked.new, asked.namespaces)]
    if asked.rights:
        looking.append(lambda: look_at_rights(session, both, asked.rights))
    if kinds:
        looking.append(lambda: look_at_kinds(session, kinds, asked.beside))
    jobs = {component: found for component, own in both.items() if (found := list(queued(own)))}
    if jobs:
        looking.append(lambda: look_at_integrations(session, jobs))
    if wanted:
        looking.append(lambda: look_up(session, wanted))
    return _all(session, looking)


def untold(room: Sequence[Look], looks: Sequence[Look]) -> list[Look]:
    """What the fit found, without what is only about objects that were found missing before it."""
    known = {one for look in looks for one in look.missing}
    return [look for look in room if not look.missing or not known.issuperset(look.missing)]


def _together(one: Components, other: Components) -> Components:
    names = dict.fromkeys([*one, *other])
    return {name: [*one.get(name, ()), *other.get(name, ())] for name in names}


def _all(session: Session, looking: Sequence[Callable[[], list[Look]]]) -> list[Look]:
    looks: list[Look] = []
    for answer in session.connection.client.map(lambda ask: ask(), looking):
        if isinstance(answer, MlstackError):
            raise answer
        looks += answer
    return looks
