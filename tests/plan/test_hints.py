from __future__ import annotations

import pytest

from mlstack.compose.layers import Setting
from mlstack.compose.places import Place
from mlstack.plan.hints import with_hint
from mlstack.plan.reasons import Reason

SETTINGS = {
    one.name: one
    for one in (
        Setting("num_gpus", 16, "environment", Place("environments/gke.yaml", 14)),
        Setting("spot", False, "component", Place("components/cnn.yaml", 3)),
        Setting("hub_memory", "1Gi"),
        Setting("image", "repo/a:1", "component", Place("components/cnn.yaml", 5)),
        Setting("password", {"name": "hub", "key": "pw"}, "component", Place("components/hub.yaml", 7)),
        Setting("secret_env", {"TOKEN": "hf/token"}, "component", Place("components/cnn.yaml", 8)),
        Setting("accelerator_type", "l4", "component", Place("components/cnn.yaml", 10)),
        Setting("node_selector", {"disk": "nvme"}, "environment", Place("environments/gke.yaml", 15)),
        Setting("export_dir", "pvc://data/out", "component", Place("components/cnn.yaml", 11)),
        Setting("cpu", None),
        Setting("tolerations", []),
        Setting("credentials_secret", "bucket", "component", Place("components/cnn.yaml", 9)),
    )
}

TABLE = [
    (Reason("R", "resource", "nvidia.com/gpu"), "R (num_gpus = 16, at environments/gke.yaml:14)"),
    (Reason("R", "taint", "cloud.google.com/gke-spot"), "R (spot = false, at components/cnn.yaml:3)"),
    (Reason("R", "taint", "team"), "R (tolerations = [], the prototype's default)"),
    (Reason("R", "taint"), "R (spot = false, at components/cnn.yaml:3)"),
    (Reason("R", "cordoned"), "R"),
    (Reason("R", "resource", "memory"), "R (hub_memory = 1Gi, the prototype's default)"),
    (Reason("R", "image", "repo/a:1"), "R (image = repo/a:1, at components/cnn.yaml:5)"),
    (Reason("R", "image", "repo/b:1"), "R"),
    (Reason("R", "quota"), "R"),
    (Reason("R", "resource", "cpu"), "R (cpu = null, the prototype's default)"),
    (Reason("R", "volume", "data"), "R (export_dir = pvc://data/out, at components/cnn.yaml:11)"),
    (Reason("R", "volume", "datas"), "R"),
    (
        Reason("R", "selector"),
        "R (accelerator_type = l4, at components/cnn.yaml:10; spot = false, at components/cnn.yaml:3; "
        'node_selector = {"disk": "nvme"}, at environments/gke.yaml:15)',
    ),
    (
        Reason('CreateContainerConfigError: secret "hub" not found', "config"),
        'CreateContainerConfigError: secret "hub" not found '
        "(password = hub/pw, at components/hub.yaml:7; mlstack secret set ENV hub pw)",
    ),
    (
        Reason("CreateContainerConfigError: couldn't find key token in Secret team/hf", "config"),
        "CreateContainerConfigError: couldn't find key token in Secret team/hf "
        '(secret_env = {"TOKEN": "hf/token"}, at components/cnn.yaml:8; mlstack secret set ENV hf token)',
    ),
    (
        Reason('FailedMount: MountVolume.SetUp failed for volume "v" : secret "bucket" not found', "volume"),
        'FailedMount: MountVolume.SetUp failed for volume "v" : secret "bucket" not found '
        "(credentials_secret = bucket, at components/cnn.yaml:9; mlstack secret set ENV bucket KEY)",
    ),
    (
        Reason('CreateContainerConfigError: secret "other" not found', "config"),
        'CreateContainerConfigError: secret "other" not found (mlstack secret set ENV other KEY)',
    ),
    (Reason(""), ""),
]


@pytest.mark.parametrize(("reason", "text"), TABLE)
def test_hint(reason: Reason, text: str) -> None:
    assert with_hint(reason, SETTINGS) == text
