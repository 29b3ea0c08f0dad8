"""One apply at a time on an environment: a Lease, held and renewed while something is written."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from mlstack.actions.events import Notice, OnEvent
from mlstack.actions.process import alive, this_process, who
from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.failures import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    DeniedError,
    ForbiddenError,
    NotFoundError,
)
from mlstack.cluster.kinds import well_known
from mlstack.errors import MlstackError
from mlstack.plan.lease import SECONDS, Held, Holder, held_by, lease, may_take

LEASE = well_known("coordination.k8s.io/v1", "Lease")
RENEW_SECONDS = SECONDS / 3
LOOK_SECONDS = 0.5  # between two looks at somebody else's lease


class LockedError(MlstackError):
    """Somebody else works on the environment, and did not end in the time to wait. Nothing was written."""


class LockLostError(MlstackError):
    """Somebody else took the lease over while this apply wrote. It stopped before its next stage."""


class Lock:
    """The right to write to an environment. One that the cluster did not give (`held` None) is never lost."""

    def __init__(self, session: Session, held: Held | None) -> None:
        self._session = session
        self._held = held
        self._renewed = time.monotonic()
        self._using = threading.Lock()
        self._ended = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._go_on_renewing, daemon=True)
        if held is not None:
            self._thread.start()

    def check(self) -> None:
        """Raises LockLostError if somebody else has taken it; to be called before each stage of writing."""
        if self._held is not None and time.monotonic() - self._renewed > SECONDS:
            self._renew()  # it ran out (a suspended laptop, a slow server), but perhaps nobody wanted it
        if self._lost:
            name = self._session.scope.environment
            raise LockLostError(
                f"This apply to {name} was out of touch for longer than {SECONDS} s, and another one has taken over.",
                f"Once that has ended: mlstack apply {name}",
            )

    def release(self) -> None:
        """Gives it back. What cannot be told to the cluster ends by itself, after 15 s."""
        self._ended.set()
        # A renewal under way to a server that does not answer must not hold up the end.
        if self._held is None or not self._using.acquire(timeout=LOOK_SECONDS):
            return
        owner, client = self._session.owner, self._session.connection.client
        with contextlib.suppress(ClusterError):
            objects.delete(client, LEASE, owner.namespace, owner.name, version=self._held.version)

    def _go_on_renewing(self) -> None:
        while not self._ended.wait(RENEW_SECONDS) and not self._lost:
            with contextlib.suppress(ClusterError):  # tried again until it is clear that it is lost
                self._renew()

    def _renew(self) -> None:
        with self._using:
            if self._held is None or self._ended.is_set() or self._lost:
                return
            try:
                self._held = _store(self._session, replace(self._held, renewed=_now()))
            except (ConflictError, NotFoundError):
                found = _find(self._session)
                self._lost = found is None or found.holder.token != self._held.holder.token
                self._held = found if found is not None and not self._lost else self._held
            self._renewed = time.monotonic()


@contextmanager
def locked(session: Session, timeout_s: float, on_event: OnEvent) -> Iterator[Lock]:
    """The environment's lease for as long as the block runs, however it ends.

    Waits up to `timeout_s` seconds for another holder. Raises LockedError, and what a lost cluster raises. Who may
    not write Leases goes on without one, and is told: the inventory still refuses to be written by two at once.
    """
    lock = Lock(session, _acquire(session, timeout_s, on_event))
    try:
        yield lock
    finally:
        lock.release()


def _acquire(session: Session, timeout_s: float, on_event: OnEvent) -> Held | None:
    now = _now()
    mine = Held(Holder(who(), secrets.token_hex(8), this_process()), now, now, "")
    try:
        return _create(session, mine) or _take_over(session, mine, timeout_s, on_event)
    except (ForbiddenError, DeniedError, NotFoundError) as error:
        on_event(Notice(f"Going on without a lock: {error.message}"))
        return None


def _take_over(session: Session, mine: Held, timeout_s: float, on_event: OnEvent) -> Held:
    until, seen, since, told = time.monotonic() + timeout_s, "", time.monotonic(), ""
    while True:
        other = _find(session)
        if other is not None and other.version != seen:
            seen, since = other.version, time.monotonic()
        got = _try(session, mine, other, time.monotonic() - since)
        if got is not None:
            return got
        if other is not None and time.monotonic() >= until:
            raise _refusal(session, other)
        if other is not None and other.holder.token != told:
            told = other.holder.token
            on_event(Notice(f"Waiting for {_told(session, other)}."))
        time.sleep(max(0.0, min(LOOK_SECONDS, until - time.monotonic())))


def _try(session: Session, mine: Held, other: Held | None, unchanged_s: float) -> Held | None:
    """The lease, if it is free; None if it is not, or if somebody was quicker."""
    now = _now()
    mine = replace(mine, acquired=now, renewed=now)
    if other is None:
        return _create(session, mine)
    if not may_take(other, mine.holder.process, now, unchanged_s, alive):
        return None
    try:
        return _store(session, replace(mine, version=other.version, transitions=other.transitions + 1))
    except (ConflictError, NotFoundError):
        return None


def _refusal(session: Session, other: Held) -> LockedError:
    name = session.scope.environment
    return LockedError(
        f"Nothing was written to {name}: another apply is under way, by {_told(session, other)}.",
        f"Once that has ended: mlstack apply {name} (or wait for it: --lock-timeout 10m)",
    )


def _told(session: Session, other: Held) -> str:
    since = other.acquired.astimezone(UTC)
    return f"{other.holder.name}, at work on {session.scope.environment} since {since:%Y-%m-%d %H:%M:%S} UTC"


def _create(session: Session, held: Held) -> Held | None:
    owner = session.owner
    manifest = lease(owner.name, owner.namespace, held)
    try:
        return held_by(objects.create(session.connection.client, LEASE, manifest, manager=owner.manager))
    except AlreadyExistsError:
        return None


def _store(session: Session, held: Held) -> Held:
    owner = session.owner
    manifest = lease(owner.name, owner.namespace, held)
    return held_by(objects.update(session.connection.client, LEASE, manifest, manager=owner.manager))


def _find(session: Session) -> Held | None:
    owner = session.owner
    found = objects.find(session.connection.client, LEASE, owner.namespace, owner.name)
    return held_by(found) if found else None


def _now() -> datetime:
    return datetime.now(UTC)
