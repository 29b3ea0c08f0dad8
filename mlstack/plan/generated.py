"""Secrets whose values are made in the cluster once and kept from then on."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from mlstack.compose.manifests import Manifest, group_of, key_of
from mlstack.errors import MlstackError

GENERATE = "mlstack.dev/generate"
Maker = Callable[[str, int], str]
KINDS = ("hex", "password")
LONGEST = 4096  # characters of a generated value


def wishes(manifest: Manifest) -> dict[str, tuple[str, int]]:
    """What a Secret wants made: {key: (kind, length)}, from its annotation {"key": "hex:32"}; empty for others."""
    text = (manifest["metadata"].get("annotations") or {}).get(GENERATE)
    if text is None or manifest["kind"] != "Secret":
        return {}
    if not isinstance(text, str):
        raise _malformed(manifest, text)
    try:
        asked = json.loads(text)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise _malformed(manifest, text)
    return {name: _wish(manifest, str(wish)) for name, wish in asked.items()}


def _wish(manifest: Manifest, text: str) -> tuple[str, int]:
    kind, _, length = text.partition(":")
    if kind not in KINDS or not (length.isascii() and length.isdigit() and 0 < int(length) <= LONGEST):
        raise _malformed(manifest, text)
    return kind, int(length)


def _malformed(manifest: Manifest, text: object) -> MlstackError:
    form = f'{{"KEY": "hex:LENGTH"}} or {{"KEY": "password:LENGTH"}}, LENGTH at most {LONGEST}'
    return MlstackError(f"{key_of(manifest)}: annotation {GENERATE} must be {form}; got {text}.")


def filled(manifest: Manifest, live: Manifest | None, make: Maker) -> Manifest:
    """The Secret with all its keys: the cluster's where it has them, new ones where it has not."""
    wanted = wishes(manifest)
    if not wanted:
        return manifest
    there: Mapping[str, Any] = (live or {}).get("data") or {}
    made = {name: there.get(name) or _encode(make(*wish)) for name, wish in wanted.items()}
    return {**manifest, "data": {**(manifest.get("data") or {}), **made}}


def missing(manifest: Manifest, live: Manifest | None) -> tuple[str, ...]:
    """The keys that would have to be made."""
    there = (live or {}).get("data") or {}
    return tuple(name for name in wishes(manifest) if not there.get(name))


def plain_data(manifest: Manifest) -> Manifest:
    """A Secret with its `stringData` as `data`, as the server will store it; other kinds as they are."""
    if manifest["kind"] != "Secret" or group_of(manifest) or "stringData" not in manifest:
        return manifest
    rest = {key: value for key, value in manifest.items() if key != "stringData"}
    encoded = {name: _encode(value) for name, value in (manifest["stringData"] or {}).items()}
    return {**rest, "data": {**(manifest.get("data") or {}), **encoded}}


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
