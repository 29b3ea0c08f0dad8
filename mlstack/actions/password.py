"""The notebook hub's password, which apply made in the cluster and which stands nowhere else."""

from __future__ import annotations

import base64

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known
from mlstack.errors import MlstackError

SECRET = "jupyterhub-secret"  # noqa: S105  # a Secret's name
KEY = "password"


def hub_password(client: Client, namespace: str) -> str:
    """The generated password of the hub in `namespace`. Raises MlstackError where there is none, ForbiddenError."""
    found = objects.find(client, well_known("v1", "Secret"), namespace, SECRET)
    data = (found or {}).get("data") or {}
    if KEY not in data:
        raise MlstackError(
            f"There is no generated password in namespace {namespace} (Secret {SECRET}, key {KEY}).",
            "The hub may have users of its own (authenticator native or oauth), or a password that you gave.",
        )
    return base64.b64decode(data[KEY]).decode()
