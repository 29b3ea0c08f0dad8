"""A user's server as it comes up, from what pods and events say."""

from __future__ import annotations

from typing import Any

import pytest

from mlstack.actions.events import Event, Notice
from mlstack.actions.servers import ServerStory, hub_user, server_path, steps
from mlstack.errors import MlstackError

PENDING = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
}


def pod(user: str, conditions: list[dict[str, str]], phase: str = "Pending") -> dict[str, Any]:
    """A server's pod."""
    metadata = {"name": f"jupyter-{user}", "uid": user, "annotations": {"hub.jupyter.org/username": user}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "status": {"phase": phase, "conditions": conditions},
    }


def event(reason: str, message: str, at: int) -> dict[str, Any]:
    """An event about it."""
    return {"reason": reason, "message": message, "lastTimestamp": f"2026-11-23T12:00:{at:02}Z"}


EVENTS = [
    event("Pulled", 'Successfully pulled image "nb:1" in 41s. Image size: 900 bytes.', 9),
    event("Pulling", 'Pulling image "nb:1"', 2),
    event("Scheduled", "Successfully assigned", 1),
]


def test_steps_are_in_order_and_of_interest() -> None:
    assert steps(EVENTS) == [
        'Pulling image "nb:1".',
        'Successfully pulled image "nb:1" in 41s. Image size: 900 bytes.',
    ]


def test_a_story_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pods: list[dict[str, Any]] = []

    def listed(client: object, resource: Any, namespace: str, **_: str) -> Any:
        return type("Listing", (), {"items": EVENTS if resource.kind == "Event" and len(looks) > 1 else pods})()

    looks: list[int] = []
    told: list[Event] = []
    monkeypatch.setattr("mlstack.actions.servers.objects.list_objects", listed)
    story = ServerStory(None, "a", "alice", told.append)  # type: ignore[arg-type]  # nothing is asked of it
    ready = [{"type": "Ready", "status": "True"}]
    for found in ([], [pod("bob", ready)], [pod("alice", [PENDING])], [pod("alice", ready, "Running")]):
        pods[:] = found
        story.look()
        story.look()
        looks.append(1)
    texts = [one.text for one in told if isinstance(one, Notice)]
    assert texts[0] == "alice's server waits: 3 nodes have too few GPUs free."
    assert texts[1:] == [
        'alice\'s server: Pulling image "nb:1".',
        'alice\'s server: Successfully pulled image "nb:1" in 41s. Image size: 900 bytes.',
        "alice's server is ready (jupyter-alice).",
    ]


# As JupyterHub 5.5.4 and KubeSpawner 7.1.0 name them: tests/oracles asks their own code.
USERS = [
    ("ada", "ada", "/user/ada/"),
    ("Ada", "ada", "/user/ada/"),
    (" Ada Lovelace ", "ada lovelace", "/user/ada%20lovelace/"),
    ("Ada.Lovelace@Example.COM", "ada.lovelace@example.com", "/user/ada.lovelace@example.com/"),
    ("J\u00d6RG", "j\u00f6rg", "/user/j%C3%B6rg/"),
    ("a+b~c(d)", "a+b~c(d)", "/user/a%2Bb~c%28d%29/"),
    ("ADA-" * 20, "ada-" * 20, "/user/" + "ada-" * 20 + "/"),
]


@pytest.mark.parametrize(("typed", "user", "path"), USERS)
def test_a_user_is_named_as_the_hub_names_them(typed: str, user: str, path: str) -> None:
    assert (hub_user(typed), server_path(hub_user(typed))) == (user, path)


@pytest.mark.parametrize("typed", ["", "  ", "a/b", ".", ".."])
def test_a_name_that_the_hub_takes_from_nobody(typed: str) -> None:
    with pytest.raises(MlstackError, match="without slashes"):
        hub_user(typed)
