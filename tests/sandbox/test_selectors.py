"""The grammar of Stages."""

from __future__ import annotations

from mlstack.sandbox import selectors


def test_a_stage() -> None:
    match = [selectors.LIVE, selectors.is_in(".a", "x"), selectors.not_in(".b", "y"), selectors.has(".c")]
    done = selectors.to_status("phase: Running\n", ("Normal", "Started", "it runs"))
    found = selectors.stage("Pod", "p", match, done, weight=1, delay=selectors.delay(100, "sim/x"))
    assert found["spec"] == {
        "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
        "selector": {
            "matchExpressions": [
                {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
                {"key": ".a", "operator": "In", "values": ["x"]},
                {"key": ".b", "operator": "NotIn", "values": ["y"]},
                {"key": ".c", "operator": "Exists"},
            ]
        },
        "weight": 1,
        "delay": {"durationMilliseconds": 100, "durationFrom": {"expressionFrom": '.metadata.annotations["sim/x"]'}},
        "next": {
            "statusTemplate": selectors.START + "phase: Running\n",
            "event": {"type": "Normal", "reason": "Started", "message": "it runs"},
        },
    }


def test_no_event_unless_said() -> None:
    assert "event" not in selectors.to_status("phase: Running\n")["next"]
