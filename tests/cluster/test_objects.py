"""Objects on a real API server: what each verb does, and how each refusal reads."""

from __future__ import annotations

from typing import Any

import pytest

from mlstack.cluster import failures, objects
from mlstack.cluster.client import Client
from mlstack.cluster.discovery import Discovery
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Manifest

CONFIG_MAP = well_known("v1", "ConfigMap")
SECRET = well_known("v1", "Secret")
DEPLOYMENT = well_known("apps/v1", "Deployment")


def config_map(namespace: str, name: str = "settings", **data: Any) -> Manifest:
    """A ConfigMap with a label to select it by."""
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def deployment(namespace: str, **spec: Any) -> Manifest:
    """A Deployment without replicas."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    whole = {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
    metadata = {"name": "web", "namespace": namespace}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": whole}


def apply(client: Client, manifest: Manifest, manager: str = "one", **options: Any) -> Manifest:
    """Applies a manifest of a well-known kind."""
    return objects.apply(
        client, well_known(manifest["apiVersion"], manifest["kind"]), manifest, manager=manager, **options
    )


def test_apply_creates_and_then_changes_nothing(client: Client, made: str) -> None:
    first = apply(client, config_map(made, a="1"))
    second = apply(client, config_map(made, a="1"))
    assert first["data"] == {"a": "1"}
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert [entry["manager"] for entry in second["metadata"]["managedFields"]] == ["one"]


def test_dry_run_stores_nothing(client: Client, made: str) -> None:
    assert apply(client, config_map(made, a="1"), dry_run=True)["data"] == {"a": "1"}
    objects.create(client, CONFIG_MAP, config_map(made), manager="one", dry_run=True)
    assert objects.find(client, CONFIG_MAP, made, "settings") is None
    apply(client, config_map(made, a="1"))
    assert objects.delete(client, CONFIG_MAP, made, "settings", dry_run=True)
    assert objects.find(client, CONFIG_MAP, made, "settings") is not None


def test_conflict_names_the_field_and_the_other(client: Client, made: str) -> None:
    apply(client, config_map(made, a="1", b="1"))
    with pytest.raises(failures.ConflictError) as error:
        apply(client, config_map(made, a="2", c="1"), "two")
    assert [(cause.field, cause.manager) for cause in error.value.causes] == [(".data.a", "one")]
    assert apply(client, config_map(made, a="2"), "two", force=True)["data"] == {"a": "2", "b": "1"}


def test_unknown_fields_are_the_users_error(client: Client, made: str) -> None:
    with pytest.raises(failures.InvalidError) as error:
        apply(client, deployment(made, replicaz=1))
    assert [cause.field for cause in error.value.causes] == [".spec.replicaz"]
    with pytest.raises(failures.InvalidError) as error:
        objects.create(client, DEPLOYMENT, deployment(made, replicaz=1), manager="one")
    assert [cause.field for cause in error.value.causes] == ["spec.replicaz"]
    assert client.requests == {"PATCH deployments": 1, "POST deployments": 1}


def test_wrong_values_name_their_field(client: Client, made: str) -> None:
    with pytest.raises(failures.InvalidError) as error:
        apply(client, deployment(made, replicas=-1))
    assert [cause.field for cause in error.value.causes] == ["spec.replicas"]


def test_secrets_stay_out_of_errors(client: Client, made: str) -> None:
    metadata = {"name": "s", "namespace": made}
    secret: Manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    for content in ({"type": "kubernetes.io/tls", "stringData": {"x": "hunter2"}}, {"data": {"x": 421337}}):
        with pytest.raises(failures.InvalidError) as error:
            apply(client, {**secret, **content})
        assert "hunter2" not in f"{error.value}{error.value.causes}"
        assert "421337" not in f"{error.value}{error.value.causes}"


def test_missing_things_are_told_apart(client: Client, made: str) -> None:
    with pytest.raises(failures.NotFoundError) as error:
        objects.get(client, CONFIG_MAP, made, "nope")
    assert (error.value.kind, error.value.name) == ("configmaps", "nope")
    with pytest.raises(failures.NotFoundError) as error:
        apply(client, config_map("no-such-namespace"))
    assert (error.value.kind, error.value.name) == ("namespaces", "no-such-namespace")
    with pytest.raises(failures.NotFoundError) as error:
        client.json("GET", "/apis/nobody.example/v1/things")
    assert error.value.kind == ""


def test_create_refuses_a_taken_name(client: Client, made: str) -> None:
    objects.create(client, CONFIG_MAP, config_map(made), manager="one")
    with pytest.raises(failures.AlreadyExistsError):
        objects.create(client, CONFIG_MAP, config_map(made), manager="one")


def test_update_refuses_an_old_version(client: Client, made: str) -> None:
    old = apply(client, config_map(made, a="1"))
    new = objects.update(client, CONFIG_MAP, {**old, "data": {"a": "2"}}, manager="one")
    assert new["data"] == {"a": "2"}
    with pytest.raises(failures.ConflictError) as error:
        objects.update(client, CONFIG_MAP, {**old, "data": {"a": "3"}}, manager="one")
    assert error.value.causes == ()


def test_patches(client: Client, made: str) -> None:
    apply(client, config_map(made, a="1", b="1"))
    merged = objects.patch(client, CONFIG_MAP, made, "settings", {"data": {"a": None, "c": "1"}}, manager="two")
    assert merged["data"] == {"b": "1", "c": "1"}
    steps = [{"op": "replace", "path": "/data/b", "value": "2"}]
    changed = objects.patch(client, CONFIG_MAP, made, "settings", steps, manager="two", kind="json")
    assert changed["data"] == {"b": "2", "c": "1"}
    apply(client, deployment(made))
    scale = {"spec": {"replicas": 3}}
    scaled = objects.patch(client, DEPLOYMENT, made, "web", scale, manager="two", subresource="scale")
    assert scaled["spec"]["replicas"] == 3


def test_delete_minds_the_uid(client: Client, made: str) -> None:
    uid = apply(client, config_map(made))["metadata"]["uid"]
    with pytest.raises(failures.ConflictError):
        objects.delete(client, CONFIG_MAP, made, "settings", uid="somebody-else")
    assert objects.delete(client, CONFIG_MAP, made, "settings", uid=uid) is True
    assert objects.delete(client, CONFIG_MAP, made, "settings", uid=uid) is False


@pytest.mark.parametrize(("page", "requests"), [(0, 1), (2, 3)])
def test_list_selects_and_pages(client: Client, made: str, page: int, requests: int) -> None:
    for number in range(5):
        apply(client, config_map(made, f"c{number}"))
    client.requests.clear()
    listing = objects.list_objects(client, CONFIG_MAP, made, labels="app", page=page)
    assert [item["metadata"]["name"] for item in listing.items] == [f"c{number}" for number in range(5)]
    assert {(item["apiVersion"], item["kind"]) for item in listing.items} == {("v1", "ConfigMap")}
    assert client.requests == {"LIST configmaps": requests}
    one = objects.list_objects(client, CONFIG_MAP, made, fields="metadata.name=c3").items
    assert [item["metadata"]["name"] for item in one] == ["c3"]


def test_metadata_only(client: Client, made: str) -> None:
    apply(client, config_map(made, a="1"))
    assert "data" not in apply(client, config_map(made, a="1"), metadata_only=True)
    assert "data" not in objects.get(client, CONFIG_MAP, made, "settings", metadata_only=True)
    [item] = objects.list_objects(client, CONFIG_MAP, made, labels="app", metadata_only=True).items
    assert (item["kind"], "data" in item) == ("ConfigMap", False)


def test_objects_over_the_limit(client: Client, made: str) -> None:
    with pytest.raises((failures.TooLargeError, failures.InvalidError)) as error:
        apply(client, config_map(made, a="x" * (4 << 20)))
    assert not error.value.retryable


def test_a_quota_is_no_missing_permission(client: Client, made: str) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": made}}
    apply(client, {**quota, "spec": {"hard": {"count/secrets": "0"}}})
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": made}}

    def fill() -> None:
        for _ in range(200):  # the quota counts once its controller has seen it
            apply(client, secret)
            objects.delete(client, SECRET, made, "s")

    with pytest.raises(failures.DeniedError, match=r"exceeded quota: q|status unknown for quota: q"):
        fill()


def test_a_webhook_that_is_not_there_is_worth_a_retry(client: Client, made: str) -> None:
    hook = {
        "name": f"{made}.example.org",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": [{"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": made}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
    }
    kind = "ValidatingWebhookConfiguration"
    resource = Discovery(client).resource("admissionregistration.k8s.io/v1", kind)
    configuration = {"apiVersion": resource.api_version, "kind": kind, "metadata": {"name": made}, "webhooks": [hook]}

    def fill() -> None:
        for number in range(200):  # the API server learns of it a moment later
            apply(client, config_map(made, f"c{number}"))

    apply(client, configuration)
    try:
        with pytest.raises(failures.WebhookError) as error:
            fill()
        assert error.value.retryable
    finally:
        objects.delete(client, resource, None, made)
