"""tf-serving's model configuration, as TensorFlow Serving's own parser reads it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.prototypes.showing import show

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("files") / "serving"


def read(programs: Path, **values: Any) -> dict[str, Any]:
    """The one model that the server is told of."""
    (config,) = [one for one in show("tf-serving", **values).manifests if one["kind"] == "ConfigMap"]
    text = config["data"]["models.config"]
    done = subprocess.run([programs, PROGRAM], input=text, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (model,) = json.loads(done.stdout)["model_config_list"]["config"]
    return dict(model)


def test_the_models_are_those_that_the_parameters_name(programs: Path) -> None:
    """The prototype's own examples."""
    trial = {"versions": [1, 2], "version_labels": {"stable": 1, "canary": 2}}
    expected = {"name": "x", "model_platform": "tensorflow"}
    assert read(programs, model_path="gs://kubeflow-models/inception") == {
        **expected,
        "base_path": "gs://kubeflow-models/inception",
    }
    assert read(programs, model_path="s3://models/flowers", s3_endpoint="http://minio:9000", max_replicas=5) == {
        **expected,
        "base_path": "/models/x",
    }
    assert read(programs, model_path="pvc://models/flowers", **trial) == {
        **expected,
        "base_path": "/mnt/models/flowers",
        "model_version_policy": {"specific": {"versions": ["1", "2"]}},
        "version_labels": {"stable": "1", "canary": "2"},
    }


def test_any_text_is_read_back(programs: Path) -> None:
    odd = '/a "b" \\ {c} \' \u00e9'
    assert read(programs, model_path=odd, versions=[3], version_labels={"a\"b'\\": 3}) == {
        "name": "x",
        "base_path": odd,
        "model_platform": "tensorflow",
        "model_version_policy": {"specific": {"versions": ["3"]}},
        "version_labels": {"a\"b'\\": "3"},
    }
