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
    given_params,
    image_digests,
    one_before,
    to_contents,
    to_secrets,
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
    (secret,) = to_secrets(RECEIPT, CONTENTS, OWNER)
    assert secret["metadata"]["name"] == "mlstack-a-e-r3"
    assert PART_OF not in secret["metadata"]["labels"]  # else it would be pruned as one of the app's objects
    (read,) = receipts.receipts([secret])
    assert (read.revision, read.components, read.former, read.chunks) == (3, ("cnn",), 1, 1)
    found = to_contents([secret])
    assert found.manifests == {"web": [CONFIG]}
    assert (found.prototypes, found.params, found.packages, found.files) == (
        CONTENTS.prototypes,
        CONTENTS.params,
        CONTENTS.packages,
        CONTENTS.files,
    )


def test_the_values_of_secrets_are_left_out() -> None:
    (secret,) = to_secrets(RECEIPT, Contents({"web": (SECRET,)}), OWNER)
    (found,) = to_contents([secret]).manifests["web"]
    assert found == {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}


def noise(size: int) -> Contents:
    """Manifests that hardly compress."""
    text = "".join(random.Random(1).choices("0123456789abcdef", k=size))
    return Contents({"web": ({**CONFIG, "data": {"a": text}},)}, params={"web": {"a": {"value": 1, "place": "p"}}})


@pytest.mark.parametrize(("size", "chunks"), [(100, 1), (5000, 4), (20000, 0)])
def test_many_manifests_take_several_secrets_and_too_many_none(
    size: int, chunks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "CHUNK_BYTES", 1000)
    secrets = to_secrets(RECEIPT, noise(size), OWNER)
    assert len(secrets) == max(1, chunks)
    first = secrets[-1]  # written last: where the summary stands, all of it does
    assert receipts.receipts(secrets)[0].chunks == chunks
    found = to_contents([first, *secrets[:-1]])
    assert found.manifests == ({"web": [*noise(size).manifests["web"]]} if chunks else {})
    assert found.params == noise(size).params
    assert all(len(json.dumps(secret)) < 2500 for secret in secrets)


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


@pytest.mark.parametrize(("current", "expected"), [(4, 2), (2, 1), (1, None)])
def test_the_revision_before_is_one_that_went_well(current: int, expected: int | None) -> None:
    found = [Receipt(n, "", "", "failed" if n == 3 else "applied") for n in (4, 3, 2, 1)]
    before = one_before(found, current)
    assert (before.revision if before else None) == expected
