"""kubeflow-core on a real node: the operator in its own pod with certificates and webhook, the hub with its volume."""

from __future__ import annotations

import base64
import json
import re

import pytest

from mlstack.errors import MlstackError
from tests.real.place import Place


def test_everything_is_ready(stack: Place) -> None:
    assert re.search(r"core +yes ", stack.do("status", "minikube", "-c", "core"))
    pods = json.loads(stack.kubectl("get", "pods", "-o", "json"))["items"]
    states = {pod["metadata"]["name"].rsplit("-", 1)[0]: pod["status"]["containerStatuses"] for pod in pods}
    ready = [name for name, containers in states.items() if all(container["ready"] for container in containers)]
    assert "tf-hub" in ready
    assert [name for name in ready if name.startswith("training-operator-")]
    assert "nothing to do" in stack.do("apply", "minikube", "-c", "core")


def test_the_operator_wrote_its_certificate(stack: Place) -> None:
    data = stack.get("secret", "training-operator-webhook-cert")["data"]
    assert base64.b64decode(data["tls.crt"]).startswith(b"-----BEGIN CERTIFICATE-----")
    webhooks = stack.get("validatingwebhookconfiguration", "validator.training-operator.kubeflow.org")["webhooks"]
    assert all(webhook["clientConfig"]["caBundle"] for webhook in webhooks)


def test_the_webhook_refuses_a_wrong_job(stack: Place) -> None:
    container = {"name": "wrong", "image": "busybox"}
    spec = {"tfReplicaSpecs": {"Worker": {"replicas": 1, "template": {"spec": {"containers": [container]}}}}}
    job = {"apiVersion": "kubeflow.org/v1", "kind": "TFJob", "metadata": {"name": "wrong"}, "spec": spec}
    with pytest.raises(MlstackError, match=r"denied the request: .*tensorflow"):
        stack.kubectl("apply", "-f", "-", stdin=json.dumps(job))
    container["name"] = "tensorflow"
    assert "created (server dry run)" in stack.kubectl("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(job))


def test_the_hubs_database_survives_its_pod(stack: Place) -> None:
    sql(stack, "create table kept (word)")
    stack.lose("tf-hub-0")
    assert sql(stack, "select name from sqlite_master where name = 'kept'") == "[('kept',)]\n"


def sql(stack: Place, statement: str) -> str:
    """What the hub's own database answers."""
    code = "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); print(d.execute(sys.argv[2]).fetchall()); d.commit()"
    words = ("exec", "tf-hub-0", "-c", "hub", "--", "python3", "-c", code)
    return stack.kubectl(*words, "/srv/jupyterhub/jupyterhub.sqlite", statement)
