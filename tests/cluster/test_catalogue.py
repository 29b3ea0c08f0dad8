"""A real API server takes every object of every prototype, strictly, and its pods at the level that each states.

All is dry-run on a control plane of its own, whose job kinds are the operators' own definitions.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlstack import sandbox
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.connect import connect
from mlstack.cluster.kinds import WELL_KNOWN, Resource, well_known
from mlstack.compose.manifests import Manifest, pod_templates
from mlstack.errors import MlstackError
from tests.compose.test_kubeformats import RIGHT, WRONG
from tests.prototypes.drawn import drawn_sets
from tests.prototypes.showing import FULLEST, PLATFORMS, PROTOTYPES, catalogue, on_fullest, show
from tests.upstream.crds import FILES, crd

CRD = "CustomResourceDefinition"
LEVELS = ("restricted", "baseline", "privileged")
# What a pod may name and a dry-run would miss; no level looks at either.
NAMED = ("serviceAccountName", "priorityClassName")

Case = tuple[str, Manifest]


@pytest.fixture(scope="module")
def server(session_env: dict[str, str]) -> Iterator[Client]:
    """The client of a control plane with a namespace for each level, and one called team."""
    try:
        sandbox.up("catalogue", like="minikube", context="catalogue", progress=lambda _: None)
        with connect("catalogue", str(Path(session_env["KUBECONFIG"]))) as client:
            for name in ("team", *LEVELS):
                labels = {"pod-security.kubernetes.io/enforce": name} if name in LEVELS else {}
                manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
                objects.create(client, well_known("v1", "Namespace"), manifest, manager="test")
            yield client
    finally:
        sandbox.down("catalogue")


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """Every different object: of all sets on the platform that has most, and of the defaults on the others."""
    found: dict[str, Case] = {}
    for prototype in PROTOTYPES:
        sets = [(f"{prototype} with {values}", one) for values, one in on_fullest(prototype)]
        defaults = [(f"{prototype} on {platform}", show(prototype, platform)) for platform in PLATFORMS]
        for where, rendered in [*sets, *defaults]:
            for manifest in rendered.manifests:
                found.setdefault(json.dumps(manifest), (f"{manifest['kind']} of {where}", manifest))
    return list(found.values())


def resource_of(manifest: Manifest) -> Resource:
    version, kind = manifest["apiVersion"], manifest["kind"]
    if (version, kind) in WELL_KNOWN:
        return well_known(version, kind)
    group, _, name = version.partition("/")
    spec = crd(kind)["spec"]
    return Resource(group, name, kind, spec["names"]["plural"], spec["scope"] == "Namespaced")


def refused(client: Client, chosen: Iterable[Case], namespace: str | None = None) -> list[str]:
    """What the server says against creating these objects, a dry-run each, many at once."""
    asked = list(chosen)

    def create(case: Case) -> None:
        manifest = (
            case[1] if namespace is None else {**case[1], "metadata": {**case[1]["metadata"], "namespace": namespace}}
        )
        objects.create(client, resource_of(manifest), manifest, manager="test", dry_run=True)

    answers = client.map(create, asked)
    return [
        f"{where}: {said}" for (where, _), said in zip(asked, answers, strict=True) if isinstance(said, MlstackError)
    ]


def serve(client: Client, kinds: Iterable[str]) -> None:
    """Have these kinds served by their operators' own definitions."""
    resource = well_known("apiextensions.k8s.io/v1", CRD)
    for kind in kinds:
        name = objects.apply(client, resource, crd(kind), manager="test")["metadata"]["name"]
        while not established(objects.get(client, resource, None, name)):
            time.sleep(0.1)


def established(definition: Manifest) -> bool:
    conditions = definition.get("status", {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


def test_every_object_is_taken_strictly(server: Client, cases: list[Case]) -> None:
    custom = {manifest["kind"] for _, manifest in cases if manifest["kind"] in FILES}
    assert len(cases) > 500
    # Our own definitions first, while no other has their names.
    assert refused(server, (case for case in cases if case[1]["kind"] not in custom)) == []
    serve(server, sorted(custom))
    assert refused(server, (case for case in cases if case[1]["kind"] in custom)) == []


def pods(prototype: str, chosen: Iterable[Case]) -> list[Case]:
    """The pods of the objects' templates, each kind of pod once."""
    found: dict[str, Case] = {}
    for where, manifest in chosen:
        for path, template in pod_templates(manifest):
            spec = {key: value for key, value in template["spec"].items() if key not in NAMED}
            if not all("image" in container for container in spec["containers"]):
                continue  # a patch of a runtime's own pods
            claims = manifest["spec"].get("volumeClaimTemplates", ())
            spec["volumes"] = spec.get("volumes", []) + [{"name": one["metadata"]["name"]} for one in claims]
            pod: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}
            found.setdefault(json.dumps(spec), (f"{'.'.join(path)} of {where}", pod))
    return list(found.values())


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_pods_are_admitted_at_the_level_that_the_prototype_states(prototype: str, server: Client) -> None:
    stated = catalogue()[prototype].pod_security
    rendered = [one for _, one in on_fullest(prototype)]
    every = pods(prototype, ((prototype, manifest) for one in rendered for manifest in one.manifests))
    assert stated or not every, "a prototype with pods says its pod_security"
    if not every:
        return
    assert refused(server, every, stated) == []
    if {"run_as_user"} <= catalogue()[prototype].parameters.keys():
        user = [show(prototype, FULLEST, **{**values, "run_as_user": 1000}) for values, _ in on_fullest(prototype)]
        every = pods(prototype, ((prototype, manifest) for one in user for manifest in one.manifests))
        assert refused(server, every, "restricted") == []
    plain = pods(prototype, ((prototype, manifest) for manifest in rendered[0].manifests))
    stricter = LEVELS[: LEVELS.index(stated)]
    assert [level for level in stricter if not refused(server, plain, level)] == [], "it could state a stricter level"


def test_workers_that_wait_for_their_master_are_admitted_everywhere(server: Client) -> None:
    """With the container that our training operator puts before them, from the file that it is given."""
    operator = {one["metadata"]["name"]: one for one in show("training-operator").manifests}
    text = operator["training-operator-config"]["data"]["init-pytorch.yaml"]
    for name, value in {"InitContainerImage": "alpine", "MaxTries": "100", "MasterAddr": "x-master-0"}.items():
        text = text.replace("{{." + name + "}}", value)
    (waiting,) = yaml.safe_load(text)
    rendered = show("pytorch-job", num_workers=1, run_as_user=1000)
    (job,) = [one for one in rendered.manifests if one["kind"] == "PyTorchJob"]
    ((_, pod),) = pods("pytorch-job", [("worker", job)])
    pod["spec"]["initContainers"] = [waiting]
    assert refused(server, [("a worker", pod)], "restricted") == []


def drawn_cases(seeds: range) -> list[Case]:
    """Every object of sets of parameters that were drawn from the descriptions."""
    return [
        (f"{manifest['kind']} of {prototype}, seed {seed}: {values}", manifest)
        for seed, prototype, values in drawn_sets(seeds)
        for manifest in show(prototype, FULLEST, **values).manifests
    ]


def refused_drawn(client: Client, seeds: range) -> tuple[int, list[str]]:
    """The number of objects of drawn sets, and what the server says against applying them."""
    cases = drawn_cases(seeds)
    serve(client, sorted({manifest["kind"] for _, manifest in cases if manifest["kind"] in FILES}))

    def apply(case: Case) -> None:
        objects.apply(client, resource_of(case[1]), case[1], manager="test", force=True, dry_run=True)

    answers = client.map(apply, cases)
    problems = [
        f"{where}: {said}" for (where, _), said in zip(cases, answers, strict=True) if isinstance(said, Exception)
    ]
    return len(cases), problems


def test_what_the_descriptions_allow_is_taken_strictly(server: Client) -> None:
    count, problems = refused_drawn(server, range(65))
    assert problems == []
    assert count > 200


@pytest.mark.slow
def test_three_thousand_sets_that_the_descriptions_allow_are_taken_strictly(server: Client) -> None:
    parts = [refused_drawn(server, range(start, start + 100)) for start in range(0, 3000, 100)]
    problems = [problem for _, found in parts for problem in found]
    print(f"3000 sets, seeds 0 to 2999: {sum(count for count, _ in parts)} objects, {len(problems)} refused")
    assert problems == []


def pod(**spec: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "team"},
        "spec": {"containers": [{"name": "c", "image": "x"}], **spec},
    }


def container(**more: Any) -> Manifest:
    return pod(containers=[{"name": "c", "image": "x", **more}])


def named(kind: str, name: str = "a", **more: Any) -> Manifest:
    metadata = {"name": name, "namespace": "team", **more.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **more}


def limits(name: str, text: str) -> Manifest:
    return container(resources={"requests": {name: text}, "limits": {name: text}})


def claim(text: str) -> Manifest:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": text}}}
    return named("PersistentVolumeClaim", spec=spec)


# Where the API has what a format describes.
FIELDS: dict[str, Callable[[str], Manifest]] = {
    "bytes": lambda text: limits("memory", text),
    "storage": claim,
    "cpu": lambda text: limits("cpu", text),
    "name": lambda text: pod(containers=[{"name": text, "image": "x"}]),
    "dns1035-label": lambda text: named("Service", text, spec={"ports": [{"port": 1}], "clusterIP": "None"}),
    "dns1123-subdomain": lambda text: named("Secret", text),
    "label-value": lambda text: named("ConfigMap", metadata={"labels": {"a": text}}),
    "label-key": lambda text: named("ConfigMap", metadata={"labels": {text: ""}}),
    "annotation-key": lambda text: named("ConfigMap", metadata={"annotations": {text: ""}}),
    "env-name": lambda text: container(env=[{"name": text, "value": "x"}]),
    "secret-key": lambda text: named("ConfigMap", data={text: "x"}),
    "extended-resource": lambda text: limits(text, "1"),
}
# Accepted by the server, and refused by us all the same: half a byte and the like are mistakes (a warning at most).
STRICTER = {
    "bytes": {"512m", "0.5", "1n", "1.0001Ki", "9Ei", "1e-1"},
    "cpu": {"2Gi", "1k", "100u", "0.0001", "1000001"},
    "dns1035-label": {"1a"},  # taken by the newest only, and headless
    "extended-resource": {"cpu"},
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_format_is_the_servers(name: str, server: Client) -> None:
    def refuses(text: str) -> bool:
        manifest = FIELDS[name](text)
        try:
            objects.create(server, resource_of(manifest), manifest, manager="test", dry_run=True)
        except MlstackError:
            return True
        return False

    assert {text for text in RIGHT[name] if refuses(text)} == set()
    assert {text for text in WRONG[name] if not refuses(text)} == STRICTER.get(name, set())
