"""The library does what the commands do: one app, from its render to its removal, on a real control plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlstack import Action, App, MlstackError
from mlstack.sandbox import Sandbox

OBJECTS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


@pytest.fixture
def app(new_app: Callable[[str], Any], made: str, minikube: Sandbox) -> App:
    """An app of plain manifests, with the environment minikube in a namespace of its own."""
    typed = new_app("library")
    typed.write({"components/web/objects.yaml": OBJECTS})
    typed.do("env", "add", "minikube", "--namespace", made)
    return App(typed.root / "components")


def test_from_render_to_removal(app: App) -> None:
    assert [manifest["kind"] for one in app.render("minikube") for manifest in one.manifests] == [
        "ConfigMap",
        "Service",
    ]
    assert app.validate("minikube") == []
    assert app.plan("minikube").counts == {Action.CREATE: 2}
    assert app.apply("minikube").applied == 2
    assert app.plan("minikube").writes == ()
    assert not app.diff("minikube").different
    assert app.wait("minikube", timeout_s=20).total == 0  # neither kind has anything to wait for
    assert [component.ready for component in app.status("minikube").components] == ["yes"]
    assert [receipt.revision for receipt in app.history("minikube").revisions] == [1]
    assert len(app.delete("minikube").removed) == 2


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: shell}
spec: {containers: [{name: shell, image: shell, ports: [{name: http, containerPort: 80}]}]}
"""


def test_what_leads_into_a_component(app: App) -> None:
    (app.root / "components/web/pod.yaml").write_text(POD)
    assert app.check("minikube").findings == ()
    app.apply("minikube")
    lines: list[str] = []
    app.logs("minikube", "web", lambda found: lines.extend(one.line for one in found))
    assert lines == ["This pod is simulated (mlstack sandbox minikube): no container runs, so nothing is logged."]
    with app.forward("minikube", "pod/shell", [":http"]) as running:
        (address,) = running.addresses
        assert address.startswith("127.0.0.1:")
    with pytest.raises(MlstackError, match="web has no worker in minikube"):
        app.logs("minikube", "web/worker", lambda found: None)


def test_a_users_mistake_is_an_error_of_ours(app: App, tmp_path: Any) -> None:
    with pytest.raises(MlstackError, match="has no environment gke"):
        app.plan("gke")
    with pytest.raises(MlstackError, match="There is no app"):
        App(tmp_path)
