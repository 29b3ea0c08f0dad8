from __future__ import annotations

import base64
import json

import pytest

from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.generated import GENERATE, filled, missing, plain_data, wishes


def secret(**wanted: str) -> Manifest:
    metadata = {"name": "s", "annotations": {GENERATE: json.dumps(wanted)}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def make(kind: str, length: int) -> str:
    return f"{kind}-{length}"


def test_only_what_is_missing_is_made() -> None:
    manifest = secret(a="hex:32", b="password:20")
    assert filled(manifest, None, make)["data"] == {"a": encoded("hex-32"), "b": encoded("password-20")}
    assert filled(manifest, {"data": {"a": "a2VwdA=="}}, make)["data"] == {"a": "a2VwdA==", "b": encoded("password-20")}
    assert missing(manifest, {"data": {"a": "a2VwdA=="}}) == ("b",)
    assert "data" not in manifest


def test_other_objects_are_left() -> None:
    plain: Manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    assert filled(plain, None, make) is plain
    assert wishes({**secret(a="hex:32"), "kind": "ConfigMap"}) == {}


@pytest.mark.parametrize("wish", ["hex", "hex:x", "uuid:3", "", "hex:0", "hex:²", "hex:99999999999"])
def test_a_wish_that_makes_no_sense(wish: str) -> None:
    with pytest.raises(MlstackError, match=r'^Secret/s: annotation .* must be \{"KEY": "hex:LENGTH"\}'):
        wishes(secret(a=wish))


@pytest.mark.parametrize("text", ["{", "hex:32", "[]", "null", '"hex:32"', 32, ["hex"]])
def test_an_annotation_of_another_shape(text: object) -> None:
    manifest = secret()
    manifest["metadata"]["annotations"][GENERATE] = text
    with pytest.raises(MlstackError, match=r"annotation mlstack\.dev/generate must be"):
        wishes(manifest)


def test_text_becomes_data() -> None:
    given: Manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "x"}}
    assert plain_data(given) == {**{k: v for k, v in given.items() if k != "stringData"}, "data": {"a": encoded("x")}}
