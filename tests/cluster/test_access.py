"""Who we are and what we may do."""

from __future__ import annotations

import pytest

from mlstack.cluster import objects
from mlstack.cluster.access import Permission, may, whoami
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ForbiddenError
from mlstack.cluster.kinds import well_known

POD = well_known("v1", "Pod")
NAMESPACE = well_known("v1", "Namespace")
JOB = well_known("batch/v1", "Job")


def test_whoami(client: Client, stranger: Client) -> None:
    assert whoami(stranger) == "stranger"
    assert whoami(client) not in ("", "stranger")


@pytest.mark.parametrize(
    ("permission", "admin", "stranger_may"),
    [
        (Permission("create", JOB, "default"), True, False),
        (Permission("create", POD, "default", "portforward"), True, False),
        (Permission("list", NAMESPACE), True, True),
    ],
)
def test_may(
    client: Client, stranger: Client, granted: None, permission: Permission, admin: bool, stranger_may: bool
) -> None:
    assert (may(client, permission), may(stranger, permission)) == (admin, stranger_may)


def test_words() -> None:
    assert str(Permission("create", JOB, "a")) == "create jobs of API group batch in namespace a"
    assert str(Permission("create", POD, "", "portforward")) == "create pods/portforward"


def test_a_refusal_says_who_and_what_is_missing(stranger: Client) -> None:
    manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train", "namespace": "default"}}
    with pytest.raises(ForbiddenError) as error:
        objects.apply(stranger, JOB, manifest, manager="test")
    assert str(error.value) == (
        "User 'stranger' of context 'minikube' may not apply jobs/train in namespace default. "
        "Ask the cluster's owner for: verb 'patch' on jobs of API group batch in the namespace 'default'."
    )
