from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlstack.compose.prototypes import Prototype, check_prototype, parse_prototype
from mlstack.errors import MlstackError

MakePrototype = Callable[..., Prototype]
GPUS = {"type": "integer", "minimum": 0, "default": 0, "unit": "GPUs per worker", "description": "How many."}


def test_all_of_a_prototype_is_read(make_prototype: MakePrototype) -> None:
    found = make_prototype(
        {"num_gpus": GPUS, "model_path": {"type": "string"}},
        {"a.yaml": "x"},
        files={"f.py": "y"},
        library={"pods.j2": "z"},
        summary="One line.",
        description="More.",
        lifecycle="run",
        required=["model_path"],
        aliases={"numGpus": "num_gpus"},
        retired={"cloud": "the platform says it now"},
        examples=[{"title": "t", "command": "c"}],
    )
    assert found.qualified == "kubeflow/tf-job/tf-cnn"
    assert (found.version, found.summary, found.description, found.lifecycle) == ("0.1.0", "One line.", "More.", "run")
    assert list(found.parameters) == ["name", "namespace", "num_gpus", "model_path"]
    gpus = found.parameters["num_gpus"]
    assert (gpus.default, gpus.unit, gpus.help, gpus.required) == (0, "GPUs per worker", "How many.", False)
    assert gpus.schema == {"type": "integer", "minimum": 0}
    assert found.parameters["model_path"].required
    assert found.examples == ({"title": "t", "command": "c"},)
    assert (found.templates, found.files, found.library) == ({"a.yaml": "x"}, {"f.py": "y"}, {"pods.j2": "z"})


def test_a_parameter_is_found_by_an_alias(make_prototype: MakePrototype) -> None:
    found = make_prototype({"num_gpus": GPUS}, aliases={"numGpus": "num_gpus"})
    assert found.parameter("numGpus") is found.parameter("num_gpus")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("num_gpu", "tf-cnn has no parameter num_gpu. Did you mean num_gpus? (mlstack prototype describe tf-cnn)"),
        ("zzz", "tf-cnn has no parameter zzz. There are: name, namespace, num_gpus."),
        ("cloud", "tf-cnn's parameter cloud has no effect any more: the platform says it now."),
    ],
)
def test_an_unknown_parameter_is_answered(make_prototype: MakePrototype, name: str, message: str) -> None:
    found = make_prototype({"num_gpus": GPUS}, retired={"cloud": "the platform says it now"})
    with pytest.raises(MlstackError) as caught:
        found.parameter(name)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"kind": "Package"}, "a prototype needs kind: Prototype and a name"),
        ({"name": None}, "a prototype needs kind: Prototype and a name"),
        ({"apiVersion": "mlstack.dev/v2"}, "apiVersion mlstack.dev/v2 is not known. This mlstack knows mlstack.dev/v1"),
        ({"parametres": {}}, "parametres is not known. Did you mean parameters?"),
        ({"lifecycle": "job"}, "lifecycle is job, but must be service or run"),
        ({"parameters": ["a"]}, "parameters must map names to schemas"),
        ({"parameters": {"a": 1}}, "parameters must map names to schemas"),
        ({"parameters": {"a-b": {"default": 1}}}, "a-b is no name for a parameter"),
        ({"parameters": {"a": {"type": "string"}}}, "a needs a default (null is one), or must be listed in required"),
        ({"required": ["nam"]}, "required nam is no parameter. Did you mean name?"),
        ({"aliases": {"a": "b"}}, "alias a must map a former name to a parameter; b is none"),
        ({"aliases": {"name": "namespace"}}, "alias name must map a former name"),
        ({"aliases": ["a"]}, "aliases must map names to texts"),
        ({"retired": {"a": None}}, "retired must map names to texts"),
    ],
)
def test_a_broken_prototype_is_refused_by_its_file(change: dict[str, Any], problem: str) -> None:
    data = {"apiVersion": "mlstack.dev/v1", "kind": "Prototype", "name": "p", **change}
    with pytest.raises(MlstackError) as caught:
        parse_prototype(data, {}, {}, {}, "r", "q", "vendor/r/q/p")
    assert str(caught.value).startswith(f"vendor/r/q/p/prototype.yaml: {problem}")


def test_a_secret_default_has_the_form_that_templates_see(make_prototype: MakePrototype) -> None:
    found = make_prototype({"token": {"format": "secret", "default": "hub/token"}})
    assert found.parameters["token"].default == {"name": "hub", "key": "token"}


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ({"type": "integer", "default": "1"}, 'a must be an integer, got "1"'),
        ({"type": "integer", "minimum": 1, "default": 0}, "a must be an integer >= 1, got 0"),
        ({"type": "integr", "default": None}, "schema of a is broken"),
    ],
)
def test_a_default_must_fit_its_schema(make_prototype: MakePrototype, declared: dict[str, Any], problem: str) -> None:
    with pytest.raises(MlstackError, match=problem):
        check_prototype(make_prototype({"a": declared}))


def test_a_null_default_fits_always(make_prototype: MakePrototype) -> None:
    check_prototype(make_prototype({"a": {"type": "integer", "default": None}, "b": GPUS}))


SETS = {
    "lib/pods.yaml": """
apiVersion: mlstack.dev/v1
kind: Parameters
parameters:
  spot: {type: boolean, default: false, description: Replicas on spot nodes.}
  labels: {type: object, default: {}}
  shm: {type: string, default: ""}
""",
    "lib/jobs.yaml": """
apiVersion: mlstack.dev/v1
kind: Parameters
parameters:
  spot: {description: A job on spot nodes.}
  queue: {type: string, default: ""}
""",
}


def test_included_sets_stand_under_its_own_parameters(make_prototype: MakePrototype) -> None:
    own = {"queue": {"default": "team-a"}, "shm": None, "model": {"type": "string", "default": "x"}}
    found = make_prototype(own, library=SETS, include=["pods", "jobs"])
    assert list(found.parameters) == ["name", "namespace", "labels", "model", "queue", "spot"]
    spot, queue = found.parameters["spot"], found.parameters["queue"]
    assert (spot.type, spot.default, spot.help) == ("boolean", False, "A job on spot nodes.")
    assert (queue.type, queue.default) == ("string", "team-a")


@pytest.mark.parametrize(
    ("include", "sets", "problem"),
    [
        ("pods", {}, "p/prototype.yaml: include must be a list of names"),
        (["pod"], {}, "p/prototype.yaml: include names pod, and the package has no lib/pod.yaml. Did you mean pods?"),
        (["pods"], {"pods": "kind: Parameters\n"}, "lib/pods.yaml: this must be one mapping with apiVersion"),
        (["pods"], {"pods": "kind: [\n"}, "lib/pods.yaml:2: broken YAML"),
        (["pods"], {"pods": "params: {}\n"}, "lib/pods.yaml: params is not known. Did you mean parameters?"),
        (["pods"], {"pods": "parameters: [a]\n"}, "lib/pods.yaml: parameters must map names to schemas"),
        (["pods"], {"pods": "parameters: {a: {type: string}}\n"}, "lib/pods.yaml: a needs a default"),
        (["pods"], {"pods": "parameters: {shn: null}\n"}, "lib/pods.yaml: shn is null, which takes an included"),
        ([], {}, "p/prototype.yaml: shm is null, which takes an included parameter away, and no set has it"),
    ],
)
def test_a_broken_include_is_refused_by_its_file(include: Any, sets: dict[str, str], problem: str) -> None:
    head = "apiVersion: mlstack.dev/v1\nkind: Parameters\n"
    bare = {f"lib/{name}.yaml": text if "kind" in text else head + text for name, text in sets.items()}
    own = {"shm": None} if not include else {}
    data = {"apiVersion": "mlstack.dev/v1", "kind": "Prototype", "name": "p", "include": include, "parameters": own}
    with pytest.raises(MlstackError) as caught:
        parse_prototype(data, {}, {}, {**SETS, **bare}, "r", "q", "vendor/r/q/p")
    assert str(caught.value).startswith("vendor/r/q/" + problem)


def test_an_error_in_what_two_files_say_names_the_last() -> None:
    data = {"apiVersion": "mlstack.dev/v1", "kind": "Prototype", "name": "p", "include": ["pods", "jobs"]}
    with pytest.raises(MlstackError) as caught:
        parse_prototype({**data, "parameters": {"a-b": {"default": 1}}}, {}, {}, SETS, "r", "q", "vendor/r/q/p")
    assert str(caught.value).startswith("vendor/r/q/p/prototype.yaml: a-b is no name for a parameter")
