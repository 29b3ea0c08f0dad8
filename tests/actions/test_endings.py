"""When a component's runs are over, by what watches tell of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mlstack.actions import endings
from mlstack.actions.endings import Endings, is_served
from mlstack.actions.mirror import Listed, Lost, Told
from mlstack.cluster.failures import ForbiddenError, NotFoundError, UnreachableError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Listing
from mlstack.cluster.watch import Event
from mlstack.errors import WorkloadFailedError
from mlstack.plan.inventory import COMPONENT, Inventory, Owner

JOBS = (well_known("batch/v1", "Job"), "team")


def job(name: str, state: str = "", **metadata: Any) -> dict[str, Any]:
    conditions = [{"type": state, "status": "True", "message": "it broke."}] if state else []
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "team", "uid": name, "labels": {COMPONENT: "cnn"}, **metadata},
        "spec": {"template": {"spec": {"containers": [{"name": "main"}]}}, "parallelism": 3, "completions": 3},
        "status": {"conditions": conditions},
    }


class Scene:
    """A component's runs, over what the first LIST says; then what the watches tell is said by the test."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *first: Any, places: Any = (JOBS,), refused: Any = None
    ) -> None:
        self.ends = 0
        self.tell: dict[Any, Any] = {}
        self.places = list(places)

        def mirror(_client: Any, resource: Any, namespace: str, tell: Any, **_: Any) -> Any:
            self.tell[resource.kind] = tell
            return SimpleNamespace(stop=lambda: None)

        def listed(_client: Any, *_place: Any, **_: Any) -> Any:
            return Listing(list(first), "7")

        def each(ask: Any, places: Any) -> list[Any]:
            return [refused or ask(place) for place in places]

        monkeypatch.setattr(endings, "Mirror", mirror)
        monkeypatch.setattr(endings, "run_places", lambda *_: self.places)
        monkeypatch.setattr(endings, "read_parent", lambda _: None)
        monkeypatch.setattr(endings, "inventory_of", lambda *_: Inventory())
        monkeypatch.setattr("mlstack.cluster.objects.list_objects", listed)
        owner = Owner("app", "gke", "mlstack-app-gke", "team", "m")
        session: Any = SimpleNamespace(connection=SimpleNamespace(client=SimpleNamespace(map=each)), owner=owner)
        self.endings = Endings(session, "cnn", Inventory(), self.end).__enter__()

    def end(self) -> None:
        self.ends += 1

    def hear(self, *told: Told) -> int:
        """How often the end was told by now."""
        for one in told:
            self.tell["Job"](one)
        return self.ends


def test_runs_of_other_components_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"labels": {COMPONENT: "dog", "app.kubernetes.io/component": "cnn"}}
    scene = Scene(monkeypatch, job("a", "Complete", **other))
    assert scene.hear(Event("MODIFIED", job("b", "Complete", **other))) == 0
    assert scene.hear(Event("MODIFIED", job("c", "Complete"))) == 1


def test_a_run_that_has_ended_already(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, job("a", "Complete", deletionTimestamp="T"))
    assert (scene.ends, scene.tell) == (1, {})
    scene.endings.check("gke", [])


def test_all_of_them_have_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, job("a"), job("b"))
    assert scene.endings.pods == 6
    assert scene.hear(Event("MODIFIED", job("a", "Complete")), Event("DELETED", job("a", "Complete"))) == 0
    assert scene.hear(Lost(UnreachableError("away")), Listed((job("b"),))) == 0
    assert scene.hear(Event("MODIFIED", job("b", "Failed"))) == 1
    with pytest.raises(WorkloadFailedError, match=r"^Job/b failed: it broke\. Its last lines: mlstack logs gke cnn$"):
        scene.endings.check("gke", [])


def test_one_that_is_removed_before_may_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, job("a"))
    assert scene.hear(Event("DELETED", job("a")), Listed(())) == 0
    assert scene.hear(Event("ADDED", job("a")), Event("MODIFIED", job("a", "Complete"))) == 1


def test_what_is_applied_meanwhile_is_watched_too(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, places=())
    assert set(scene.tell) == {"ConfigMap"}
    scene.places.append(JOBS)
    scene.tell["ConfigMap"](Listed(()))
    assert scene.hear(Listed((job("a", "Complete"),))) == 1


@pytest.mark.parametrize("error", [ForbiddenError("no"), NotFoundError("no such kind")])
def test_where_nothing_can_be_known_nothing_ends(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Scene(monkeypatch, refused=error).ends == 0


def test_pods_that_never_end() -> None:
    owned = {"metadata": {"name": "p", "ownerReferences": [{"kind": "ReplicaSet", "name": "r"}]}}
    assert is_served(owned)
    owned["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "j"}]
    assert not is_served(owned)
