from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import pytest

from mlstack.actions import mirror
from mlstack.actions.mirror import Listed, Lost, Mirror, Told
from mlstack.cluster.failures import ForbiddenError, GoneError, UnreachableError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Listing
from mlstack.cluster.watch import Event
from mlstack.errors import UnexpectedError

PODS = well_known("v1", "Pod")
ONE = {"metadata": {"name": "one"}}
SEEN = Event("ADDED", ONE)


class Server:
    """What LIST and WATCH answer, one after the other: a value, or an error to raise. Nothing more: it waits."""

    def __init__(self, lists: list[Any], watches: list[Any]) -> None:
        self.lists, self.watches, self.versions = lists, watches, list[str]()

    def list_objects(self, *_: Any, **__: Any) -> Any:
        return self._next(self.lists)

    def Watch(self, *given: Any, **_: Any) -> Any:  # noqa: N802 - stands for the class
        outer = self

        class Watch:
            resource_version = given[3]

            def stop(self) -> None:
                return None

            def __iter__(self) -> Iterator[Event]:
                outer.versions.append(self.resource_version)
                yield from outer._next(outer.watches)

        return Watch()

    def _next(self, answers: list[Any]) -> Any:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


@pytest.mark.parametrize(
    ("lists", "watches", "version", "expected", "versions"),
    [
        # A LIST, and what changes from there; a watch that ends for good ends it.
        ([Listing([ONE], "5")], [[SEEN], ForbiddenError("no")], "", [Listed, Event, ForbiddenError], ["5", "5"]),
        # From a version that is known already, without a LIST.
        ([], [[SEEN], ForbiddenError("no")], "3", [Event, ForbiddenError], ["3", "3"]),
        # A version that is too old.
        ([Listing([], "9")], [GoneError("old"), ForbiddenError("no")], "3", [Listed, ForbiddenError], ["3", "9"]),
        # The server is away for long.
        (
            [Listing([], "5"), UnreachableError("away"), Listing([], "7")],
            [UnreachableError("away"), ForbiddenError("no")],
            "",
            [Listed, Lost, Lost, Listed, ForbiddenError],
            ["5", "7"],
        ),
        # A bug on the way ends it, and is told as well.
        ([], [KeyError("metadata")], "3", [UnexpectedError], ["3"]),
    ],
)
def test_what_is_told(
    lists: list[Any],
    watches: list[Any],
    version: str,
    expected: list[type],
    versions: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, told = Server(lists, watches), queue.SimpleQueue[Told]()
    monkeypatch.setattr("mlstack.cluster.objects.list_objects", server.list_objects)
    monkeypatch.setattr(mirror, "Watch", server.Watch)
    monkeypatch.setattr(mirror, "PAUSE_SECONDS", 0.01)
    one = Mirror(None, PODS, "n", told.put, version=version)  # type: ignore[arg-type]  # nothing is sent
    assert [type(told.get(timeout=30)) for _ in expected] == expected
    one.stop()
    assert server.versions == versions
