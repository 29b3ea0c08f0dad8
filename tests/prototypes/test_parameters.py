"""What parameters are called and told, and that every name of 2017 is taken; their effects are in test_pairs.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Rendered
from tests.prototypes.showing import PROTOTYPES


def test_the_namespace_parameter_is_obeyed_everywhere(show: Callable[..., Rendered]) -> None:
    for prototype in PROTOTYPES:
        rendered = show(prototype, namespace="elsewhere")
        spaces = {manifest["metadata"].get("namespace", "elsewhere") for manifest in rendered.manifests}
        assert spaces == {"elsewhere"}
        assert "namespace: team" not in str(rendered.manifests)


def test_parameters_have_one_line_of_help_and_an_order(catalogue: dict[str, Prototype]) -> None:
    for one in catalogue.values():
        declared = [name for name in one.parameters if name not in ("name", "namespace")]
        assert declared == sorted(declared), one.name
        for parameter in one.parameters.values():
            assert parameter.help, f"{one.name}.{parameter.name} has no help"
            assert "\n" not in parameter.help.strip()
            numeric = parameter.type in ("integer", "number") or parameter.format == "quantity"
            assert parameter.unit or not numeric or parameter.name == "port", f"{one.name}.{parameter.name}: no unit"


NAMES_OF_2017 = {
    "kubeflow-core": """name namespace disks cloud tfAmbassadorServiceType tfJobImage tfDefaultImage tfJobUiServiceType
        jupyterHubServiceType jupyterHubImage jupyterHubAuthenticator jupyterNotebookPVCMount reportUsage usageId""",
    "tf-job": "name namespace args image image_gpu num_masters num_ps num_workers num_gpus",
    "tf-cnn": "name namespace batch_size model num_gpus image image_gpu num_ps num_workers",
    "tf-serving": """name namespace model_path numGpus modelName modelPath deployHttpProxy defaultHttpProxyImage
        httpProxyImage serviceType defaultCpuImage defaultGpuImage modelServerImage deployIstio cloud
        gcpCredentialSecretName s3Enable s3SecretName s3SecretAccesskeyidKeyName s3SecretSecretaccesskeyKeyName
        s3AwsRegion s3UseHttps s3VerifySsl s3Endpoint""",
}


@pytest.mark.parametrize(
    ("prototype", "name"), [(prototype, name) for prototype, names in NAMES_OF_2017.items() for name in names.split()]
)
def test_a_name_of_2017_is_taken(prototype: str, name: str, catalogue: dict[str, Prototype]) -> None:
    one = catalogue[prototype]
    assert name in one.parameters or name in one.aliases or one.retired[name]


def test_the_comma_strings_of_2017_are_lists(catalogue: dict[str, Prototype]) -> None:
    assert catalogue["tf-job"].parameter("args").read("--steps,10,--lr,0.10") == ["--steps", "10", "--lr", "0.10"]
    assert catalogue["kubeflow-core"].parameter("disks").read("pd1,pd2") == ["pd1", "pd2"]
