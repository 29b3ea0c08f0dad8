from __future__ import annotations

import hashlib
import json

from mlstack.plan.packing import LONG, packed, unpacked


def test_short_text_stays_readable() -> None:
    assert packed('{"a": 1}') == '{"a": 1}'
    assert unpacked('{"a": 1}') == '{"a": 1}'


def test_the_digests_of_twenty_thousand_objects_fit_into_half_an_object() -> None:
    names = [f"ConfigMap./some-namespace/config-{number:05}" for number in range(20_000)]
    text = json.dumps({name: hashlib.sha256(name.encode()).hexdigest()[:10] for name in names})
    assert len(text) > 10 * LONG
    stored = packed(text)
    assert stored == packed(text)
    assert len(stored) < 500_000
    assert unpacked(stored) == text
