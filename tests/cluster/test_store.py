"""The object that keeps data of ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlstack.cluster import store
from mlstack.cluster.client import Client
from mlstack.cluster.failures import AlreadyExistsError, ConflictError, NotFoundError
from mlstack.cluster.store import Parent

LABELS = {"applyset.kubernetes.io/id": "applyset-x-v1"}
NOTES = {"applyset.kubernetes.io/tooling": "mlstack/v1"}


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_written_as_it_was_read(client: Client, made: str, kind: str) -> None:
    absent = store.read(client, Parent(kind, made, "inventory", {"objects": "[]"}, LABELS, NOTES))
    assert (absent.version, absent.data) == ("", {"objects": "[]"})
    first = store.write(client, absent, manager="test")
    assert (first.data, first.labels, first.annotations) == (absent.data, LABELS, NOTES)
    assert first == store.read(client, Parent(kind, made, "inventory"))
    second = store.write(client, replace(first, data={"history": "é"}), manager="test")
    assert second.data == {"history": "é"}
    with pytest.raises(ConflictError):
        store.write(client, first, manager="test")
    with pytest.raises(AlreadyExistsError):
        store.write(client, absent, manager="test")


def test_removed_only_if_it_is_the_same(client: Client, made: str) -> None:
    first = store.write(client, Parent("ConfigMap", made, "inventory"), manager="test")
    with pytest.raises(ConflictError):
        store.remove(client, replace(first, uid="another"))
    assert store.remove(client, first) is True
    assert store.remove(client, first) is False
    with pytest.raises((ConflictError, NotFoundError)):
        store.write(client, first, manager="test")


def test_no_namespace(client: Client) -> None:
    parent = Parent("ConfigMap", "no-such-namespace", "inventory")
    assert store.read(client, parent).version == ""
    with pytest.raises(NotFoundError):
        store.write(client, parent, manager="test")
