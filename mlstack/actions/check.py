"""check: what an environment's cluster lacks of what an app needs, before anything is sent to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlstack.actions.checks import Asked, look, untold
from mlstack.actions.events import Connected
from mlstack.actions.fitting import look_at_room, look_at_rules
from mlstack.actions.preflight import spawned_by, whole_rights
from mlstack.actions.session import Scope, Session, open_session
from mlstack.actions.tune import unscaled
from mlstack.app.assemble import chosen as chosen_names
from mlstack.compose.manifests import Manifest
from mlstack.plan.findings import CLUSTER, Finding, Look, Row, findings, rows
from mlstack.plan.fit.asks import Ask, asks
from mlstack.plan.fit.volumes import by_name


@dataclass(frozen=True)
class Checked:
    """What was looked at, by topic, and what was found; `requests` is how many it took."""

    connected: Connected
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    requests: int

    @property
    def errors(self) -> int:
        """How many findings are certain."""
        return sum(one.certain for one in self.findings)


def check(scope: Scope) -> Checked:
    """Looks at everything that the scope's components need of their cluster. Only asks; writes nothing.

    Raises what connecting and rendering raise: a cluster that does not answer, or that is another one.
    """
    names = chosen_names(scope.project, scope.project.environment(scope.environment), scope.components or None)
    everything = replace(scope, components=())
    session = open_session(replace(everything, sets=(*scope.sets, *unscaled(everything))))
    all_of_it = session.manifests
    chosen = {name: all_of_it[name] for name in names}
    looks = [Look(CLUSTER, _cluster(session))]
    looks += look(session, Asked(chosen, all_of_it, rights=whole_rights(session, chosen)))
    looks += untold(_room(session, chosen), looks)
    requests = sum(session.connection.client.requests.values())
    return Checked(session.connected(), tuple(rows(looks)), tuple(findings(looks)), requests)


def _cluster(session: Session) -> str:
    pinned = session.connection.environment.cluster
    name = session.scope.environment
    return f"the one that {name} is pinned to" if pinned else f"it answers; {name} is not pinned to it yet"


def _room(session: Session, chosen: Mapping[str, Sequence[Manifest]]) -> list[Look]:
    asked = _asks(session, chosen)
    if not any(ask.count for ask in asked):
        return look_at_rules(session, asked) if asked else []
    claims = by_name(m for own in chosen.values() for m in own if m["kind"] == "PersistentVolumeClaim")
    return look_at_room(session, asked, claims, spawned_by(session, chosen), devices_only=False)


def _asks(session: Session, chosen: Mapping[str, Sequence[Manifest]]) -> list[Ask]:
    namespace = session.connection.namespace
    return [ask for name, manifests in chosen.items() for ask in asks(name, manifests, namespace)]
