from __future__ import annotations

import pytest

from mlstack.app.names import check_app_name, check_label, new_id, plain_name
from mlstack.errors import MlstackError


@pytest.mark.parametrize("name", ["a", "gke", "kubeflow-core", "a" * 63, "1a"])
def test_labels(name: str) -> None:
    assert check_label("a component", name) == name


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a.b", "a/b", "../a", "a" * 64, "ü", "a\n"])
def test_what_is_no_label(name: str) -> None:
    with pytest.raises(MlstackError, match="cannot be the name of a component"):
        check_label("a component", name)


@pytest.mark.parametrize(("name", "good"), [("My_App.2", True), ("my app", False), ("", False), ("a" * 64, False)])
def test_app_names_are_label_values(name: str, good: bool) -> None:
    if good:
        assert check_app_name(name) == name
    else:
        with pytest.raises(MlstackError, match="cannot be the name of an app"):
            check_app_name(name)


def test_the_slip_of_pages_that_show_commands() -> None:
    assert plain_name("num\\_gpus") == "num_gpus"


def test_ids_differ_and_are_never_numbers() -> None:
    ids = {new_id() for _ in range(50)}
    assert len(ids) == 50
    assert all(one[0].isalpha() and len(one) == 8 for one in ids)
