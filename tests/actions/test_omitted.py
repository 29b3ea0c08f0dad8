"""Generated Secrets that `show` leaves out, and what reads them."""

from __future__ import annotations

from typing import Any

from mlstack.actions.omitted import is_generated, omission_notes
from tests.prototypes.showing import show


def secret(name: str, **annotations: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "annotations": annotations}}


def test_the_hubs_secret_is_named_with_what_reads_it() -> None:
    assert list(omission_notes(show("jupyterhub").manifests)) == [
        "Note: Secret/jupyterhub-secret is not printed, because its values are generated in the cluster, by apply. "
        "StatefulSet/tf-hub cannot start without it."
    ]


def test_a_secret_that_is_printed_or_that_nothing_reads_needs_no_note() -> None:
    own, unread = secret("own"), secret("unread", **{"mlstack.dev/generate": '{"a": "hex:8"}'})
    assert [is_generated(own), is_generated(unread)] == [False, True]
    assert list(omission_notes([own, unread])) == []


def test_a_secret_as_a_volume_is_read_too() -> None:
    made = secret("made", **{"mlstack.dev/generate": '{"a": "hex:8"}'})
    pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"volumes": [{"secret": {"secretName": "made"}}]}}
    (note,) = omission_notes([made, pod])
    assert "Pod/p cannot start without it" in note
