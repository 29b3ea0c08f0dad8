"""The small client, as far as no server is needed; real servers are in tests/cluster/test_sandbox.py."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from mlstack.errors import MlstackError
from mlstack.sandbox import api


def write(folder: Path, *, inline: bool) -> Path:
    def entry(name: str, text: str) -> dict[str, str]:
        if inline:
            return {f"{name}-data": base64.b64encode(text.encode()).decode()}
        (folder / name).write_text(text)
        return {name: name}

    cluster = {"server": "https://127.0.0.1:20001", **entry("certificate-authority", "A")}
    user = {**entry("client-certificate", "C"), **entry("client-key", "K")}
    file = folder / "kubeconfig.yaml"
    file.write_text(yaml.safe_dump({"clusters": [{"cluster": cluster}], "users": [{"user": user}]}))
    return file


@pytest.mark.parametrize("inline", [True, False])
def test_access(inline: bool, tmp_path: Path) -> None:
    assert api.access(write(tmp_path, inline=inline)) == api.Access("https://127.0.0.1:20001", "A", "C", "K")


def test_keys_are_not_shown(tmp_path: Path) -> None:
    assert "K" not in repr(api.access(write(tmp_path, inline=True))).removeprefix("Access(")


@pytest.mark.parametrize(
    ("text", "value"), [(b"", None), (b'{"a": 1}', {"a": 1}), (b"ok", "ok"), (b"\xff", "\N{REPLACEMENT CHARACTER}")]
)
def test_answers(text: bytes, value: object) -> None:
    assert api._json(text) == value


def test_a_refusal_is_a_sentence() -> None:
    assert api._accepted("GET", "/x", 200, {"a": 1}) == {"a": 1}
    with pytest.raises(MlstackError, match=r"refused PATCH /x \(403\): not you"):
        api._accepted("PATCH", "/x?force=true", 403, {"message": "not you"})
