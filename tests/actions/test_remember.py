from __future__ import annotations

from mlstack.actions.planning import Planning
from mlstack.actions.reading import Reading
from mlstack.actions.remember import exact
from mlstack.actions.sending import Sent
from mlstack.cluster.store import Parent
from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import MlstackError
from mlstack.plan.decide import Snapshot
from mlstack.plan.inventory import Inventory, entry
from mlstack.plan.model import Action, Change, Plan
from mlstack.plan.runs import run_name
from mlstack.plan.wanted import Wanted

A, B, OLD, OTHER = (Key("", "ConfigMap", "n", name) for name in ("a", "b", "old", "other"))
JOB = Key("batch", "Job", "n", "train")
LIVE: Manifest = {"metadata": {}}


def planning(*keys: Key, ours: tuple[Key, ...] = ()) -> Planning:
    wanted = tuple(Wanted(key, "c", {}, 2, "h" if key == JOB else "", f"d-{key.name}") for key in keys)
    reading = Reading(Snapshot(dict.fromkeys(ours, LIVE)), Parent("ConfigMap", "n", "x"))
    return Planning(Plan("gke", "n"), wanted, reading)


def sent(key: Key, error: str = "") -> Sent:
    change = Change(key, Action.CREATE, "c")
    return Sent(change, error=MlstackError(error)) if error else Sent(change, LIVE)


ANNOUNCED = Inventory(
    frozenset({("", "ConfigMap"), ("apps", "Deployment")}), frozenset({"n", "m"}), {entry(OTHER): "kept"}
)


def test_what_is_there_is_remembered() -> None:
    found = exact(planning(A, B, JOB, ours=(A, OLD, OTHER)), ANNOUNCED, [sent(B), sent(JOB)], [OLD])
    assert found.kinds == {("", "ConfigMap"), ("batch", "Job")}
    assert found.namespaces == {"n"}
    assert found.digests == {entry(A): "d-a", entry(B): "d-b", entry(JOB): "d-train", entry(OTHER): "kept"}
    run = found.runs[run_name(JOB)]
    assert (run.hash, run.outcome, run.component) == ("h", "running", "c")


def test_after_a_failure_everywhere_is_looked_again() -> None:
    found = exact(planning(A, B, ours=(A,)), ANNOUNCED, [sent(B, "refused")], [])
    assert found.kinds == ANNOUNCED.kinds
    assert found.namespaces == ANNOUNCED.namespaces
    assert found.digests == {entry(A): "d-a"}
    assert found.runs == {}
