"""Users' names and their notebooks' pods, as the pinned JupyterHub and KubeSpawner make them of our configuration."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlstack.actions.servers import ServerStory, hub_user, server_path
from tests.actions.test_servers import USERS
from tests.prototypes.showing import show

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("files") / "hub"
# KubeSpawner reads one, and asks its cluster nothing here.
KUBECONFIG = {
    "apiVersion": "v1", "kind": "Config", "current-context": "none",
    "clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "none", "user": {"token": "x"}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
}  # fmt: skip


@pytest.fixture(scope="module")
def made(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What they make of each name."""
    folder = tmp_path_factory.mktemp("hub")
    (config,) = [one for one in show("jupyterhub").manifests if one["kind"] == "ConfigMap"]
    for name, text in config["data"].items():
        (folder / name).write_text(text, "utf-8")
    (folder / "kubeconfig").write_text(json.dumps(KUBECONFIG), "utf-8")
    told = {"KUBECONFIG": str(folder / "kubeconfig"), "POD_NAMESPACE": "team", "HUB_PASSWORD": "x"}
    words = [str(programs), str(PROGRAM), str(folder / "jupyterhub_config.py"), *(typed for typed, _, _ in USERS)]
    environ = {**os.environ, **told, "HUB_COOKIE_SECRET": "00ff" * 16}
    done = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def test_names_and_paths_are_jupyterhubs(made: list[dict[str, Any]]) -> None:
    assert [(one["user"], one["path"]) for one in made] == [(user, path) for _, user, path in USERS]
    assert [(hub_user(typed), server_path(hub_user(typed))) for typed, _, _ in USERS] == [
        (one["user"], one["path"]) for one in made
    ]


def test_the_pod_of_a_user_is_found_by_the_name_typed_at_the_log_in(made: list[dict[str, Any]]) -> None:
    for index, (typed, _, _) in enumerate(USERS):
        story = ServerStory(None, "team", hub_user(typed), lambda _: None)  # type: ignore[arg-type]  # it asks nothing
        for other, one in enumerate(made):
            assert story._is_ours(one["pod"]) == (USERS[other][1] == USERS[index][1])


def test_a_notebook_has_no_service_variables_and_no_token(made: list[dict[str, Any]]) -> None:
    for one in made:
        spec = one["pod"]["spec"]
        assert (spec["enableServiceLinks"], spec["automountServiceAccountToken"]) == (False, False)
        (container,) = spec["containers"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
