from __future__ import annotations

from typing import Any, cast

from mlstack.actions.events import Event, Failed, Removed
from mlstack.actions.pruning import Pruned, prune
from mlstack.actions.session import Session
from mlstack.compose.manifests import Key
from mlstack.errors import MlstackError
from mlstack.plan.model import Action, Change


def change(name: str) -> Change:
    live = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}}
    return Change(Key("", "ConfigMap", "n", name), Action.PRUNE, "web", live=live)


class Answering:
    """A client and session in one, to whom the cluster gives these answers."""

    def __init__(self, *answers: bool | MlstackError) -> None:
        self.answers = list(answers)
        self.connection = self.client = self

    def map(self, function: Any, items: Any) -> list[bool | MlstackError]:
        return self.answers


def pruned(*answers: bool | MlstackError) -> tuple[Pruned, list[Event]]:
    events: list[Event] = []
    names = [change(name) for name in "abc"[: len(answers)]]
    return prune(cast(Session, Answering(*answers)), names, 0.0, events.append), events


def test_what_was_another_object_by_then_counts_as_gone() -> None:
    found, events = pruned(True, False)
    assert [str(key) for key in found.removed] == ["ConfigMap/a", "ConfigMap/b"]
    assert found.failed == ()
    assert [type(event) for event in events] == [Removed, Removed]


def test_a_refusal_is_told_and_hides_no_other() -> None:
    found, events = pruned(True, MlstackError("No."), True)
    assert [key.name for key in found.removed] == ["a", "c"]
    assert [(sent.change.key.name, str(sent.error)) for sent in found.failed] == [("b", "No.")]
    assert Failed(change("b").key, "No.", "web") in events
