from __future__ import annotations

import pytest
import yaml

from mlstack.compose.emit import emit
from mlstack.compose.marks import marked, misplaced, spans, without_marks

V = marked(emit("v, \U0001f600"))
D = marked(emit({"a": [1]}))
N = marked(emit(-1))


def first_misplaced(text: str) -> str | None:
    clean = without_marks(text)
    found = misplaced(clean, spans(text))
    return None if found is None else clean[slice(*found)]


def test_spans_are_where_the_values_stand_without_marks() -> None:
    text = f"\U0001f600: {V}\nb: [{N}, {D}]"
    clean = without_marks(text)
    assert "\ufdd0" not in clean
    assert [clean[a:b] for a, b in spans(text)] == ['"v, \U0001f600"', "-1", '{"a": [1]}']


@pytest.mark.parametrize(
    "text",
    [
        "a: 1",
        f"a: {V}",
        f"{V}: 1",
        f"- {N}\n- {D}",
        f"[{V}, {V}]",
        f"{{a: {V}, {V}: {D}}}",
        f"\U0001f600é: {D}\nb: {V}",
        f"a: 1 # {V}",
        f"a: {V}\n---\nb: {V}",
        f"? {V}\n: {V}",
        f"a:\n  {V}\n",
        V,
    ],
)
def test_values_that_stand_alone(text: str) -> None:
    assert first_misplaced(text) is None


@pytest.mark.parametrize(
    "text",
    [
        f"a: '{V}'",
        f"a: !!str {V}",
        f"a: x{V}",
        f"a: x {V}",
        f"a: |\n  {V}",
        f"a: >-\n  b {N} c\n",
        f"a: 1{N}",
        f"a: {N}{N}",
        f"a: {N}Gi",
        f"a: {N}\n  b",
        f'a: "{marked(emit("#"))}"',
        f'a: "{marked(emit(" # "))}"',
        f'a: ["{marked(emit(", b, "))}"]',
        f'a: {{"{marked(emit(": 1, b: "))}": c}}',
    ],
)
def test_values_inside_other_text_are_found(text: str) -> None:
    try:
        assert first_misplaced(text) is not None
    except yaml.YAMLError:
        assert '"' in text  # what a value leaves of the quotes around it may be no YAML at all
