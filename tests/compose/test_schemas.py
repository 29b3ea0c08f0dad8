from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from mlstack.compose.documents import parse_manifests
from mlstack.compose.manifests import Manifest
from mlstack.compose.places import Place
from mlstack.compose.schemas import validate

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tfjobs.kubeflow.org}
spec:
  group: kubeflow.org
  scope: Namespaced
  names: {kind: TFJob, plural: tfjobs, singular: tfjob}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            properties:
              tfReplicaSpecs:
                type: object
                additionalProperties:
                  type: object
                  properties:
                    replicas: {type: integer, minimum: 0}
                    template: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""


def manifests(text: str) -> list[Manifest]:
    return parse_manifests(text, Place("a.yaml"))


def deployment(container: str = "{name: main, image: a}", spec: str = "replicas: 1") -> list[Manifest]:
    return manifests(f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, labels: {{app.kubernetes.io/instance: site}}}}
spec:
  {spec}
  selector: {{matchLabels: {{a: b}}}}
  template:
    metadata: {{labels: {{a: b}}}}
    spec: {{containers: [{container}]}}
""")


def job(worker: str, kind: str = "TFJob") -> list[Manifest]:
    return manifests(f"""
apiVersion: kubeflow.org/v1
kind: {kind}
metadata: {{name: cnn, labels: {{app.kubernetes.io/instance: cnn}}}}
spec: {{tfReplicaSpecs: {{Worker: {worker}}}}}
""")


def said(found: list[Manifest], crds: str = "") -> list[str]:
    return [str(problem) for problem in validate(found, manifests(crds))]


POD = "spec.template.spec"


@pytest.mark.parametrize(
    ("container", "problems"),
    [
        ("{name: main, image: a, resources: {limits: {cpu: 1, memory: 1Gi, nvidia.com/gpu: 1}}}", []),
        ("{name: main, image: a, env: [{name: A, value: null}]}", []),
        ("{name: main, imag: a}", [f"{POD}.containers[main]: unknown field imag. Did you mean image?"]),
        ("{image: a}", [f"{POD}.containers[0]: needs name"]),
        (
            "{name: main, ports: [{containerPort: x}]}",
            [f'{POD}.containers[main].ports[x].containerPort: "x" must be of type integer'],
        ),
        (
            "{name: main, env: [{name: A, value: 1}]}",
            [f"{POD}.containers[main].env[A].value: 1 must be of type string"],
        ),
        (
            "{name: main, resources: {limits: {cpu: 2x}}}",
            [f'{POD}.containers[main].resources.limits.cpu: "2x" is no quantity such as 500m, 2 or 4Gi'],
        ),
    ],
)
def test_built_in_kinds_are_checked_strictly(container: str, problems: list[str]) -> None:
    assert said(deployment(container)) == [f"site: Deployment/web {problem}" for problem in problems]


def test_all_problems_are_told_in_order() -> None:
    settings = manifests("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dat: {}}")
    assert said([*deployment(spec="replicas: x"), *settings]) == [
        'site: Deployment/web spec.replicas: "x" must be of type integer',
        ": ConfigMap/a: unknown field dat. Did you mean data?",
    ]


def test_int_or_string_takes_both() -> None:
    service = "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 1, targetPort: %s}]}}"
    assert said(manifests(service % "http")) == said(manifests(service % "8080")) == []
    assert said(manifests(service % "[1]")) == [
        ": Service/a spec.ports[1].targetPort: [1] must be of type integer or string"
    ]


def test_an_api_version_that_is_gone_is_not_checked() -> None:
    [problem] = validate(manifests("{apiVersion: extensions/v1beta1, kind: Deployment, metadata: {name: a}}"))
    assert problem.unchecked
    assert problem.message == "not checked: no schema is known of Deployment in extensions/v1beta1"


def test_a_crd_is_checked_itself() -> None:
    assert said(manifests(CRD)) == []
    assert said(manifests(CRD.replace("plural: tfjobs, ", ""))) == [
        ": CustomResourceDefinition/tfjobs.kubeflow.org spec.names: needs plural"
    ]


GOOD = "{replicas: 1, template: {spec: {containers: [{name: tensorflow, image: a}]}}}"
BAD = "{replicas: 1, template: {spec: {containers: [{name: tensorflow, imag: a}]}}}"
WORKER = "spec.tfReplicaSpecs.Worker"


@pytest.mark.parametrize("where", ["beside", "among"])
@pytest.mark.parametrize(
    ("worker", "problems"),
    [
        (GOOD, []),
        (BAD, [f"{WORKER}.template.spec.containers[tensorflow]: unknown field imag. Did you mean image?"]),
        ("{replicas: '1'}", [f'{WORKER}.replicas: "1" must be of type integer']),
        ("{replicas: -1}", [f"{WORKER}.replicas: -1 is less than the minimum of 0"]),
        ("{replica: 1}", [f"{WORKER}: unknown field replica. Did you mean replicas?"]),
    ],
)
def test_custom_kinds_are_checked_by_their_crd_and_their_pods(worker: str, problems: list[str], where: str) -> None:
    found = said(job(worker), CRD) if where == "beside" else said([*job(worker), *manifests(CRD)])
    assert found == [f"cnn: TFJob/cnn {problem}" for problem in problems]


def test_pods_of_an_unknown_kind_are_checked_and_it_is_said_that_the_rest_is_not() -> None:
    found = validate(job(BAD, "OtherJob"), manifests(CRD))
    assert [problem.unchecked for problem in found] == [True, False]
    assert [str(problem) for problem in found] == [
        "cnn: OtherJob/cnn: not checked: no schema is known of OtherJob in kubeflow.org/v1",
        f"cnn: OtherJob/cnn {WORKER}.template.spec.containers[tensorflow]: unknown field imag. Did you mean image?",
    ]


@pytest.mark.parametrize("module", ["mlstack.compose.render", "mlstack.compose.schemas"])
def test_heavy_libraries_are_imported_where_they_are_used(module: str) -> None:
    heavy = ["jinja2", "jsonschema_rs", "jsonpatch", "kubernetes_validate", "jsonschema", "kubernetes"]
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_checking_does_not_import_the_slow_validator() -> None:
    code = (
        "import sys; from mlstack.compose.schemas import validate;"
        "validate([{'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'a'}}]);"
        "print([m for m in ['kubernetes_validate', 'jsonschema'] if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_objects_are_not_changed() -> None:
    [found] = deployment("{name: main, image: a, env: [{name: A, value: null}]}")
    validate([found])
    container: dict[str, Any] = found["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "A", "value": None}]
