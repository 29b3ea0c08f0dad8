from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from mlstack.actions.environments import set_environment
from mlstack.actions.params import set_param
from mlstack.actions.render import diff_environments, manifests_yaml, render_environment, show, validate
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample


def test_show_leaves_out_what_apply_makes(sample: Sample) -> None:
    cnn, hub = show(sample.project(), "gke")
    assert [one["kind"] for one in (*cnn.manifests, *hub.manifests)] == ["ConfigMap", "Service"]
    _, (_, everything) = render_environment(sample.project(), "gke")
    assert [one["kind"] for one in everything.manifests] == ["Service", "Secret", "Namespace"]


def test_show_of_one_component_with_a_value_for_once(sample: Sample) -> None:
    set_param(sample.project(), "cnn", "labels.team", "x")
    before = sample.tree()
    (cnn,) = show(sample.project(), "gke", ["cnn"], ["cnn.num_gpus=3"])
    (config,) = cnn.manifests
    assert (config["data"]["gpus"], config["data"]["labels"]) == ("3", '{"team": "x"}')
    assert config["metadata"]["namespace"] == "default"
    assert config["metadata"]["annotations"] == {"demo/on": "gke"}
    assert sample.tree() == before


def test_the_printed_text_is_the_same_every_time_and_reads_back(sample: Sample) -> None:
    set_param(sample.project(), "cnn", "greeting", "1e3: #'\n ü🚀")
    texts = set()
    for _ in range(2):
        manifests = [one for rendered in show(sample.project(), "gke") for one in rendered.manifests]
        texts.add(manifests_yaml(manifests))
    (text,) = texts
    assert list(yaml.safe_load_all(text)) == manifests
    assert manifests[0]["data"]["greeting"] == "1e3: #'\n ü🚀"


def test_a_required_value_that_is_missing_is_an_error(sample: Sample) -> None:
    sample.write("components/cnn.yaml", sample.read("components/cnn.yaml").replace("params:\n  image: busybox:1\n", ""))
    with pytest.raises(MlstackError, match="cnn needs image"):
        show(sample.project(), "gke")
    assert show(sample.project(), "gke", ["hub"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "  num_gpus: many\n",
            r"components/cnn\.yaml:8: num_gpus must be an integer >= 0 .*, got many",
        ),
        ("  num_gpu: 1\n", r"components/cnn\.yaml:8: cnn: train has no parameter num_gpu\. Did you mean num_gpus"),
        ("  num_gpus: [\n", r"components/cnn\.yaml:9: this is not valid YAML"),
    ],
)
def test_what_a_file_has_wrong_is_said_with_its_line(sample: Sample, text: str, sentence: str) -> None:
    sample.write("components/cnn.yaml", sample.read("components/cnn.yaml") + text)
    with pytest.raises(MlstackError, match=sentence):
        show(sample.project(), "gke")


def test_own_manifests_are_placed_and_checked(sample: Sample) -> None:
    sample.write(
        "components/own/a.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: own}\nspec: {ports: [{port: 80}], selektor: {}}\n",
    )
    (own,) = show(sample.project(), "gke", ["own"])
    assert own.manifests[0]["metadata"]["labels"]["app.kubernetes.io/part-of"] == "app"
    (problem,) = validate(sample.project(), "gke", ["own"])
    assert "selektor" in str(problem)
    assert validate(sample.project(), "gke", ["cnn"]) == []


def test_validate_knows_the_crds_of_components_that_are_not_chosen(sample: Sample) -> None:
    crd = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.demo.io}\n"
        "spec:\n  group: demo.io\n  scope: Namespaced\n  names: {plural: things, kind: Thing}\n  versions:\n"
        "  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n"
        "        properties: {spec: {type: object, properties: {size: {type: integer}}}}\n"
    )
    sample.write("components/crds/crd.yaml", crd)
    thing = "apiVersion: demo.io/v1\nkind: Thing\nmetadata: {name: one}\nspec: {size: big}\n"
    sample.write("components/thing/one.yaml", thing)
    (problem,) = validate(sample.project(), "gke", ["thing"])
    assert (problem.component, problem.path) == ("thing", "spec.size")


def test_two_environments_compared_offline(sample: Sample) -> None:
    assert diff_environments(sample.project(), "gke", "gke").differs is False
    set_param(sample.project(), "cnn", "num_gpus", "1", "gke")
    set_environment(sample.project(), "gke", namespace="ml")
    found = diff_environments(sample.project(), "minikube", "gke", ["cnn"])
    assert [(row.name, row.left, row.right) for row in found.params] == [
        ("namespace", "default", "ml"),
        ("num_gpus", 0, 1),
    ]
    (config,) = found.objects
    assert (str(config.key), config.only) == ("ConfigMap/cnn", "")
    assert [(one.path, one.left, one.right) for one in config.fields] == [
        ("metadata.annotations[demo/on]", "minikube", "gke"),
        ("data.gpus", "0", "1"),
    ]


def test_an_object_that_only_one_environment_has(sample: Sample) -> None:
    sample.write("environments/gke.yaml", sample.read("environments/gke.yaml") + "components: [cnn]\n")
    found = diff_environments(sample.project(), "minikube", "gke")
    assert {(one.component, one.only) for one in found.objects if one.only} == {("hub", "minikube")}


def test_show_imports_neither_the_cluster_nor_ruamel(sample: Sample) -> None:
    program = (
        "import sys; from pathlib import Path; from mlstack.app.project import Project\n"
        "from mlstack.actions.render import show, manifests_yaml\n"
        "manifests_yaml(m for r in show(Project.load(Path(sys.argv[1])), 'gke') for m in r.manifests)\n"
        "print([name for name in ('kubernetes', 'urllib3', 'ruamel.yaml', 'click', 'rich') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program, sample.root], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_one_broken_component_leaves_the_others_checked(sample: Sample) -> None:
    sample.write("components/own/a.yaml", "kind: x\n")
    sample.write("components/bad name/a.yaml", "kind: x\n")
    sample.write("components/twice/a.yaml", TWICE)
    problems = validate(sample.project(), "gke")
    told = {problem.component: str(problem) for problem in problems}
    assert "components/own/a.yaml:1: a Kubernetes object needs apiVersion" in told["own"]
    assert "components/bad name/: the name of a component must be" in told["bad name"]
    assert "Pod/a spec.containers.0.env: 2 items have the name A; keep one" in told["twice"]
    assert set(told) == {"own", "bad name", "twice"}
    assert [one.component for one in show(sample.project(), "gke", ["hub"])] == ["hub"]
    assert validate(sample.project(), "gke", ["hub"]) == []


def test_two_sound_components_that_make_the_same_object_are_one_problem(sample: Sample) -> None:
    for name in ("one", "other"):
        sample.write(f"components/{name}/a.yaml", TWICE.replace("{name: A, value: x}, ", ""))
    [problem] = validate(sample.project(), "gke")
    assert "Components one and other both make Pod/a" in problem.message


TWICE = """
apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {containers: [{name: c, image: x, env: [{name: A, value: x}, {name: A, value: y}]}]}
"""
