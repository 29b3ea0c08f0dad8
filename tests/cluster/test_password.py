"""The hub's generated password is read from the cluster, where alone it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlstack.actions.password import KEY, SECRET, hub_password
from mlstack.cluster.client import Client
from mlstack.errors import MlstackError


def test_the_password_is_the_secrets(client: Client, made: str, kubectl: Callable[..., str]) -> None:
    with pytest.raises(MlstackError, match="There is no generated password"):
        hub_password(client, made)
    value = f"--from-literal={KEY}=s3cret"
    kubectl("create", "secret", "generic", SECRET, value, "-n", made, context="minikube")
    assert hub_password(client, made) == "s3cret"
