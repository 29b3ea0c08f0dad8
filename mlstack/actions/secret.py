"""A secret value straight to the cluster: it stands in no file, no history and no output of the app."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress

from mlstack.actions.connection import Connection, connect_environment
from mlstack.actions.meeting import meet_and_save
from mlstack.actions.outcome import confirmed
from mlstack.actions.session import owner_of
from mlstack.app.project import Project
from mlstack.cluster import objects
from mlstack.cluster.failures import AlreadyExistsError, NotFoundError
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.fields import managers
from mlstack.plan.inventory import Owner, applied_by
from mlstack.plan.ownership import SET_BY_HAND, is_applied

LARGEST = 1_000_000  # bytes; the API server takes about 1 MiB for all of a Secret


def put_secret(
    project: Project,
    environment: str,
    name: str,
    key: str,
    value: bytes,
    *,
    kubeconfig: str | None = None,
    adopt: bool = False,
    yes: bool = False,
    confirm: Callable[[str], bool | None] = lambda why: None,
) -> tuple[bool, str]:
    """As `set_secret` in an environment; and its namespace. A protected one must be confirmed: `confirm` is given the
    reason, `yes` is an agreement beforehand. Raises UnconfirmedError without one."""
    link = connect_environment(project, environment, kubeconfig=kubeconfig, pin=False)
    why = f"{environment} is protected" if link.environment.protected else ""
    confirmed(confirm(why) if why and not yes else None, "" if yes else why)
    if not link.environment.cluster:
        meet_and_save(project, environment, link.cluster, link.server)
    return set_secret(link, owner_of(project, link.environment), name, key, value, adopt), link.namespace


def set_secret(link: Connection, owner: Owner, name: str, key: str, value: bytes, adopt: bool = False) -> bool:
    """Puts `value` under `key` of the Secret `name` in the environment's namespace; True if the Secret is new.

    The Secret's other keys stay. Raises MlstackError for an empty or too large value, and for a Secret that mlstack did
    not make, unless `adopt`; InvalidError for bad names, ForbiddenError.
    """
    if not value:
        raise MlstackError(f"The value for {name}/{key} is empty; nothing was written.", "Give it on standard input.")
    if len(value) > LARGEST:
        raise MlstackError(f"The value for {name}/{key} is too large ({len(value)} bytes, at most {LARGEST}).")
    secret = well_known("v1", "Secret")
    data = {"data": {key: base64.b64encode(value).decode()}}
    there = objects.find(link.client, secret, link.namespace, name, metadata_only=True)
    if there is None:
        head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": link.namespace}}
        try:
            _create(link, {**head, "type": "Opaque", **data})
            return True
        except AlreadyExistsError:  # somebody made it in between
            there = objects.get(link.client, secret, link.namespace, name, metadata_only=True)
    if not adopt:
        _refuse_foreign(there, owner)
    objects.patch(link.client, secret, link.namespace, name, data, manager=SET_BY_HAND)
    return False


def _create(link: Connection, manifest: Manifest) -> None:
    """With the namespace, where the environment's is not there yet: apply asks for the Secret before it makes any."""
    secret, namespace = well_known("v1", "Secret"), well_known("v1", "Namespace")
    try:
        objects.create(link.client, secret, manifest, manager=SET_BY_HAND)
    except NotFoundError:
        head = {"name": link.namespace, "labels": {"app.kubernetes.io/managed-by": "mlstack"}}
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": head}
        with suppress(AlreadyExistsError):
            objects.create(link.client, namespace, made, manager=SET_BY_HAND)
        objects.create(link.client, secret, manifest, manager=SET_BY_HAND)


def _refuse_foreign(there: Manifest, owner: Owner) -> None:
    """Raises MlstackError unless this environment applied the Secret, or this command alone wrote to it for mlstack."""
    metadata, names = there["metadata"], managers(there) - {""}
    others = {name for name in names if name.startswith("mlstack-")} - {SET_BY_HAND}
    if is_applied(there, owner) or (SET_BY_HAND in names and not others):
        return
    app, environment = applied_by(there)
    whose = (
        f"mlstack app {app}, environment {environment}"
        if app and others
        else " and ".join(sorted(names)) or "another user"
    )
    raise MlstackError(
        f"Secret/{metadata['name']} exists in namespace {metadata['namespace']}, not ours: it belongs to {whose}.",
        "--adopt sets the key all the same; its other keys stay.",
    )
