from __future__ import annotations

from collections.abc import Callable

import pytest

from mlstack.actions import sending
from mlstack.cluster.failures import InvalidError, WebhookError
from mlstack.cluster.objects import Manifest


def answering(*errors: Exception) -> tuple[list[int], Callable[[], Manifest]]:
    """A function that raises each error once, then answers; and how often it was called."""
    calls: list[int] = []

    def function() -> Manifest:
        calls.append(1)
        if len(calls) <= len(errors):
            raise errors[len(calls) - 1]
        return {"kind": "X"}

    return calls, function


def test_a_webhook_that_is_starting_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PAUSE_SECONDS", 0)
    calls, function = answering(WebhookError("refused"), WebhookError("refused"))
    assert sending.patiently(function) == {"kind": "X"}
    assert len(calls) == 3


def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "WEBHOOK_SECONDS", -1)
    calls, function = answering(WebhookError("refused"), WebhookError("refused"))
    with pytest.raises(WebhookError):
        sending.patiently(function)
    assert len(calls) == 1


def test_nor_for_what_is_wrong() -> None:
    broken = WebhookError("x509")
    broken.retryable = False
    for error in (broken, InvalidError("no such field")):
        calls, function = answering(error)
        with pytest.raises(type(error)):
            sending.patiently(function)
        assert len(calls) == 1
