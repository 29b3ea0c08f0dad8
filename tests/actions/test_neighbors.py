from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mlstack.actions.neighbors import refuse_relied_on, users_of
from mlstack.cluster.failures import ForbiddenError
from mlstack.cluster.objects import Listing
from mlstack.compose.manifests import Key
from mlstack.errors import MlstackError
from mlstack.plan.inventory import Owner

OWNER = Owner("shop", "prod", "mlstack-1-2", "n", "mlstack-1-2")
SPACE, PLAIN = Key("", "Namespace", "", "n"), Key("", "ConfigMap", "n", "a")
LIVE: dict[str, Any] = {"metadata": {}}
PARENT = {
    "metadata": {"name": "mlstack-1-3", "namespace": "n", "annotations": {"mlstack.dev/applied-by": "shop/staging"}}
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The namespaces whose inventories were listed; the whole cluster (None) may not be."""
    found: list[Any] = []

    def listed(_client: Any, resource: Any, namespace: Any = None, **options: Any) -> Listing:
        assert (resource.kind, options) == (
            "ConfigMap",
            {"labels": "applyset.kubernetes.io/id", "metadata_only": True},
        )
        found.append(namespace)
        if namespace is None:
            raise ForbiddenError("no")
        return Listing([PARENT], "1")

    monkeypatch.setattr("mlstack.cluster.objects.list_objects", listed)
    return found


@pytest.fixture
def session() -> Any:
    scope = SimpleNamespace(environment="prod")
    return SimpleNamespace(connection=SimpleNamespace(client=None), owner=OWNER, scope=scope)


def test_nothing_is_asked_for_what_nobody_shares(session: Any, asked: list[Any]) -> None:
    assert users_of(session, {PLAIN: LIVE}, {}) == {}
    refuse_relied_on(session, {PLAIN: LIVE}, {})
    assert asked == []


def test_others_are_named_and_where_the_cluster_may_not_be_listed_those_of_the_namespace(
    session: Any, asked: list[Any]
) -> None:
    assert users_of(session, {SPACE: LIVE}, {}) == {SPACE: "mlstack app shop, environment staging"}
    assert asked == [None, "n"]
    with pytest.raises(MlstackError) as refused:
        refuse_relied_on(session, {SPACE: LIVE, PLAIN: LIVE}, {})
    assert refused.value.message == (
        "Nothing was removed: Namespace/n would go, which mlstack app shop, environment staging relies on."
    )
    assert "mlstack delete prod -c NAME" in refused.value.hint
