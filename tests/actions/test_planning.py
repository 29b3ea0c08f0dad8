from __future__ import annotations

import string

from mlstack.actions.planning import make_secret


def test_secrets_are_long_and_differ() -> None:
    one, two = make_secret("hex", 32), make_secret("hex", 32)
    assert len(one) == len(two) == 32
    assert set(one) <= set("0123456789abcdef")
    assert one != two
    assert set(make_secret("password", 200)) <= set(string.ascii_letters + string.digits)
