from __future__ import annotations

from mlstack.compose.textformats import is_location


def test_a_location_has_only_the_schemes_that_are_asked_for() -> None:
    assert is_location("gs://b/p", "gs")
    assert not is_location("s3://b/p", "gs")
    assert not is_location("pvc://c/p", "gs", "s3")
    assert not is_location("out", "gs")
    assert is_location("out", "gs", relative=True)
