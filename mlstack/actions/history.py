"""What was applied to an environment: its revisions, and the runs of a component."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.actions.reading import inventory_of, read_parent
from mlstack.actions.receipts import list_receipts, no_revision, read_receipt
from mlstack.actions.remember import closed
from mlstack.actions.session import Scope, Session, connect_only
from mlstack.cluster import objects
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.inventory import Inventory
from mlstack.plan.receipts import Contents, Receipt
from mlstack.plan.runs import Run


@dataclass(frozen=True)
class History:
    """An environment's revisions, the newest first. `former`: the one that the cluster was rolled back to, else 0.

    `notices`: what could not be read.
    """

    environment: str
    revisions: tuple[Receipt, ...]
    former: int = 0
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ComponentRun:
    """A run of one of a component's objects ("TFJob/cnn"). `ended` is "" where nobody saw it.

    `params`: the values that differ from the run before: {name: [before, after]}, None for a default.
    """

    object: str
    started: str
    ended: str
    outcome: str
    by: str
    params: Mapping[str, Any] = field(hash=False)


def history(scope: Scope) -> History:
    """The revisions that receipts list. Two requests, however many they are; nothing is written."""
    session = connect_only(scope)
    inventory = inventory_of(read_parent(session), session.owner)
    notices: list[str] = []
    found = list_receipts(session, inventory.secret_receipts, notices.append)
    return History(scope.environment, tuple(found), inventory.former, tuple(notices))


def revision_contents(scope: Scope, revision: int) -> Contents:
    """A revision's contents: manifests, parameters with their places, digests.

    Raises MlstackError for a revision that does not exist or whose receipt was removed.
    """
    session = connect_only(scope)
    inventory = inventory_of(read_parent(session), session.owner)
    receipt, contents = read_receipt(session, revision, inventory.secret_receipts)
    if receipt is None:
        raise no_revision(scope.environment, revision, list_receipts(session, inventory.secret_receipts))
    return contents


def run_history(scope: Scope, component: str) -> list[ComponentRun]:
    """A component's runs, the newest first, those that their TTL removed included.

    Raises MlstackError for a component that never ran.
    """
    session = connect_only(scope)
    inventory = inventory_of(read_parent(session), session.owner)
    names = sorted(name for name, run in inventory.runs.items() if run.component == component)
    if not names:
        if component not in scope.project.component_names:
            scope.project.component(component)
        name = scope.environment
        raise MlstackError(f"{component} never ran in {name}.", f"Start it: mlstack run {name} {component}")
    found = [run for name in names for run in _runs(session, inventory, name)]
    return sorted(found, key=lambda run: run.started, reverse=True)


def _runs(session: Session, inventory: Inventory, name: str) -> Iterable[ComponentRun]:
    """The runs of one object: the last one as its object tells, the others as remembered."""
    last = closed(inventory.runs[name], _live(session, name))
    every = [last, *inventory.past.get(name, ())]
    kind, _, rest = name.partition(".")
    title = f"{kind}/{rest.rpartition('/')[2]}"
    for at, run in enumerate(every):
        before = every[at + 1] if at + 1 < len(every) else None
        yield ComponentRun(title, run.when, run.ended, run.outcome, run.by, differing(before, run))


def _live(session: Session, name: str) -> Manifest | None:
    kind_group, namespace, own = name.split("/")
    kind, _, group = kind_group.partition(".")
    resource = session.resource_of(group, kind)
    return objects.find(session.connection.client, resource, namespace, own) if resource else None


def differing(before: Run | None, run: Run) -> dict[str, Any]:
    """{name: [before, after]} of the given values that differ from the run before; of the first run all of them."""
    former = before.params if before else {}
    names = sorted({*former, *run.params})
    return {
        name: [former.get(name), run.params.get(name)] for name in names if former.get(name) != run.params.get(name)
    }
