from __future__ import annotations

import jsonschema_rs
import pytest

from mlstack.compose.re2 import portable


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("^[[:alnum:]]+$", "aB3", "a b"),
        ("^[^[:space:]]+$", "ab", "a b"),
        ("^[[:upper:]_-]+$", "A_B-", "a"),
        ("^[[:punct:]]+$", "!/:@[`{~", "a"),
        ("^[[:print:]]*$", "a b~", "a\tb"),
        (r"^\d{1,3}$", "12", "1234"),
        (r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "a-b", "-a"),
        (r"^\pL+$", "aα", "1"),
        ("(?i)^abc$", "ABC", "abd"),
        ("^(?P<n>a|b)+$", "ab", "c"),
        (r"^[\w.\]-]+$", "a.]-", "a b"),
    ],
)
def test_patterns_mean_the_same(pattern: str, good: str, bad: str) -> None:
    written = portable(pattern)
    assert written is not None
    validator = jsonschema_rs.Draft202012Validator({"pattern": written})
    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


@pytest.mark.parametrize(
    "pattern", ["(a", r"\Qa.b\E", "(?=a)b", "[a-z&&[b]]", "[a[b]", r"\C", "[[:^alpha:]]", "[[:none:]]", "[a--b]", "a{3"]
)
def test_what_is_read_differently_is_not_checked(pattern: str) -> None:
    assert portable(pattern) is None or pattern == "a{3"
