"""`mlstack secret set`: from standard input to the cluster, and nowhere else."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from mlstack.sandbox import Sandbox

Kubectl = Callable[..., str]


def put(app: Any, *words: str, value: str) -> subprocess.CompletedProcess[str]:
    """`mlstack secret set WORDS`, with a value on standard input."""
    script = str(Path(sys.executable).with_name("mlstack"))
    command = [script, "secret", "set", *words]
    return subprocess.run(command, cwd=app.root, input=value, capture_output=True, text=True, timeout=60, check=False)


def test_a_value_goes_to_the_cluster_alone(
    new_app: Callable[[str], Any], made: str, minikube: Sandbox, kubectl: Kubectl
) -> None:
    app = new_app("secrets")
    app.do("env", "add", "minikube", "--namespace", made)
    before = app.files()
    first = put(app, "minikube", "db", "password", value="s3cret\n")
    second = put(app, "minikube", "db", "user", value="alice")
    assert first.stdout == f"minikube: password is set in the new Secret db (namespace {made}).\n"
    assert second.stdout == f"minikube: user is set in the Secret db (namespace {made}).\n"
    found = yaml.safe_load(kubectl("get", "secret", "db", "-n", made, "-o", "yaml", context="minikube"))
    data = {key: base64.b64decode(value).decode() for key, value in found["data"].items()}
    assert data == {"password": "s3cret", "user": "alice"}
    assert app.files() == before


def test_an_empty_value_and_a_bad_name_are_refused(
    new_app: Callable[[str], Any], made: str, minikube: Sandbox, kubectl: Kubectl
) -> None:
    app = new_app("secrets")
    app.do("env", "add", "minikube", "--namespace", made)
    for words, value, said in [
        (("db", "k"), "", "is empty"),
        (("Db", "k"), "s3cret", "Invalid"),
        (("db", "a b"), "s3cret", "Invalid"),
    ]:
        seen = put(app, "minikube", *words, value=value)
        assert (seen.returncode, said in seen.stderr, "s3cret" in seen.stderr) == (1, True, False), seen.stderr
    assert "No resources found" in kubectl("get", "secret", "-n", made, context="minikube", check=False)


def test_a_file_is_taken_as_it_is(
    new_app: Callable[[str], Any], made: str, minikube: Sandbox, kubectl: Kubectl, tmp_path: Path
) -> None:
    app = new_app("secrets")
    app.do("env", "add", "minikube", "--namespace", made)
    (tmp_path / "key.json").write_bytes(b"\x00{}\n")
    seen = put(app, "minikube", "gcp", "key.json", "--from-file", str(tmp_path / "key.json"), value="not this")
    assert seen.returncode == 0, seen.stderr
    found = yaml.safe_load(kubectl("get", "secret", "gcp", "-n", made, "-o", "yaml", context="minikube"))
    assert base64.b64decode(found["data"]["key.json"]) == b"\x00{}\n"


def test_a_secret_of_others_is_left_alone(
    new_app: Callable[[str], Any], made: str, minikube: Sandbox, kubectl: Kubectl
) -> None:
    app = new_app("secrets")
    app.do("env", "add", "minikube", "--namespace", made)
    kubectl("create", "secret", "generic", "db", "--from-literal=user=alice", "-n", made, context="minikube")
    refused = put(app, "minikube", "db", "user", value="s3cret")
    assert refused.returncode == 1
    assert f"Secret/db exists in namespace {made}, not ours: it belongs to kubectl-create." in refused.stderr
    assert put(app, "minikube", "db", "password", "--adopt", value="s3cret").returncode == 0
    assert put(app, "minikube", "db", "password", value="again").returncode == 0  # ours as well now
    found = yaml.safe_load(kubectl("get", "secret", "db", "-n", made, "-o", "yaml", context="minikube"))
    data = {key: base64.b64decode(value).decode() for key, value in found["data"].items()}
    assert data == {"password": "again", "user": "alice"}


def test_a_secret_that_was_set_is_ours_once_it_is_a_manifest(
    new_app: Callable[[str], Any], made: str, minikube: Sandbox, kubectl: Kubectl
) -> None:
    app = new_app("secrets")
    app.do("env", "add", "minikube", "--namespace", made)
    assert put(app, "minikube", "db", "password", value="s3cret").returncode == 0
    app.write({"components/db/s.yaml": "{apiVersion: v1, kind: Secret, metadata: {name: db}, type: Opaque}"})
    app.do("apply", "minikube", "--yes")
    assert "nothing to do" in app.do("apply", "minikube", "--yes")
    assert put(app, "minikube", "db", "password", value="again").returncode == 0
    found = yaml.safe_load(kubectl("get", "secret", "db", "-n", made, "-o", "yaml", context="minikube"))
    assert base64.b64decode(found["data"]["password"]) == b"again"
    other = new_app("others")
    other.do("env", "add", "minikube", "--namespace", made)
    refused = put(other, "minikube", "db", "password", value="theirs")
    assert "it belongs to mlstack app secrets, environment minikube." in refused.stderr
