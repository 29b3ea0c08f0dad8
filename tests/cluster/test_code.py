"""A user's own files on a real control plane: in a ConfigMap of their run, another run for other files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from mlstack.sandbox import Sandbox

Kubectl = Callable[..., str]


def read(kubectl: Kubectl, namespace: str, kind: str) -> list[dict[str, Any]]:
    labels = "app.kubernetes.io/component=train"
    text = kubectl("get", kind, "-n", namespace, "-l", labels, "-o", "json", context="minikube")
    found: list[dict[str, Any]] = json.loads(text)["items"]
    return found


def test_changed_files_are_another_run(
    new_app: Callable[[str], Any], made: str, minikube: Sandbox, kubectl: Kubectl
) -> None:
    app = new_app("code")
    app.write({"train/train.py": "print(1)\n", "train/pkg/a.py": "", "train/.env": "secret", "train/big.log": "x"})
    app.write({"train/.mlstackignore": "*.log\n"})
    app.do("env", "add", "minikube", "--namespace", made)
    ended = '--annotations={"sim/run-for": "1s"}'
    app.do("generate", "tf-job", "train", "--image=busybox:1", "--code=./train", "--runner=native", ended)
    app.do("apply", "minikube", "--wait", "finished")
    [first] = read(kubectl, made, "configmap")
    assert first["immutable"] is True
    assert sorted(first["data"].values()) == ["", "print(1)\n"]
    [job] = read(kubectl, made, "job")
    app.do("apply", "minikube")
    assert [one["metadata"]["uid"] for one in read(kubectl, made, "job")] == [job["metadata"]["uid"]]

    app.write({"train/train.py": "print(2)\n"})
    differing = app.run("diff", "minikube")
    assert differing.returncode == 16, differing.stderr
    assert "print(2)" in differing.stdout
    app.do("apply", "minikube", "--wait", "finished")
    [second] = read(kubectl, made, "configmap")
    assert second["metadata"]["name"] != first["metadata"]["name"]
    assert [one["metadata"]["uid"] for one in read(kubectl, made, "job")] != [job["metadata"]["uid"]]

    hashes = [one["metadata"]["name"].removeprefix("train-code-") for one in (first, second)]
    runs = app.do("history", "minikube", "train")
    assert re.search(rf"code \./train \({hashes[0]}\) -> \./train \({hashes[1]}\)", runs), runs
    contents = json.loads(app.do("history", "minikube", "--revision", "2", "-o", "json"))
    assert contents["params"]["train"]["code"] == {
        "value": "./train",
        "place": "components/train.yaml:8",
        "digest": hashes[1],
    }
    app.do("delete", "minikube", "--yes")
    assert read(kubectl, made, "configmap") == []
