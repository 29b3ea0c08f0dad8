"""Writing and reading receipts. Keeping one never stops an apply: what goes wrong is told in a line."""

from __future__ import annotations

import base64
import getpass
import json
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

from mlstack.actions.events import Notice, OnEvent
from mlstack.actions.planning import Planning
from mlstack.actions.reading import all_or_raise
from mlstack.actions.remember import now
from mlstack.actions.session import Session
from mlstack.app.values import file_values
from mlstack.cluster import objects
from mlstack.cluster.failures import AlreadyExistsError, ClusterError
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.receipts import (
    HISTORY,
    KEPT_REVISIONS,
    REVISION,
    Contents,
    Receipt,
    given_params,
    image_digests,
    one_before,
    receipt_name,
    receipts,
    to_contents,
    to_secrets,
)
from mlstack.version import __version__

GIT_SECONDS = 5.0
SECRET = well_known("v1", "Secret")


def keep_receipt(session: Session, planning: Planning, outcome: str, on_event: OnEvent) -> int:
    """Stores what this apply did; its revision, or the last one's where that could not be stored."""
    last = planning.reading.snapshot.inventory.revision
    try:
        contents = _contents(session, last)
        try:
            _store(session, _receipt(session, planning, last + 1, outcome), contents)
        except AlreadyExistsError:  # of an apply that was killed before it could note its number
            last = max((one.revision for one in list_receipts(session)), default=last)
            _store(session, _receipt(session, planning, last + 1, outcome), contents)
        _trim(session, last + 1)
    except MlstackError as error:
        on_event(Notice(f"No receipt of this apply could be kept: {error.message}"))
        return last
    return last + 1


def _receipt(session: Session, planning: Planning, revision: int, outcome: str) -> Receipt:
    commit, dirty = git_commit(session.scope.project.root)
    counts = {str(action): count for action, count in sorted(planning.plan.counts.items())}
    components = session.scope.components
    return Receipt(
        revision, now(), who(), outcome, __version__, commit, dirty, components, counts, former=session.former
    )


def _contents(session: Session, last: int) -> Contents:
    """The environment's whole state: what was not among this apply's components is as the last receipt says."""
    project, rendered = session.scope.project, session.rendered
    found = session.contents or Contents(
        {one.component: one.manifests for one in rendered},
        {one.component: one.prototype for one in rendered},
        {one.component: given for one in rendered if (given := given_params(one.settings))},
        _packages(session),
        file_values(project, session.scope.environment),
    )
    return found.over(read_contents(session, last)) if session.scope.components and last else found


def _packages(session: Session) -> dict[str, str]:
    lock = session.scope.project.lock
    groups = {name: lock.mapping(name) for name in ("packages", "platforms")}
    return {name: str(entry.get("digest", "")) for group in groups.values() for name, entry in group.items()}


def _store(session: Session, receipt: Receipt, contents: Contents) -> None:
    client = session.connection.client
    for secret in to_secrets(receipt, contents, session.owner):
        objects.create(client, SECRET, secret, manager=session.owner.manager)


def list_receipts(session: Session) -> list[Receipt]:
    """All receipts of this app in this environment, the newest first. One request; only metadata is read."""
    return receipts(_listed(session))


def _listed(session: Session) -> list[Manifest]:
    labels = f"{HISTORY}={session.owner.set_id}"
    client, namespace = session.connection.client, session.owner.namespace
    return objects.list_objects(client, SECRET, namespace, labels=labels, metadata_only=True).items


def _trim(session: Session, newest: int) -> None:
    """Removes the receipts beyond the number that is kept."""
    if newest > KEPT_REVISIONS:
        remove_receipts(session, until=newest - KEPT_REVISIONS)


def remove_receipts(session: Session, until: int | None = None) -> None:
    """Removes the receipts up to a revision, or all."""
    client, namespace = session.connection.client, session.owner.namespace
    numbers = {one["metadata"]["name"]: int(one["metadata"]["labels"].get(REVISION, 0)) for one in _listed(session)}
    going = [name for name, number in numbers.items() if until is None or number <= until]
    all_or_raise(client.map(lambda name: objects.delete(client, SECRET, namespace, name), going))


def read_contents(session: Session, revision: int, chunks: int = 1) -> Contents:
    """What a revision's receipt holds; nothing where it is gone. Raises MlstackError for one that is damaged."""
    client, namespace = session.connection.client, session.owner.namespace
    found = objects.find(client, SECRET, namespace, receipt_name(session.owner, revision))
    if found is None:
        return Contents()
    summary = receipts([found])
    count = summary[0].chunks if summary else chunks
    names = [receipt_name(session.owner, revision, at) for at in range(1, count)]
    more = all_or_raise(client.map(lambda name: objects.get(client, SECRET, namespace, name), names))
    try:
        return to_contents([found, *more])
    except (OSError, ValueError, KeyError, EOFError, TypeError):  # gzip, base64, JSON: somebody edited it
        name = session.scope.environment
        raise MlstackError(f"The receipt of revision {revision} of {name} cannot be read: it was changed.") from None


def keep_images(session: Session, revision: int, pods: Iterable[Manifest], on_event: OnEvent) -> None:
    """Adds the images' digests to a receipt, where pods told any."""
    images = image_digests(pods)
    if not images or not revision:
        return
    change = {"data": {"images": base64.b64encode(json.dumps(images).encode()).decode()}}
    client, namespace = session.connection.client, session.owner.namespace
    name, manager = receipt_name(session.owner, revision), session.owner.manager
    try:
        objects.patch(client, SECRET, namespace, name, change, manager=manager)
    except ClusterError as error:
        on_event(Notice(f"The images' digests could not be kept: {error.message}"))


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


def receipt_of(session: Session, revision: int | None, current: int) -> Receipt:
    """The receipt of a revision; None: the one before `current`. Raises MlstackError where there is none."""
    found, name = list_receipts(session), session.scope.environment
    if revision is None:
        before = one_before(found, current)
        if before is None:
            raise MlstackError(f"{name} has no revision before {current}.", f"See: mlstack history {name}")
        return before
    for one in found:
        if one.revision == revision:
            return one
    there = ", ".join(str(one.revision) for one in reversed(found)) or "none"
    raise MlstackError(f"{name} has no revision {revision}; there are: {there}.", f"See: mlstack history {name}")
