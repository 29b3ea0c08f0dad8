"""diff, apply, status, wait, delete: what of them needs no cluster. tests/cluster types them for real."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import pytest

from mlstack.cli.run import DataKinds, Seconds, next_step
from mlstack.compose.manifests import Key
from mlstack.plan.model import Action, Change, Plan

Typed = Callable[..., Any]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), ("0", 0), (600, 600)]
)
def test_durations(text: Any, seconds: float) -> None:
    assert Seconds().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["soon", "-1", "1d", "1 m", ""])
def test_no_durations(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no duration"):
        Seconds().convert(text, None, None)


@pytest.mark.parametrize("words", [["diff"], ["apply"], ["status"], ["wait"], ["delete", "--yes"]])
def test_a_silent_cluster_is_one_sentence(typed: Typed, sample: Any, words: list[str]) -> None:
    before = sample.tree()
    seen = typed(words[0], "gke", *words[1:])
    assert seen.code == 1
    assert seen.err.startswith("Error: ")
    assert "127.0.0.1:1" in seen.err
    assert seen.out == ""
    assert sample.tree() == before


@pytest.mark.parametrize("command", ["diff", "apply", "status", "wait", "delete"])
def test_an_unknown_environment_has_a_nearest_one(typed: Typed, sample: Any, command: str) -> None:
    seen = typed(command, "gek")
    assert (seen.code, "Did you mean gke?" in seen.err) == (1, True)


@pytest.mark.parametrize("command", ["diff", "apply", "status", "wait"])
def test_an_unknown_component_has_a_nearest_one(typed: Typed, sample: Any, command: str) -> None:
    seen = typed(command, "gke", "-c", "cmn")
    assert (seen.code, "Did you mean cnn?" in seen.err) == (1, True)


@pytest.mark.parametrize(
    ("name", "action", "said"),
    [
        ("tf-hub", Action.CREATE, "Notebook: mlstack notebook gke\n"),
        ("tf-hub", Action.UNCHANGED, "Notebook: mlstack notebook gke\n"),
        ("tf-hub", Action.PRUNE, ""),
        ("web", Action.CREATE, ""),
    ],
)
def test_a_hub_that_is_there_is_pointed_at(
    name: str, action: Action, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    next_step(Plan("gke", "ml", (Change(Key("apps", "StatefulSet", "ml", name), action),)))
    assert capsys.readouterr().out == said


def test_kinds_that_hold_data_are_named_by_commas_or_again_and_again() -> None:
    assert DataKinds().convert("pvc, crd,", None, None) == {"pvc", "crd"}
    with pytest.raises(
        click.BadParameter, match="must be of crd, namespace, pv, pvc, secret, shared, statefulset, got"
    ):
        DataKinds().convert("pvc,pcv", None, None)
