"""Writing and reading receipts. Keeping one never stops an apply: what goes wrong is told in a line."""

from __future__ import annotations

import base64
import getpass
import json
import socket
import subprocess
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mlstack.actions.clock import now
from mlstack.actions.events import Notice, OnEvent
from mlstack.actions.planning import Planning
from mlstack.actions.reading import all_or_raise
from mlstack.actions.session import Session
from mlstack.app.values import file_values
from mlstack.cluster import objects
from mlstack.cluster.failures import AlreadyExistsError, ClusterError, ForbiddenError
from mlstack.cluster.kinds import Resource, well_known
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.decide import Snapshot
from mlstack.plan.inventory import Inventory, entry
from mlstack.plan.model import Action
from mlstack.plan.outcomes import at_once, of_objects
from mlstack.plan.receipts import (
    HISTORY,
    KEPT_REVISIONS,
    NOT_READY,
    OUTCOMES,
    REVISION,
    SUMMARY,
    Contents,
    Receipt,
    better_outcomes,
    given_params,
    image_digests,
    last_ready,
    outcomes_text,
    receipt_name,
    receipt_of_object,
    receipts,
    to_config_maps,
    to_contents,
)
from mlstack.plan.wanted import Wanted
from mlstack.version import __version__

GIT_SECONDS = 5.0
CONFIG_MAP = well_known("v1", "ConfigMap")
SECRET = well_known("v1", "Secret")  # former versions kept receipts there


def keep_receipt(session: Session, planning: Planning, outcome: str, on_event: OnEvent) -> Receipt | None:
    """Store what this apply did; the receipt, None where it could not be stored."""
    last = planning.reading.snapshot.inventory.revision
    try:
        former, contents = _contents(session, planning)
        receipt = _receipt(session, planning, last + 1, outcome, former)
        try:
            _store(session, receipt, contents)
        except AlreadyExistsError:  # of an apply that was killed before it could note its number
            last = max((one.revision for one in list_receipts(session, _in_secrets(planning))), default=last)
            receipt = replace(receipt, revision=last + 1)
            _store(session, receipt, contents)
        _trim(session, receipt.revision, _in_secrets(planning))
    except MlstackError as error:
        on_event(Notice(f"No receipt of this apply could be kept: {error.message}"))
        return None
    return receipt


def _in_secrets(planning: Planning) -> int:
    return planning.reading.snapshot.inventory.secret_receipts


def _receipt(session: Session, planning: Planning, revision: int, outcome: str, before: Mapping[str, str]) -> Receipt:
    commit, dirty = git_commit(session.scope.project.root)
    counts = {str(action): count for action, count in sorted(planning.plan.counts.items())}
    return Receipt(
        revision,
        now(),
        who(),
        outcome,
        __version__,
        commit,
        dirty,
        session.scope.components,
        counts,
        former=session.former,
        outcomes=at_once(session.manifests, {change.key for change in planning.plan.of(Action.DONE)}, before),
    )


def _contents(session: Session, planning: Planning) -> tuple[Mapping[str, str], Contents]:
    """The outcomes of components that this apply does not speak of, and the environment's whole state: such
    components are as the last receipt has them."""
    project, rendered = session.scope.project, session.rendered
    last = planning.reading.snapshot.inventory.revision
    found = session.contents or Contents(
        {one.component: one.manifests for one in rendered},
        {one.component: one.prototype for one in rendered},
        {one.component: given for one in rendered if (given := given_params(one.settings))},
        _packages(session),
        file_values(project, session.scope.environment),
    )
    if not (session.scope.components and last):
        return {}, found
    receipt, before = read_receipt(session, last, _in_secrets(planning))
    return (receipt.outcomes if receipt else {}), found.over(before)


def _packages(session: Session) -> dict[str, str]:
    lock = session.scope.project.lock
    groups = {name: lock.mapping(name) for name in ("packages", "platforms")}
    return {name: str(entry.get("digest", "")) for group in groups.values() for name, entry in group.items()}


def _store(session: Session, receipt: Receipt, contents: Contents) -> None:
    client = session.connection.client
    for part in to_config_maps(receipt, contents, session.owner):
        objects.create(client, CONFIG_MAP, part, manager=session.owner.manager)


def list_receipts(
    session: Session, in_secrets: int, on_notice: Callable[[str], None] = lambda text: None
) -> list[Receipt]:
    """All receipts of this app in this environment, the newest first. One request; only metadata is read.

    One more while `in_secrets`, the newest revision whose receipt is a Secret, is not 0. Users who cannot list Secrets
    get the others, and a notice.
    """
    found = _listed(session, CONFIG_MAP)
    try:
        found += _listed(session, SECRET) if in_secrets else []
    except ForbiddenError:
        on_notice(f"Revisions up to {in_secrets} are stored in Secrets, which you have no permission to list.")
    return receipts(found)


def _listed(session: Session, resource: Resource) -> list[Manifest]:
    labels = f"{HISTORY}={session.owner.set_id}"
    client, namespace = session.connection.client, session.owner.namespace
    return objects.list_objects(client, resource, namespace, labels=labels, metadata_only=True).items


def _trim(session: Session, newest: int, in_secrets: int) -> None:
    """Remove the receipts beyond the number that is kept."""
    if newest > KEPT_REVISIONS:
        remove_receipts(session, in_secrets, until=newest - KEPT_REVISIONS)


def remove_receipts(session: Session, in_secrets: int, until: int | None = None) -> None:
    """Remove the receipts up to a revision, or all."""
    client, namespace = session.connection.client, session.owner.namespace
    for resource in (CONFIG_MAP, SECRET) if in_secrets else (CONFIG_MAP,):
        found = {
            one["metadata"]["name"]: one["metadata"]["labels"].get(REVISION, 0) for one in _listed(session, resource)
        }
        going = [name for name, number in found.items() if until is None or int(number) <= until]
        all_or_raise(client.map(partial(objects.delete, client, resource, namespace), going))


def read_receipt(session: Session, revision: int, in_secrets: int) -> tuple[Receipt | None, Contents]:
    """A revision's receipt and its contents; (None, nothing) if it is gone. Raises MlstackError for a damaged one."""
    client, namespace = session.connection.client, session.owner.namespace
    for resource in (CONFIG_MAP, SECRET) if revision <= in_secrets else (CONFIG_MAP,):
        found = objects.find(client, resource, namespace, receipt_name(session.owner, revision))
        if found is not None:
            return receipt_of_object(found), _read_parts(session, revision, resource, found)
    return None, Contents()


def _read_parts(session: Session, revision: int, resource: Resource, first: Manifest) -> Contents:
    client, namespace = session.connection.client, session.owner.namespace
    receipt = receipt_of_object(first)
    names = [receipt_name(session.owner, revision, at) for at in range(1, receipt.chunks if receipt else 1)]
    more = all_or_raise(client.map(lambda name: objects.get(client, resource, namespace, name), names))
    try:
        return to_contents([first, *more])
    except (OSError, ValueError, KeyError, EOFError, TypeError, zlib.error):  # somebody edited it
        name = session.scope.environment
        raise MlstackError(f"The receipt of revision {revision} of {name} cannot be read: it was changed.") from None


def keep_outcomes(
    session: Session, receipt: Receipt, seen: Mapping[str, str], pods: Iterable[Manifest], on_event: OnEvent
) -> None:
    """Add to a receipt what became of its components, and the images' digests where pods report any."""
    outcomes, images = better_outcomes(receipt.outcomes, seen), image_digests(pods)
    if outcomes == receipt.outcomes and not images:
        return
    change: dict[str, Any] = {"metadata": {"annotations": {OUTCOMES: outcomes_text(outcomes)}}}
    if images:
        change["binaryData"] = {"images": base64.b64encode(json.dumps(images).encode()).decode()}
    client, namespace = session.connection.client, session.owner.namespace
    name, manager = receipt_name(session.owner, receipt.revision), session.owner.manager
    try:
        objects.patch(client, CONFIG_MAP, namespace, name, change, manager=manager)
    except ClusterError as error:
        on_event(Notice(f"The receipt of revision {receipt.revision} could not be completed: {error.message}"))


def judge_former(session: Session, planning: Planning, on_event: OnEvent) -> None:
    """Note in the last receipt which of its components had become ready before this apply, where it does not say so.

    Users of --no-wait get revisions to go back to by this. Receipts in Secrets stay as they are.
    """
    snapshot = planning.reading.snapshot
    inventory, client = snapshot.inventory, session.connection.client
    if inventory.revision <= inventory.secret_receipts:
        return
    name = receipt_name(session.owner, inventory.revision)
    try:
        found = objects.find(client, CONFIG_MAP, session.owner.namespace, name, metadata_only=True)
    except ClusterError:
        return  # the next apply may read it
    receipt = receipt_of_object(found) if found and SUMMARY in (found["metadata"].get("annotations") or {}) else None
    if receipt is None or receipt.outcome != "applied":
        return
    absent = {one.component for one in planning.wanted if _is_absent(one, snapshot)}
    keep_outcomes(session, receipt, of_objects(snapshot.ours, absent), (), on_event)


def _is_absent(one: Wanted, snapshot: Snapshot) -> bool:
    return not one.run and one.key not in snapshot.ours and entry(one.key) in snapshot.inventory.digests


def who() -> str:
    """The person and machine that apply, as USER@HOST."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def git_commit(root: Path) -> tuple[str, bool]:
    """(the app's commit, whether its files differ from it); ("", False) where it is not in git."""
    command = ["git", "-C", str(root), "status", "--porcelain=v2", "--branch", "--", "."]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return "", False
    lines = done.stdout.splitlines()
    commit = next((line.removeprefix("# branch.oid ") for line in lines if line.startswith("# branch.oid ")), "")
    return ("" if commit == "(initial)" else commit), any(not line.startswith("#") for line in lines)


def receipt_of(session: Session, revision: int | None, inventory: Inventory, components: Sequence[str] = ()) -> Receipt:
    """The receipt of a revision; None: of the last one before the present that was ready, as far as `components` go.

    Raises MlstackError where there is none, with what there is.
    """
    found, name = list_receipts(session, inventory.secret_receipts), session.scope.environment
    current = inventory.former or inventory.revision
    if revision is None:
        before = last_ready(found, current, components)
        if before is None:
            raise _none_ready(name, [one for one in found if one.revision < current], current, components)
        return before
    for one in found:
        if one.revision == revision:
            return one
    raise no_revision(name, revision, found)


def _none_ready(name: str, found: Sequence[Receipt], current: int, components: Sequence[str]) -> MlstackError:
    see = f"See: mlstack history {name}"
    if not found:
        return MlstackError(f"{name} has no revision before {current}.", see)
    whose = f" with {', '.join(components)} ready" if components else " that was ready"
    rows = [f"  {one.revision}  {one.when}  {_state_words(one, components)}" for one in found]
    told = "\n".join([f"{name} has no revision before {current}{whose}. There are:", *rows])
    return MlstackError(told, f"Name one to go back to it anyway: mlstack rollback {name} REVISION")


def _state_words(one: Receipt, components: Sequence[str]) -> str:
    state, which = one.state(components), one.not_ready()
    return f"{state}: {', '.join(which)}" if state == NOT_READY and which else state


def no_revision(name: str, revision: int, found: Sequence[Receipt]) -> MlstackError:
    """The error for a revision that is not among those that are kept."""
    there = ", ".join(str(one.revision) for one in reversed(found)) or "none"
    return MlstackError(f"{name} has no revision {revision}; there are: {there}.", f"See: mlstack history {name}")
