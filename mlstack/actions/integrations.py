"""Looking up whether Kueue looks after the jobs that name a queue: its configuration, where that may be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.failures import ForbiddenError
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Manifest
from mlstack.plan.findings import QUEUES, Look
from mlstack.plan.integrations import CONFIG, FRAMEWORKS, KEY, left_alone, looked_after
from mlstack.plan.outside import Components

NOT_SEEN = "which kinds of jobs Kueue looks after (no right to list ConfigMaps of all namespaces)"


def look_at_integrations(session: Session, jobs: Components) -> list[Look]:
    """One `Look` for each job that names a queue; none where Kueue's configuration goes by another name."""
    config_map = well_known("v1", "ConfigMap")
    try:
        found = objects.list_objects(session.connection.client, config_map, fields=f"metadata.name={CONFIG}").items
    except ForbiddenError:
        return [Look(QUEUES, "", unseen=NOT_SEEN)]
    configs = [one for one in found if KEY in (one.get("data") or {})]
    if not configs:
        return []
    settings = {component: session.settings(component) for component in jobs}
    return [_judged(component, job, configs[0], settings[component]) for component, own in jobs.items() for job in own]


def _judged(component: str, job: Manifest, config: Manifest, settings: Mapping[str, Any]) -> Look:
    what = f"{component}: Kueue looks after {job['kind']}s"
    if FRAMEWORKS[job["kind"]] in _frameworks(config):
        return Look(QUEUES, what)
    where = f"{config['metadata']['namespace']}/{CONFIG}"
    return Look(QUEUES, what, left_alone(component, job, where, settings))


def _frameworks(config: Manifest) -> Sequence[str]:
    import yaml  # only where a job names a queue

    try:
        read = yaml.safe_load(config["data"][KEY])
    except yaml.YAMLError:
        read = None
    return looked_after(read) if isinstance(read, dict) else tuple(FRAMEWORKS.values())
