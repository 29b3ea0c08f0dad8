"""A dry run: the cluster checks what would be sent, and keeps nothing."""

from __future__ import annotations

import time

from mlstack.actions.outcome import ApplyFailedError, Outcome
from mlstack.actions.planning import Planning
from mlstack.actions.reading import resource_for
from mlstack.actions.sending import send
from mlstack.actions.session import Session
from mlstack.plan.model import Allow


def rehearse(session: Session, planning: Planning, allow: Allow, began: float) -> Outcome:
    """Sends with dryRun what can be: what needs a namespace or CRD that is not there yet cannot."""
    missing = set(planning.reading.missing_namespaces)
    possible = [
        change
        for change in planning.plan.writes
        if change.manifest is not None
        and change.key.namespace not in missing
        and change.live is None
        and resource_for(session, change.manifest) is not None
    ]
    failures = [sent.failure for sent in send(session, possible, allow, dry_run=True) if sent.error]
    if failures:
        raise ApplyFailedError(failures, session.scope.environment)
    return Outcome(planning.plan, seconds=time.monotonic() - began)
