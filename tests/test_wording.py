"""Numbers with their nouns, and long messages shortened."""

from __future__ import annotations

import pytest

from mlstack import wording
from mlstack.wording import counted, shortened


@pytest.mark.parametrize(("number", "text"), [(0, "0 objects"), (1, "1 object"), (2, "2 objects")])
def test_counted(number: int, text: str) -> None:
    assert counted(number, "object") == text


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("  short  \nsecond line", "short"),
        ("One sentence, longer. Another one that is too long", "One sentence, longer."),
        ("first of two; second part that is too long for it", "first of two; second part …"),
        ("exceeded quota: requested: persistentvolumeclaims", "exceeded quota: requested: …"),
    ],
)
def test_never_cut_within_a_word(message: str, text: str) -> None:
    assert shortened(message, 30) == text


def test_whole_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "_whole", False)
    wording.print_whole()
    assert shortened("One sentence. Another one\nand a line", 10) == "One sentence. Another one\nand a line"
