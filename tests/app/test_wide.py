from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlstack.app.wide import check_wide, component_prototypes, known_names
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample

LOCAL = "  gke:\n"  # the file is there, with minikube in it


def add(sample: Sample, path: str, text: str) -> None:
    sample.write(path, (sample.read(path) if (sample.root / path).exists() else "") + text)


@pytest.mark.parametrize(
    ("path", "text", "sentence"),
    [
        ("mlstack.yaml", "params: {nope: 1}\n", "mlstack.yaml:10: no prototype has a parameter nope."),
        (
            "environments/gke.yaml",
            "params:\n  num_gpu: 1\n",
            "environments/gke.yaml:10: no prototype has a parameter num",
        ),
        (
            "environments/gke.yaml",
            "component_params: {cn: {}}\n",
            "environments/gke.yaml:9: this app has no component cn",
        ),
        ("environments/gke.yaml", "patches: {cn: []}\n", "environments/gke.yaml:9: this app has no component cn"),
        (".mlstack/local.yaml", LOCAL + "    params: {nope: 1}\n", ".mlstack/local.yaml:8: no prototype has a"),
        (".mlstack/local.yaml", LOCAL + "    component_params: {cn: {}}\n", ".mlstack/local.yaml:8: this app has no"),
    ],
)
def test_what_nothing_knows_is_an_error_with_its_place(sample: Sample, path: str, text: str, sentence: str) -> None:
    add(sample, path, text)
    project = sample.project()
    with pytest.raises(MlstackError) as caught:
        check_wide(project, project.environment("gke"))
    assert caught.value.message.startswith(sentence)


def test_former_and_retired_names_and_those_of_components_to_come_are_known(sample: Sample) -> None:
    add(sample, "mlstack.yaml", "params: {numGpus: 1, cloud: gke}\n")
    check_wide(sample.project())
    (sample.root / "components" / "hub.yaml").unlink()
    add(sample, "environments/gke.yaml", "params: {service_type: LoadBalancer}\n")
    project = sample.project()
    check_wide(project, project.environment("gke"))


def test_names_that_are_known(sample: Sample) -> None:
    prototypes = component_prototypes(sample.project())
    assert list(prototypes) == ["cnn", "hub"]
    assert {"num_gpus", "numGpus", "cloud", "namespace"} <= known_names([prototypes["cnn"]])
