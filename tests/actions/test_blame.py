from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from mlstack.actions.blame import blamed
from mlstack.actions.session import Session
from mlstack.cluster.failures import Cause, InvalidError
from mlstack.compose.layers import Setting
from mlstack.compose.places import Place
from mlstack.errors import MlstackError

PLACE = Place("components/model.yaml", 6)
SETTINGS = {"image": Setting("image", "a b", "component", PLACE)}
MANIFEST: dict[str, Any] = {"spec": {"image": "a b", "other": "x"}}


def told(error: MlstackError, component: str = "model") -> str:
    session = SimpleNamespace(settings={"model": SETTINGS, "plain": {}}.__getitem__)
    return blamed(cast("Session", session), component, MANIFEST, error)


def test_the_parameter_of_a_named_field_is_told() -> None:
    error = InvalidError("spec.image: Invalid value.", causes=(Cause("spec.image", "Invalid value"),))
    wanted = "spec.image: Invalid value. It comes from image = a b, at components/model.yaml:6."
    assert told(error) == wanted
    assert told(error, "plain") == "spec.image: Invalid value."


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert told(InvalidError("No.", causes=(Cause("spec.other", "no"),))) == "No."
    assert told(MlstackError("It did not go.", "Wait.")) == "It did not go. Wait."
