"""What history and rollback print."""

from __future__ import annotations

from mlstack.actions.apply import Outcome
from mlstack.actions.history import ComponentRun, History
from mlstack.actions.rollback import Rollback
from mlstack.cli.history import contents_as_dict, contents_text, history_text, rollback_text, runs_text
from mlstack.cli.report import plan_text
from mlstack.compose.manifests import Key
from mlstack.plan.model import ABSENT, Action, Change, FieldChange, Plan
from mlstack.plan.receipts import Contents, Receipt

FIRST = Receipt(
    1,
    "2026-01-01T00:00:00Z",
    "ann@box",
    commit="0123456789abcdef",
    counts={"create": 2},
    chunks=1,
    outcomes={"web": "ready"},
)
SECOND = Receipt(
    2,
    "2026-01-02T00:00:00Z",
    "bob@box",
    "failed",
    commit="0123456789abcdef",
    dirty=True,
    components=("cnn",),
    counts={"change": 1, "unchanged": 4},
)
OUTCOMES = {"web": "not ready", "cnn": "ready"}
BACK = Receipt(3, "2026-01-03T00:00:00Z", "ann@box", counts={"prune": 1}, former=1, chunks=2, outcomes=OUTCOMES)


def test_revisions_as_a_log() -> None:
    lines = history_text(History("gke", (BACK, SECOND, FIRST), 1)).splitlines()
    assert [line.split() for line in lines[1:4]] == [
        [*("3", "2026-01-03T00:00:00Z", "ann@box", "prune", "1", "not", "ready:", "web", "rollback", "to", "1")],
        [
            *("2", "2026-01-02T00:00:00Z", "bob@box", "change", "1", "failed", "0123456789+changes"),
            *("only", "cnn;", "no", "rollback", "to", "it"),
        ],
        ["1", "2026-01-01T00:00:00Z", "ann@box", "create", "2", "ready", "0123456789"],
    ]
    assert lines[4] == "The cluster is at revision 1 since a rollback; the files may be ahead of it."
    assert history_text(History("gke", ())) == "gke: nothing was applied yet."


def test_runs_with_what_differed() -> None:
    runs = [
        ComponentRun("TFJob/cnn", "T2", "", "running", "run", {"steps": [None, 7], "size": [1, 2]}),
        ComponentRun("TFJob/cnn", "T1", "T1e", "succeeded", "apply", {}),
    ]
    lines = runs_text(runs).splitlines()
    assert lines[1].endswith("running    run    steps default -> 7, size 1 -> 2")
    assert lines[2].split() == ["TFJob/cnn", "T1", "T1e", "succeeded", "apply"]


def test_of_arguments_those_that_differ() -> None:
    args = ["--lr=0.1", "--name", "a b", "--epochs=3"]
    runs = [
        ComponentRun("Job/x", "T3", "", "running", "run", {"args": [args, [*args[:3], "--epochs=9"]]}),
        ComponentRun("Job/x", "T2", "", "running", "run", {"args": [None, args]}),
        ComponentRun("Job/x", "T1", "", "running", "run", {"args": [["a", "b"], ["b", "a"]], "on": [[1], {"a": 1}]}),
    ]
    assert [line.partition("  run  ")[2].strip() for line in runs_text(runs).splitlines()[1:]] == [
        "args --epochs=3 -> --epochs=9",
        "args default -> --lr=0.1 --name 'a b' --epochs=3",
        'args a b -> b a, on 1 -> {"a": 1}',
    ]


def test_a_revisions_contents() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    held = Contents(
        {"web": (config,)},
        params={"web": {"size": {"value": 3, "place": "environments/gke.yaml:9"}}},
        packages={"kubeflow/core": "sha256:1"},
        images={"nginx": "sha256:2"},
    )
    text = contents_text(held)
    for words in ("size", "environments/gke.yaml:9", "kubeflow/core", "sha256:1", "nginx", "sha256:2"):
        assert words in text
    assert contents_as_dict(held)["manifests"] == {"web": ["ConfigMap/c"]}


def test_the_plan_of_a_rollback_object_by_object() -> None:
    changes = (
        Change(Key("", "ConfigMap", "n", "c"), Action.CHANGE, fields=(FieldChange("data.a", "2", "1"),)),
        Change(Key("", "ConfigMap", "n", "old"), Action.PRUNE, reason="no longer rendered"),
        Change(Key("", "ConfigMap", "n", "same"), Action.UNCHANGED),
        Change(Key("", "ConfigMap", "n", "x"), Action.CHANGE, fields=(FieldChange("data.b", "1", ABSENT),)),
    )
    assert [line.split() for line in plan_text(Plan("gke", "n", changes)).splitlines()] == [
        ["change", "ConfigMap/c", "data.a", "2", "->", "1"],
        ["prune", "ConfigMap/old", "no", "longer", "rendered"],
        ["change", "ConfigMap/x", "data.b", "1", "->", "-"],
    ]


def test_where_cluster_and_files_are_afterwards() -> None:
    done = Rollback(FIRST, Outcome(Plan("gke", "n")))
    assert "the next apply asks first (`mlstack rollback gke 1 --files`" in rollback_text("gke", done, files=False)
    written = Rollback(FIRST, Outcome(Plan("gke", "n")), ("components/cnn.yaml",))
    assert "written: components/cnn.yaml" in rollback_text("gke", written, files=True)
    assert "none differed" in rollback_text("gke", done, files=True)
