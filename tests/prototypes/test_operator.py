"""The training operator: exactly its definitions, no more rights than its jobs need, one in a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Rendered
from mlstack.sandbox import operator

Show = Callable[..., Rendered]
One = Callable[..., dict[str, Any]]
Schema = dict[str, Any]

KINDS = {
    "tfjob": "TFJob",
    "pytorchjob": "PyTorchJob",
    "paddlejob": "PaddleJob",
    "mpijob": "MPIJob",
    "xgboostjob": "XGBoostJob",
    "jaxjob": "JAXJob",
}
SCHEMES = list(KINDS)
KEPT = ("type", "format", "default", "enum", "x-kubernetes-int-or-string", "x-kubernetes-validations")


def named(rendered: Rendered, kind: str) -> list[str]:
    return [manifest["metadata"]["name"] for manifest in rendered.manifests if manifest["kind"] == kind]


def rules(manifest: dict[str, Any], resource: str) -> list[dict[str, Any]]:
    return [rule for rule in manifest["rules"] if resource in rule["resources"]]


@pytest.mark.parametrize("schemes", [*([scheme] for scheme in SCHEMES if scheme != "mpijob"), SCHEMES[:3], SCHEMES])
def test_it_serves_exactly_the_kinds_that_it_defines(schemes: list[str], show: Show, one: One) -> None:
    rendered = show("training-operator", schemes=schemes)
    assert named(rendered, "CustomResourceDefinition") == [f"{scheme}s.kubeflow.org" for scheme in schemes]
    operator = one("Deployment", "training-operator", schemes=schemes)["spec"]["template"]["spec"]["containers"][0]
    enabled = [arg for arg in operator["args"] if arg.startswith("--enable-scheme=")]
    assert enabled == [f"--enable-scheme={scheme}" for scheme in schemes]
    hooks = one("ValidatingWebhookConfiguration", "training-operator", schemes=schemes)["webhooks"]
    asked = [hook["rules"][0]["resources"] for hook in hooks]
    assert asked == [[f"{scheme}s"] for scheme in schemes if scheme != "mpijob"]  # it has none for MPIJob
    role = one("ClusterRole", "training-operator", schemes=schemes)
    jobs = next(rule for rule in role["rules"] if rule["apiGroups"] == ["kubeflow.org"])
    assert jobs["resources"] == [f"{scheme}s" for scheme in schemes]


def test_definitions_can_be_left_to_others(show: Show) -> None:
    for prototype in ("training-operator", "kubeflow-core"):
        assert named(show(prototype), "CustomResourceDefinition") != []
        assert named(show(prototype, crds="skip"), "CustomResourceDefinition") == []


@pytest.mark.parametrize("prototype", ["training-operator", "kubeflow-core"])
def test_every_scheme_that_the_operator_knows_can_be_switched_on(
    prototype: str, catalogue: dict[str, Prototype]
) -> None:
    name = "schemes" if prototype == "training-operator" else "operator_schemes"
    schema = catalogue[prototype].parameter(name).schema
    assert set(schema["items"]["enum"]) == set(SCHEMES) == set(operator.SCHEMES)


def fields(schema: Schema, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Every field below `schema`: its path ([] an item, {} a value of a map) and its own schema."""
    for name, below in schema.get("properties", {}).items():
        yield (*path, name), below
        yield from fields(below, (*path, name))
    for step, key in (("[]", "items"), ("{}", "additionalProperties")):
        if isinstance(schema.get(key), dict):
            yield (*path, step), schema[key]
            yield from fields(schema[key], (*path, step))


def at(schema: Schema, path: tuple[str, ...]) -> Schema | None:
    """The schema of the field at `path`; an open one ({}) where everything below is kept; None where it is dropped."""
    for step in path:
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            return {}
        below = {"[]": schema.get("items"), "{}": schema.get("additionalProperties")}
        found = below[step] if step in below else schema.get("properties", {}).get(step)
        if found is None:
            return None
        schema = found
    return {} if schema.get("x-kubernetes-preserve-unknown-fields") else schema


@pytest.mark.parametrize("scheme", SCHEMES)
def test_our_definition_keeps_every_field_of_the_operators_own(
    scheme: str, one: One, upstream_crds: dict[str, dict[str, Any]]
) -> None:
    theirs = upstream_crds[KINDS[scheme]]["spec"]
    ours = one(f"CustomResourceDefinition/{scheme}s.kubeflow.org", "training-operator", schemes=[scheme])["spec"]
    assert ours["names"] == theirs["names"]
    assert (ours["group"], ours["scope"]) == (theirs["group"], theirs["scope"])
    (version,), (upstream,) = ours["versions"], theirs["versions"]
    assert version["subresources"] == upstream["subresources"]
    assert version["additionalPrinterColumns"] == upstream["additionalPrinterColumns"]
    schema, original = version["schema"]["openAPIV3Schema"], upstream["schema"]["openAPIV3Schema"]
    checked = 0
    for path, field in fields(original):
        mine = at(schema, path)
        assert mine is not None, f"{'.'.join(path)} would be dropped"
        checked += 1
        if mine and path[-1] != "template":
            for key in KEPT:
                assert mine.get(key) == field.get(key), (path, key)
            assert set(mine.get("required", [])) <= set(field.get("required", [])), path
    assert checked > 1000


@pytest.mark.parametrize("scheme", SCHEMES)
def test_our_definition_is_small_and_invents_nothing(
    scheme: str, one: One, upstream_crds: dict[str, dict[str, Any]]
) -> None:
    crd = one(f"CustomResourceDefinition/{scheme}s.kubeflow.org", "training-operator", schemes=[scheme])
    assert len(str(crd)) < 10_000  # upstream's do not fit into kubectl's last-applied annotation of 262144 bytes
    original = upstream_crds[KINDS[scheme]]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for path, _ in fields(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]):
        assert at(original, path) is not None, f"{'.'.join(path)} is not upstream's"


def test_suspend_is_false_by_default_because_the_operator_reads_it(one: One) -> None:
    crd = one("CustomResourceDefinition/tfjobs.kubeflow.org", "training-operator")
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert at(schema, ("spec", "runPolicy", "suspend")) == {"type": "boolean", "default": False}


def test_it_reads_no_secret_beyond_its_own_namespace(one: One) -> None:
    assert rules(one("ClusterRole", "training-operator", schemes=SCHEMES, gang_scheduler="volcano"), "secrets") == []
    read, write = rules(one("Role", "training-operator"), "secrets")
    assert read["verbs"] == ["list", "watch"]
    assert write["resourceNames"] == ["training-operator-webhook-cert"]
    assert one("Secret", "training-operator").keys() & {"data", "stringData"} == set()


@pytest.mark.parametrize("resource", ["pods/exec", "rolebindings", "serviceaccounts", "configmaps"])
def test_rights_that_only_mpi_jobs_need_come_with_them(resource: str, one: One) -> None:
    assert rules(one("ClusterRole", "training-operator"), resource) == []
    assert len(rules(one("ClusterRole", "training-operator", schemes=["mpijob"]), resource)) == 1


def test_nothing_may_be_everything(show: Show) -> None:
    for scope in ("cluster", "namespace"):
        rendered = show("kubeflow-core", operator_schemes=SCHEMES, operator_scope=scope)
        roles = [manifest for manifest in rendered.manifests if manifest["kind"] in ("Role", "ClusterRole")]
        assert len(roles) == 3
        for rule in (rule for role in roles for rule in role["rules"]):
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]


def test_one_namespace_has_its_rights_in_that_namespace(one: One) -> None:
    values = {"scope": "namespace"}
    assert [rule["resources"] for rule in one("ClusterRole", "training-operator", **values)["rules"]] == [
        ["validatingwebhookconfigurations"]
    ] * 2
    assert len(rules(one("Role", "training-operator", **values), "tfjobs")) == 1
    operator = one("Deployment", "training-operator", **values)["spec"]["template"]["spec"]["containers"][0]
    assert "--namespace=team" in operator["args"]


def test_the_webhook_can_be_left_out_and_is_not_filled_in(show: Show, one: One) -> None:
    assert named(show("training-operator", webhook=False), "ValidatingWebhookConfiguration") == []
    assert named(show("training-operator", schemes=["mpijob"]), "ValidatingWebhookConfiguration") == []
    for hook in one("ValidatingWebhookConfiguration", "training-operator")["webhooks"]:
        assert "caBundle" not in hook["clientConfig"]
        assert hook["clientConfig"]["service"]["namespace"] == "team"


def test_what_a_cluster_has_once_is_marked_and_so_is_what_belongs_to_it(show: Show) -> None:
    for manifest in show("training-operator", schemes=SCHEMES).manifests:
        annotations = manifest["metadata"]["annotations"]
        if "namespace" in manifest["metadata"]:
            assert annotations == {"mlstack.dev/shared-with": "ClusterRoleBinding/training-operator"}
        else:
            assert annotations == {"mlstack.dev/shared": "true"}


def test_a_gang_scheduler_is_told_and_may_have_its_groups(one: One) -> None:
    for scheduler, group in (("volcano", "scheduling.volcano.sh"), ("coscheduling", "scheduling.x-k8s.io")):
        values = {"gang_scheduler": scheduler}
        operator = one("Deployment", "training-operator", **values)["spec"]["template"]["spec"]["containers"][0]
        assert f"--gang-scheduler-name={scheduler}" in operator["args"]
        (rule,) = rules(one("ClusterRole", "training-operator", **values), "podgroups")
        assert rule["apiGroups"] == [group]
