"""param set, unset, list, diff, explain, as typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Typed = Callable[..., Any]


def test_set_says_what_it_did_and_what_stays(typed: Typed, sample: Any) -> None:
    seen = typed("param", "set", "--env=gke", "cnn", "num_gpus", "1")
    line = "environments/gke.yaml: cnn.num_gpus = 1 (was 0, the default of train). Unchanged elsewhere: minikube 0.\n"
    assert seen.out == line


@pytest.mark.parametrize("value", ["1.10", "007", "yes", "null", "-5", "--x=1", "a: b", ""])
def test_text_stays_text(typed: Typed, sample: Any, value: str) -> None:
    assert typed("param", "set", "--", "cnn", "greeting", value).code == 0
    assert typed("show", "gke", "-c", "cnn").yaml["data"]["greeting"] == value


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["cnn", "num_gpu", "1"], 1, "Did you mean num_gpus?"),
        (["cnn", "num_gpus", "many"], 1, "an integer >= 0 (GPUs per worker)"),
        (["cnn", "num_gpus", "-1"], 1, "an integer >= 0"),
        (["cnm", "num_gpus", "1"], 1, "Did you mean cnn?"),
        (["--env", "gk", "cnn", "num_gpus", "1"], 1, "Did you mean gke?"),
        (["cnn"], 2, "takes [COMPONENT] PARAM VALUE"),
        (["a", "b", "c", "d"], 2, "these are 4 words"),
    ],
)
def test_wrong_words_write_nothing(typed: Typed, sample: Any, words: list[str], code: int, said: str) -> None:
    before = sample.tree()
    seen = typed("param", "set", *words)
    assert (seen.code, said in seen.err) == (code, True), seen.err
    assert sample.tree() == before


def test_the_slips_of_2017(typed: Typed, sample: Any) -> None:
    assert "cnn.num_gpus = 1" in typed("param", "set", "--env=gke", "cnn", "num\\_gpus", "1").out
    assert "cloud has no effect any more" in typed("param", "set", "cnn", "cloud", "gke").out
    assert "cnn.num_gpus = 2" in typed("param", "set", "cnn", "numGpus", "2").out


def test_unset_goes_back(typed: Typed, sample: Any) -> None:
    typed("param", "set", "--env=gke", "cnn", "num_gpus", "1")
    assert "It is 0 now" in typed("param", "unset", "--env=gke", "cnn", "num_gpus").out
    assert typed("param", "unset", "a", "b", "c").code == 2


def test_list_and_diff(typed: Typed, sample: Any) -> None:
    typed("param", "set", "--env=gke", "cnn", "num_gpus", "1")
    listed = typed("param", "list", "cnn", "--env", "gke", "-o", "json").json
    assert {row["name"]: row["value"] for row in listed}["num_gpus"] == 1
    assert "num_gpus   0         1    environments/gke.yaml" in typed("param", "diff", "minikube", "gke").out
    assert typed("param", "diff", "gke", "gke").out == "gke and gke have the same parameters.\n"


def test_explain_names_every_layer_and_the_winner(typed: Typed, sample: Any) -> None:
    typed("param", "set", "cnn", "num_gpus", "2")
    typed("param", "set", "--env=gke", "cnn", "num_gpus", "1")
    lines = typed("param", "explain", "cnn", "num_gpus", "--env", "gke").out.splitlines()
    assert lines[0] == "cnn.num_gpus in gke = 1"
    assert lines[1].split() == ["environments/gke.yaml:11", "1", "<-", "wins"]
    assert "prototype train 0.1.0" in lines[-1]
    assert lines[-1].endswith("(default; an integer >= 0, GPUs per worker)")
