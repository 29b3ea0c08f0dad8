from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlstack.compose.manifests import Manifest, key_of
from mlstack.plan.inventory import Owner
from mlstack.plan.losing import (
    claims_of,
    claims_words,
    contents_words,
    data_word,
    deletes_claims,
    gated,
    loses_data,
    resources_words,
    secret_words,
    set_keys,
    volume_words,
    with_their_definition,
)
from mlstack.plan.model import Action, Allow, Change

OWNER = Owner("app", "gke", "mlstack-a-e", "ml", "mlstack-a-e")
GENERATED = {"mlstack.dev/generate": '{"cookie": "hex:32"}'}


def live(kind: str, api: str = "v1", name: str = "x", **more: Any) -> Manifest:
    metadata = {"name": name, "namespace": "ml", **more.pop("metadata", {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


def secret(annotations: dict[str, str], *keys: str, manager: str = "", type_: str = "Opaque") -> Manifest:
    fields: dict[str, Any] = {"f:data": {f"f:{key}": {} for key in keys}}
    entries = [{"manager": manager, "operation": "Update", "fieldsV1": fields}] if manager else []
    metadata = {"annotations": annotations, "managedFields": entries}
    return live("Secret", metadata=metadata, data=dict.fromkeys(keys, "eA=="), type=type_)


def claims_deleter(policy: str) -> Manifest:
    spec = {
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": policy},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
    }
    return live("StatefulSet", "apps/v1", "db", spec=spec)


@pytest.mark.parametrize(
    ("there", "pruned", "recreated"),
    [
        (live("ConfigMap"), "", ""),
        (live("PersistentVolumeClaim"), "pvc", "pvc"),
        (live("PersistentVolume"), "pv", "pv"),
        (live("Namespace"), "namespace", "namespace"),
        (live("CustomResourceDefinition", "apiextensions.k8s.io/v1"), "crd", "crd"),
        (claims_deleter("Delete"), "statefulset", "statefulset"),
        (claims_deleter("Retain"), "", ""),
        (secret({}), "", ""),
        (secret(GENERATED, "cookie"), "", "secret"),
        (secret(GENERATED, "cookie", "password"), "secret", "secret"),
        (secret({}, "tls.crt", "ca.key", manager="training-operator"), "", ""),
        (secret({}, "tls.crt", manager="mlstack-secret"), "secret", "secret"),
        (secret({}, "tls.crt", manager="kubectl-edit"), "secret", "secret"),
        (secret({}, "token", type_="kubernetes.io/service-account-token"), "", ""),
        (secret({"mlstack.dev/generate": "no json"}, "cookie"), "secret", "secret"),
    ],
)
def test_what_holds_data(there: Manifest, pruned: str, recreated: str) -> None:
    key = key_of(there)
    assert (data_word(key, there), data_word(key, there, recreated=True)) == (pruned, recreated)
    change = Change(key, Action.PRUNE, live=there)
    assert loses_data(change) is bool(pruned)
    assert loses_data(replace(change, action=Action.RECREATE)) is bool(recreated)
    assert not loses_data(replace(change, action=Action.CHANGE))


def test_what_another_user_deletes_is_not_gated() -> None:
    going = live("PersistentVolumeClaim", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    assert not loses_data(Change(key_of(going), Action.RECREATE, live=going))


def test_a_recreation_needs_both_options() -> None:
    claim = live("PersistentVolumeClaim")
    change = Change(key_of(claim), Action.RECREATE, live=claim, reason="spec.x cannot be changed in place")
    for allow in (Allow(), Allow(recreate=True), Allow(include=frozenset({"pvc"}))):
        assert gated(change, "the data", allow).blocked == (
            "spec.x cannot be changed in place. --recreate --include pvc deletes and creates it, and loses the data."
        )
    allowed = gated(change, "the data", Allow(recreate=True, include=frozenset({"pvc"})))
    assert (allowed.blocked, allowed.loses) == ("", "the data")
    assert gated(replace(change, action=Action.PRUNE), "the data", Allow()).blocked == ""


def test_custom_resources_are_created_again_after_their_definition() -> None:
    spec = {"group": "e.io", "names": {"kind": "Thing"}}
    crd = live("CustomResourceDefinition", "apiextensions.k8s.io/v1", spec=spec)
    thing, other = live("Thing", "e.io/v1"), live("Other", "e.io/v1")
    changes = [
        Change(key_of(crd), Action.RECREATE, live=crd),
        Change(key_of(thing), Action.UNCHANGED, live=thing, manifest=thing),
        Change(key_of(other), Action.UNCHANGED, live=other, manifest=other),
    ]
    assert [c.action for c in with_their_definition(changes)] == [Action.RECREATE, Action.RECREATE, Action.UNCHANGED]
    changes[0] = replace(changes[0], action=Action.UNCHANGED)
    assert with_their_definition(changes) == changes


APPLIED = {"manager": OWNER.manager, "operation": "Apply", "fieldsV1": {}}


def test_custom_resources_are_counted() -> None:
    ours = live("Thing", "e.io/v1", metadata={"managedFields": [APPLIED]})
    others = [live("Thing", "e.io/v1", name, metadata={"namespace": name}) for name in ("a", "ml")]
    assert resources_words([ours, *others], "things.e.io", OWNER) == (
        "3 custom resources of things.e.io in 2 namespaces, 2 of them not this app's"
    )
    assert resources_words([ours], "things.e.io", OWNER) == "1 custom resource of things.e.io in 1 namespace"
    assert resources_words([], "things.e.io", OWNER) == "0 custom resources of things.e.io"


def test_the_words_for_secrets_claims_volumes_and_namespaces() -> None:
    found = secret(GENERATED, "cookie", "password")
    assert set_keys(found) == ["password"]
    assert secret_words(found) == "2 values: password (set), cookie (generated)"
    maker = claims_deleter("Delete")
    assert deletes_claims(maker)
    status = {"capacity": {"storage": "1Gi"}}
    claims = [
        live("PersistentVolumeClaim", name=name, status=status) for name in ("data-db-0", "data-db-x", "data-dbs-0")
    ]
    mine = claims_of(maker, claims)
    assert [one["metadata"]["name"] for one in mine] == ["data-db-0"]
    assert claims_words(mine) == "the data of 1 PersistentVolumeClaim: data-db-0 (1Gi)"
    volume = live("PersistentVolume", name="pv-1", spec={"persistentVolumeReclaimPolicy": "Retain"})
    assert volume_words(claims[0], None) == "the data of data-db-0 (1Gi)"
    assert volume_words(claims[0], volume) == "its hold on the data (1Gi): PersistentVolume pv-1 keeps them (Retain)"
    assert contents_words(["Pod", "Secret", "Pod"]) == "3 objects in it: 2 Pod, 1 Secret"
