"""The boundary of background threads, and the nearest name."""

from __future__ import annotations

import pytest

from mlstack.errors import MlstackError, UnexpectedError, did_you_mean, wrap_unexpected


def test_a_bug_becomes_a_report_with_its_cause() -> None:
    with pytest.raises(UnexpectedError) as caught, wrap_unexpected("watching pods"):
        raise KeyError("metadata")
    assert caught.value.message == "Unexpected error while watching pods: KeyError: 'metadata'."
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("error", [MlstackError("no route"), BrokenPipeError()])
def test_what_is_expected_passes_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, wrap_unexpected("watching pods"):
        raise error
    assert caught.value is error


def test_the_nearest_name_or_all_of_a_few() -> None:
    assert did_you_mean("cn", ["cnn", "hub"]) == "Did you mean cnn?"
    assert did_you_mean("xyz", ["cnn", "hub"]) == "There are: cnn, hub."
    assert did_you_mean("xyz", []) == ""
