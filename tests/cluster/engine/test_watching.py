"""`status --watch` on a real control plane: by watches, over applies, deletions and an API server that dies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from mlstack import sandbox
from mlstack.actions.delete import delete
from mlstack.actions.watching import View, watch_status
from mlstack.errors import MlstackError
from mlstack.sandbox import Sandbox
from mlstack.sandbox.home import home
from mlstack.sandbox.processes import kill, owned
from tests.cluster.engine.manifests import config, deployment

from .conftest import Stack

Kubectl = Callable[..., str]


class Viewer:
    """What a person sees: the newest views."""

    def __init__(self) -> None:
        self.views: Sequence[View] = ()
        self.over = threading.Event()
        self.error: MlstackError | None = None
        self._changed = threading.Condition()

    def __call__(self, views: Sequence[View]) -> None:
        with self._changed:
            self.views = views
            self._changed.notify_all()

    def words(self, environment: str = "gke") -> dict[str, str]:
        """Readiness by component."""
        status = next((view.status for view in self.views if view.environment == environment), None)
        return {one.name: f"{one.ready} {one.present}/{one.total}" for one in status.components} if status else {}

    def until(self, there: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(there, 60), (self.views, self.error)


@contextmanager
def watching(stack: Stack, *environments: str) -> Iterator[Viewer]:
    viewer, scopes = Viewer(), [stack.scope(name) for name in environments]

    def run() -> None:
        try:
            watch_status(scopes, viewer, interval_s=0.05, over=viewer.over)
        except MlstackError as error:
            viewer.error = error

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield viewer
    finally:
        viewer.over.set()
        thread.join(30)
    assert not thread.is_alive()


def asked_for(stack: Stack) -> dict[str, int]:
    """How often our kinds were listed, by all sessions. (Who holds GPUs, and warnings, are asked for now and then.)"""
    kinds = ("configmaps", "deployments")
    return {kind: sum(client.requests[f"LIST {kind}"] for client in stack.clients) for kind in kinds}


def test_what_changes_is_seen_without_asking_again(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("settings", config("one"))
    with watching(stack, "gke") as viewer:
        viewer.until(lambda: viewer.words() == {"settings": "absent 0/1"})
        stack.apply()
        viewer.until(lambda: viewer.words() == {"settings": "yes 1/1"})
        # The files say more: the next apply brings it, of another kind, and the view knows it.
        stack.write("web", deployment(image="does-not-exist"))
        stack.apply(wait="none")
        viewer.until(lambda: viewer.words() == {"settings": "yes 1/1", "web": "waiting 1/1"})
        status = viewer.views[0].status
        assert status is not None
        viewer.until(lambda: "does-not-exist" in str(viewer.views[0].status))
        lists = asked_for(stack)
        kubectl("delete", "configmap/one", "-n", namespace, context="gke")
        viewer.until(lambda: viewer.words()["settings"] == "absent 0/1")
        kubectl("create", "configmap", "one", "-n", namespace, context="gke")  # a stranger's
        kubectl("set", "image", "deployment/web", "web=x", "-n", namespace, context="gke")
        viewer.until(lambda: viewer.words()["web"] == "yes 1/1")
        assert viewer.words()["settings"] == "absent 0/1"
        assert asked_for(stack) == lists
        delete(stack.scope(), timeout_s=60)
        viewer.until(lambda: set(viewer.words().values()) == {"absent 0/1"})


def test_several_environments_and_a_server_that_dies(stack: Stack, gke: Sandbox, namespace: str) -> None:
    stack.environment("other", "gke", namespace)
    stack.environment("nowhere", "gke", namespace)
    file = stack.root / "environments/nowhere.yaml"
    file.write_text(file.read_text().replace("context: gke", "context: gone"))
    (stack.root / ".mlstack/local.yaml").unlink(missing_ok=True)
    stack.write("settings", config("one"))
    stack.apply()
    with watching(stack, "gke", "other", "nowhere") as viewer:
        viewer.until(lambda: viewer.words() == {"settings": "yes 1/1"})
        viewer.until(lambda: viewer.words("other") == {"settings": "absent 0/1"})
        viewer.until(lambda: "gone" in next(v.problem for v in viewer.views if v.environment == "nowhere"))
        kill(process for process in owned(home(gke.name).folder) if process.program == "kube-apiserver")
        sandbox.up(gke.name)
        stack.apply(environment="gke")
        stack.drop("settings")
        stack.write("more", config("two"))
        stack.apply()
        viewer.until(lambda: viewer.words() == {"more": "yes 1/1"})


def test_the_only_one_that_cannot_be_read_is_an_error(stack: Stack) -> None:
    file = stack.root / "environments/gke.yaml"
    file.write_text(file.read_text().replace("context: gke", "context: gone"))
    with pytest.raises(MlstackError, match="gone"):
        watch_status([stack.scope()], lambda views: None)
