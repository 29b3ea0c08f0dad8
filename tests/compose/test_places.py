from __future__ import annotations

import pytest

from mlstack.compose.places import Place, PlacedError


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place("environments/gke.yaml", 9), "environments/gke.yaml:9"),
        (Place("mlstack.yaml"), "mlstack.yaml"),
        (Place("--set", None), "--set"),
    ],
)
def test_a_place_reads_as_file_and_line(place: Place, text: str) -> None:
    assert str(place) == text


def test_a_placed_error_begins_with_its_place_and_keeps_its_parts() -> None:
    error = PlacedError(Place("a.yaml", 3), "this is wrong", "Do that.")
    assert str(error) == "a.yaml:3: this is wrong. Do that."
    assert (error.place, error.problem, error.hint) == (Place("a.yaml", 3), "this is wrong", "Do that.")
