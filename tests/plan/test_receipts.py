from __future__ import annotations

import json
import random
from typing import Any

import pytest

from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Manifest
from mlstack.compose.places import Place
from mlstack.plan import receipts
from mlstack.plan.inventory import PART_OF, Owner
from mlstack.plan.receipts import (
    Contents,
    Receipt,
    better_outcomes,
    given_params,
    image_digests,
    last_ready,
    to_config_maps,
    to_contents,
    told_value,
)

OWNER = Owner("app", "gke", "mlstack-a-e", "n", "mlstack-a-e")
RECEIPT = Receipt(3, "2026-01-01T00:00:00Z", "me@here", components=("cnn",), counts={"create": 2}, former=1)
CONFIG: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
SECRET: Manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "hush"}}
CONTENTS = Contents(
    {"web": (CONFIG,)},
    {"web": "kubeflow/a/b"},
    {"web": {"size": {"value": 3, "place": "environments/gke.yaml:9"}}},
    {"kubeflow/a": "sha256:1"},
    {"mlstack.yaml": {"params": {"x": 1}}},
)


def test_what_is_kept_is_read_back() -> None:
    (config,) = to_config_maps(RECEIPT, CONTENTS, OWNER)
    assert config["metadata"]["name"] == "mlstack-a-e-r3"
    assert PART_OF not in config["metadata"]["labels"]  # else it would be pruned as one of the app's objects
    (read,) = receipts.receipts([config])
    assert (read.revision, read.components, read.former, read.chunks) == (3, ("cnn",), 1, 1)
    found = to_contents([config])
    assert found.manifests == {"web": [CONFIG]}
    assert (found.prototypes, found.params, found.packages, found.files) == (
        CONTENTS.prototypes,
        CONTENTS.params,
        CONTENTS.packages,
        CONTENTS.files,
    )


def test_the_values_of_secrets_are_left_out() -> None:
    (config,) = to_config_maps(RECEIPT, Contents({"web": (SECRET,)}), OWNER)
    (found,) = to_contents([config]).manifests["web"]
    assert found == {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}


def noise(size: int) -> Contents:
    """Manifests that hardly compress."""
    text = "".join(random.Random(1).choices("0123456789abcdef", k=size))
    return Contents({"web": ({**CONFIG, "data": {"a": text}},)}, params={"web": {"a": {"value": 1, "place": "p"}}})


@pytest.mark.parametrize(("size", "chunks"), [(100, 1), (5000, 4), (20000, 0)])
def test_many_manifests_take_several_config_maps_and_too_many_none(
    size: int, chunks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "CHUNK_BYTES", 1000)
    configs = to_config_maps(RECEIPT, noise(size), OWNER)
    assert len(configs) == max(1, chunks)
    first = configs[-1]  # written last: where the summary stands, all of it does
    assert receipts.receipts(configs)[0].chunks == chunks
    found = to_contents([first, *configs[:-1]])
    assert found.manifests == ({"web": [*noise(size).manifests["web"]]} if chunks else {})
    assert found.params == noise(size).params
    assert all(len(json.dumps(config)) < 2500 for config in configs)


def test_what_an_apply_of_one_component_does_not_speak_of_stays() -> None:
    now = Contents({"other": (CONFIG,)}, packages={"kubeflow/a": "sha256:2"})
    both = now.over(CONTENTS)
    assert set(both.manifests) == {"web", "other"}
    assert both.params == CONTENTS.params
    assert both.packages == {"kubeflow/a": "sha256:2"}


def test_given_values_stand_with_their_place() -> None:
    settings = {
        "size": Setting("size", 3, "environment", Place("environments/gke.yaml", 9)),
        "steps": Setting("steps", 7, "--set", Place("--set")),
        "mode": Setting("mode", "x"),
        "code": Setting("code", "./train", "component", Place("components/cnn.yaml", 7), digest="0123456789"),
    }
    given = given_params(settings)
    assert given == {
        "code": {"value": "./train", "place": "components/cnn.yaml:7", "digest": "0123456789"},
        "size": {"value": 3, "place": "environments/gke.yaml:9"},
        "steps": {"value": 7, "place": "--set"},
    }
    assert {name: told_value(one) for name, one in given.items()} == {
        "code": "./train (0123456789)",
        "size": 3,
        "steps": 7,
    }


@pytest.mark.parametrize(
    ("image_id", "found"),
    [
        ("docker-pullable://nginx@sha256:abc", {"nginx": "sha256:abc"}),
        ("nginx@sha256:abc", {"nginx": "sha256:abc"}),
        ("nginx", {}),
        ("", {}),
    ],
)
def test_image_digests_where_they_are_known(image_id: str, found: dict[str, str]) -> None:
    status: dict[str, Any] = {"containerStatuses": [{"image": "nginx", "imageID": image_id}]}
    assert image_digests([{"status": status}, {"metadata": {}}]) == found


def test_what_a_former_version_kept_in_a_secret_is_read() -> None:
    (config,) = to_config_maps(RECEIPT, CONTENTS, OWNER)
    annotations = {receipts.SUMMARY: config["metadata"]["annotations"][receipts.SUMMARY]}
    secret = {"kind": "Secret", "metadata": {**config["metadata"], "annotations": annotations}}
    secret["data"] = config["binaryData"]
    (read,) = receipts.receipts([secret])
    assert (read.revision, read.outcomes, read.state()) == (3, {}, "unknown")
    assert to_contents([secret]).manifests == {"web": [CONFIG]}


def test_what_a_newer_version_adds_is_left_alone_and_what_a_person_broke_is_left_out() -> None:
    def item(summary: str, outcomes: str = "{}") -> Manifest:
        return {"metadata": {"annotations": {receipts.SUMMARY: summary, receipts.OUTCOMES: outcomes}}}

    good = {"revision": 2, "when": "T", "who": "me@here", "colour": "blue"}
    found = receipts.receipts([item(json.dumps(good)), item("{"), item("[]"), item('{"when": "T"}'), item("{}", "x")])
    assert [one.revision for one in found] == [2]


def test_values_of_a_secret_are_in_no_annotation_either() -> None:
    annotations = {receipts.LAST_APPLIED: '{"data": {"a": "aHVzaA=="}}', "mine": "x"}
    manifest: Manifest = {**SECRET, "metadata": {"name": "s", "annotations": annotations}}
    assert receipts.without_values(manifest)["metadata"] == {"name": "s", "annotations": {"mine": "x"}}


OUTCOMES = {
    5: {"web": "ready", "cnn": "unknown"},
    4: {"web": "ready", "cnn": "not ready"},
    3: {"web": "ready", "cnn": "ready"},
    2: {},  # of a former version, which did not look
    1: {"web": "ready"},
}


@pytest.mark.parametrize(
    ("current", "components", "expected"),
    [(6, (), 3), (6, ("web",), 5), (6, ("cnn",), 3), (3, (), 1), (3, ("cnn",), None), (1, (), None)],
)
def test_the_last_revision_that_was_ready(current: int, components: tuple[str, ...], expected: int | None) -> None:
    found = [Receipt(7, "", "", "failed", outcomes={"web": "ready"})]
    found += [Receipt(number, "", "", outcomes=outcomes) for number, outcomes in OUTCOMES.items()]
    before = last_ready(found, current, components)
    assert (before.revision if before else None) == expected
    assert last_ready(found[:1], 9) is None


def test_a_component_that_was_ready_once_stays_so() -> None:
    before = {"a": "ready", "b": "unknown", "c": "not ready", "d": "unknown"}
    seen = {"a": "not ready", "b": "not ready", "c": "ready", "e": "ready"}
    assert better_outcomes(before, seen) == {"a": "ready", "b": "not ready", "c": "ready", "d": "unknown"}
