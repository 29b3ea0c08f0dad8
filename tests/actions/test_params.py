from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mlstack.actions.generate import generate
from mlstack.actions.params import set_param, shown, unset_param
from mlstack.actions.render import validate
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample


def test_set_for_one_environment(sample: Sample) -> None:
    before = sample.tree()
    done = set_param(sample.project(), "cnn", "num_gpus", "1", "gke")
    assert done.summary == (
        "environments/gke.yaml: cnn.num_gpus = 1 (was 0, the default of train). Unchanged elsewhere: minikube 0.",
    )
    assert str(done.place) == "environments/gke.yaml:11"
    after = sample.tree()
    assert {path for path in after if after[path] != before.get(path)} == {"environments/gke.yaml"}
    assert after["environments/gke.yaml"].startswith(before["environments/gke.yaml"])


def test_set_again_is_nothing(sample: Sample) -> None:
    set_param(sample.project(), "cnn", "num_gpus", "1", "gke")
    before = sample.tree()
    done = set_param(sample.project(), "cnn", "num_gpus", "1", "gke")
    assert done.summary == ("environments/gke.yaml:11: cnn.num_gpus is 1 already.",)
    assert sample.tree() == before


def test_set_for_all_says_who_keeps_another(sample: Sample) -> None:
    set_param(sample.project(), "cnn", "num_gpus", "1", "gke")
    done = set_param(sample.project(), "cnn", "num_gpus", "2")
    assert done.summary == (
        "components/cnn.yaml: cnn.num_gpus = 2 (was 0, the default of train).",
        "gke keeps 1 (environments/gke.yaml:11).",
    )


def test_a_local_value_that_is_nearer_is_said(sample: Sample) -> None:
    set_param(sample.project(), "cnn", "num_gpus", "4", "gke", local=True)
    done = set_param(sample.project(), "cnn", "num_gpus", "1", "gke")
    assert done.summary[1].startswith("gke keeps 4 (.mlstack/local.yaml:")


def test_wide_values(sample: Sample) -> None:
    done = set_param(sample.project(), None, "greeting", "yes")
    assert done.summary == ("mlstack.yaml: greeting = yes.",)
    assert 'greeting: "yes"' in sample.read("mlstack.yaml")
    set_param(sample.project(), "cnn", "greeting", "mine")
    done = set_param(sample.project(), None, "greeting", "hi", "gke")
    assert done.summary == ("environments/gke.yaml: greeting = hi.",)
    again = set_param(sample.project(), None, "greeting", "ho")
    assert again.summary[0] == "mlstack.yaml: greeting = ho (was yes)."


def test_a_wide_value_that_means_different_things_is_refused(sample: Sample) -> None:
    before = sample.tree()
    with pytest.raises(MlstackError, match="cnn and hub take debug = true for different values"):
        set_param(sample.project(), None, "debug", "true")
    assert sample.tree() == before


@pytest.mark.parametrize(
    ("component", "name", "text", "env", "sentence"),
    [
        ("cnn", "num_gpu", "1", "gke", "train has no parameter num_gpu. Did you mean num_gpus?"),
        ("cnn", "num_gpus", "one", "gke", "num_gpus must be an integer >= 0 (GPUs per worker), got one."),
        ("cn", "num_gpus", "1", "gke", "This app has no component cn. Did you mean cnn?"),
        ("cnn", "num_gpus", "1", "gk", "This app has no environment gk. Did you mean gke?"),
        (None, "num_gpu", "1", "gke", "No component has a parameter num_gpu. Did you mean num_gpus?"),
        ("cnn", "retry.limit", "x", "gke", "retry.limit must be an integer, got x"),
    ],
)
def test_nothing_is_written_on_an_error(
    sample: Sample, component: str | None, name: str, text: str, env: str, sentence: str
) -> None:
    before = sample.tree()
    with pytest.raises(MlstackError) as caught:
        set_param(sample.project(), component, name, text, env)
    assert str(caught.value).startswith(sentence)
    assert sample.tree() == before


def test_parts_of_a_map(sample: Sample) -> None:
    done = set_param(sample.project(), "cnn", "retry.limit", "5", "gke")
    assert done.summary[0].startswith("environments/gke.yaml: cnn.retry.limit = 5 (was 3, the default of train).")
    set_param(sample.project(), "cnn", "labels.example.com/team", "007", "gke")
    project = sample.project()
    assert project.environment("gke").file.get("component_params", "cnn") == {
        "retry": {"limit": 5},
        "labels": {"example.com/team": "007"},
    }
    assert unset_param(project, "cnn", "retry.limit", "gke").now == 3


def test_a_former_name_in_the_file_is_the_one_that_is_edited(sample: Sample) -> None:
    sample.write("components/cnn.yaml", sample.read("components/cnn.yaml") + "  numGpus: 1  # as in 2017\n")
    set_param(sample.project(), "cnn", "num_gpus", "2")
    assert sample.read("components/cnn.yaml").endswith("  numGpus: 2  # as in 2017\n")
    assert unset_param(sample.project(), "cnn", "num_gpus").changed
    assert "numGpus" not in sample.read("components/cnn.yaml")


def test_a_wrong_value_by_hand_can_be_repaired(sample: Sample) -> None:
    sample.write("components/cnn.yaml", sample.read("components/cnn.yaml") + "  num_gpus: many\n")
    assert set_param(sample.project(), "cnn", "num_gpus", "2").before == "many"


def test_a_retired_parameter_is_said_and_not_written(sample: Sample) -> None:
    before = sample.tree()
    done = set_param(sample.project(), "cnn", "cloud", "gke")
    assert done.summary == ("cloud has no effect any more: the platform says it now. Nothing was written.",)
    assert sample.tree() == before


def test_unset_says_what_holds_now(sample: Sample) -> None:
    before = sample.tree()
    set_param(sample.project(), "cnn", "num_gpus", "1", "gke")
    done = unset_param(sample.project(), "cnn", "num_gpus", "gke")
    assert done.summary == (
        "environments/gke.yaml: cnn.num_gpus is no longer set (was 1). It is 0 now, the default of train.",
    )
    assert sample.tree() == before
    again = unset_param(sample.project(), "cnn", "num_gpus", "gke")
    assert again.summary == (
        "environments/gke.yaml: cnn.num_gpus is not set there. It is 0 now, the default of train.",
    )


def test_unset_takes_out_an_unknown_name_too(sample: Sample) -> None:
    sample.write("components/cnn.yaml", sample.read("components/cnn.yaml") + "  nope: 1\n")
    assert unset_param(sample.project(), "cnn", "nope").changed
    with pytest.raises(MlstackError, match="train has no parameter nope"):
        unset_param(sample.project(), "cnn", "nope")


def test_local_needs_an_environment_and_manifests_have_no_parameters(sample: Sample) -> None:
    sample.write("components/own/a.yaml", "")
    with pytest.raises(MlstackError, match="Add --env ENV"):
        set_param(sample.project(), "cnn", "num_gpus", "1", local=True)
    with pytest.raises(MlstackError, match="own is plain manifests"):
        set_param(sample.project(), "own", "num_gpus", "1")


def test_how_values_are_shown() -> None:
    assert [shown(one) for one in (None, "a", "", 1, True, [1], {"a": "ü"})] == [
        "-",
        "a",
        '""',
        "1",
        "true",
        "[1]",
        '{"a": "ü"}',
    ]


LIMITS = """\
  high: {type: integer, default: 0}
  low: {type: integer, default: 0}
  name: {maxLength: 9}
allOf:
  - {message: "low ({low}) must be at most high ({high})", atLeast: [high, low]}
"""


@pytest.fixture
def limited(empty_app: Sample, add_environment: Callable[..., None]) -> Sample:
    """An app whose component hub has a prototype with a rule between two parameters."""
    prototype = empty_app.registry / "hubs/my-hub/prototype.yaml"
    prototype.write_text(prototype.read_text() + LIMITS)
    template = empty_app.registry / "hubs/my-hub/templates/hub.yaml"
    template.write_text(template.read_text() + "# {{ params.high }} {{ params.low }}\n")
    generate(empty_app.project(), "my-hub", "hub")
    add_environment(empty_app, "gke")
    return empty_app


def test_a_value_that_breaks_a_rule_between_parameters_is_not_stored(limited: Sample) -> None:
    set_param(limited.project(), "hub", "high", "3")
    set_param(limited.project(), "hub", "low", "2")
    with pytest.raises(MlstackError, match=r"^hub in gke: low \(4\) must be at most high \(3\)\.$"):
        set_param(limited.project(), "hub", "low", "4")
    with pytest.raises(MlstackError, match=r"^hub: low \(2\) must be at most high \(1\)\.$"):
        set_param(limited.project(), "hub", "high", "1", "gke")
    assert limited.project().component("hub").params == {"high": 3, "low": 2}


def test_a_broken_rule_can_be_mended_step_by_step(limited: Sample) -> None:
    limited.write("components/hub.yaml", limited.read("components/hub.yaml") + "params:\n  high: 1\n  low: 5\n")
    assert set_param(limited.project(), "hub", "low", "4").changed
    assert set_param(limited.project(), "hub", "high", "4").changed
    assert validate(limited.project(), "gke") == []


@pytest.mark.parametrize(
    ("name", "params", "sentence"),
    [
        ("other", {"high": "1", "low": "2"}, r"^other: low \(2\) must be at most high \(1\)\.$"),
        (
            "much-too-long",
            {},
            r"^much-too-long: name must be a name of at most 9 lower-case letters, digits and -, got",
        ),
        ("other", {"name": "much-too-long"}, r"^name must be a name of at most 9 lower-case letters"),
    ],
)
def test_what_cannot_render_is_not_made(limited: Sample, name: str, params: dict[str, str], sentence: str) -> None:
    with pytest.raises(MlstackError, match=sentence):
        generate(limited.project(), "my-hub", name, params)
    assert name not in limited.project().component_names
