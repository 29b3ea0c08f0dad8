"""Back to a former revision: its manifests through the same plan, and on demand its values in the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from mlstack.actions.apply import DEFAULTS, ApplyOptions, Confirm, Outcome, apply_session
from mlstack.actions.events import Notice, OnEvent, ignore
from mlstack.actions.lock import locked
from mlstack.actions.outcome import confirmed
from mlstack.actions.reading import inventory_of, read_parent
from mlstack.actions.receipts import read_receipt, receipt_of
from mlstack.actions.remember import store_inventory
from mlstack.actions.session import Scope, Session, connect_only, render_scope, scoped
from mlstack.app.code import read_tree
from mlstack.app.project import COMPONENTS, Project
from mlstack.app.values import brought_back
from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Manifest
from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError, NotReadyError, WorkloadFailedError
from mlstack.plan.model import Plan
from mlstack.plan.receipts import Contents, Receipt, without_values
from mlstack.plan.scopes import is_unknown, unplaced


@dataclass(frozen=True)
class Rollback:
    """What a rollback did. `files` were written, relative to the app."""

    revision: Receipt
    outcome: Outcome
    files: tuple[str, ...] = ()


def rollback(
    scope: Scope,
    revision: int | None = None,
    *,
    files: bool = False,
    options: ApplyOptions = DEFAULTS,
    on_event: OnEvent = ignore,
    confirm: Confirm = lambda plan: None,
) -> Rollback:
    """Applies a former revision's manifests (None: of the last one before the present that was ready).

    `files`: the values in the app's files go back too, before anything is sent; comments stay. `scope.components`
    narrows it. Raises what `apply` raises, and MlstackError for a revision that is not there or kept no manifests.
    """
    session = connect_only(scope)
    inventory = inventory_of(read_parent(session), session.owner)
    receipt = receipt_of(session, revision, inventory, scope.components)
    _, contents = read_receipt(session, receipt.revision, inventory.secret_receipts)
    check(scope, receipt, contents)
    on_event(Notice(f"Going back to {described(receipt, scope.components)}."))
    back = Files(files and not options.dry_run)

    def agreed(plan: Plan) -> bool | None:
        answer = confirm(plan)
        confirmed(answer, "" if options.yes else plan.asks)
        back.bring(scope, receipt, contents, on_event)
        return answer

    former = _session(session, scope, receipt, contents)
    try:
        outcome = apply_session(former, options, on_event, agreed)
    except (NotReadyError, WorkloadFailedError):  # it was applied all the same
        _level(session, back, options, on_event)
        raise
    back.bring(scope, receipt, contents, on_event)
    _level(session, back, options, on_event)
    return Rollback(receipt, outcome, tuple(back.written))


def described(receipt: Receipt, components: Sequence[str] = ()) -> str:
    """A revision in a few words: `revision 3, applied 2026-11-23T12:17:31Z by ann@box (ready)`."""
    return f"revision {receipt.revision}, applied {receipt.when} by {receipt.who} ({receipt.state(components)})"


@dataclass
class Files:
    """The app's files on their way back: once, if `wanted`. `complete`: they say now what the revision said."""

    wanted: bool
    written: list[str] = field(default_factory=list)
    complete: bool = False
    done: bool = False

    def bring(self, scope: Scope, receipt: Receipt, contents: Contents, on_event: OnEvent) -> None:
        """Writes the former values, and tells what else was otherwise then."""
        if not self.wanted or self.done:
            return
        self.done = True
        edited, notes = brought_back(scope.project, scope.environment, contents.files)
        for file in edited:
            file.save()
        at = f" (commit {receipt.commit[:10]})" if receipt.commit else ""
        notes += [f"{name}: take it from git{at}." for name in _beyond_values(scope, contents)]
        for note in notes:
            on_event(Notice(note))
        self.written = [file.file for file in edited]
        self.complete = not notes


def _level(session: Session, back: Files, options: ApplyOptions, on_event: OnEvent) -> None:
    """Notes that the files say what the cluster has, so that the next apply asks nothing."""
    if not back.complete:
        return
    with locked(session, options.lock_s, on_event):
        parent = read_parent(session)
        inventory = inventory_of(parent, session.owner)
        if inventory.former:
            store_inventory(session, parent, replace(inventory, former=0))


def check(scope: Scope, receipt: Receipt, contents: Contents) -> None:
    """Raises MlstackError for a revision without manifests, or without a component that was asked for."""
    name, number = scope.environment, receipt.revision
    if not contents.manifests:
        at = f" (the app was at git commit {receipt.commit[:10]})" if receipt.commit else ""
        raise MlstackError(
            f"Revision {number} of {name} kept no manifests, which were too many: no rollback to it.",
            f"Take the app's files from git{at} and apply them.",
        )
    for component in scope.components:
        if component not in contents.manifests:
            raise MlstackError(f"Revision {number} of {name} has no component {component}.")


def _session(session: Session, scope: Scope, receipt: Receipt, contents: Contents) -> Session:
    """The session that renders what the receipt holds."""
    names = scope.components or sorted(contents.manifests)
    rendered = tuple(
        Rendered(name, contents.prototypes.get(name, ""), "", {}, tuple(contents.manifests[name])) for name in names
    )
    rendered = scoped(rendered, session.connection.discovery)  # a receipt may be older than the cluster's CRD
    return replace(session, rendered=rendered, former=receipt.revision, contents=contents)


def _beyond_values(scope: Scope, contents: Contents) -> Iterator[str]:
    """What was otherwise then and is no value in a file: vendored packages, files that jobs carry, plain manifests."""
    lock = scope.project.lock
    for name, digest in contents.packages.items():
        if digest != (lock.string("packages", name, "digest") or lock.string("platforms", name, "digest")):
            yield f"vendor/ and {lock.file}: {name} was another version then"
    yield from changed_code(scope.project, contents)
    there = set(scope.project.component_names)
    plain = tuple(name for name, prototype in contents.prototypes.items() if not prototype and name in there)
    for one in render_scope(replace(scope, components=plain))[0] if plain else ():
        now, then = list(map(without_values, one.manifests)), contents.manifests[one.component]
        if list(map(_comparable, now)) != list(map(_comparable, then)):
            yield f"{COMPONENTS}/{one.component}/ was otherwise then"


def _comparable(manifest: Manifest) -> Manifest:
    """Without a namespace that rendering only assumed: the receipt has what the cluster said of the kind."""
    return unplaced(manifest) if is_unknown(manifest, ()) else manifest


def changed_code(project: Project, contents: Contents) -> Iterator[str]:
    """The folders whose files a job carried with a revision, and that hold others now."""
    for component, given in contents.params.items():
        for name, one in given.items():
            if "digest" in one and _digest_now(project, Setting(name, one["value"])) != one["digest"]:
                yield f"{one['value']} ({name} of {component}) was otherwise then"


def _digest_now(project: Project, setting: Setting) -> str:
    try:
        return read_tree(project.root, setting).digest
    except MlstackError:  # it is gone, or too large by now
        return ""
