from __future__ import annotations

from mlstack.actions.denied import Denied
from mlstack.cluster.kinds import well_known

SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}


def test_what_may_not_be_seen_is_named_once() -> None:
    denied = Denied()
    assert not denied
    assert denied.notices == []
    denied.unlisted(well_known("v1", "Secret"))
    denied.unlisted(well_known("v1", "Secret"))
    denied.unasked(DEPLOYMENT)
    assert (denied.leaves(SECRET), denied.leaves(DEPLOYMENT)) == (True, False)
    first, second = denied.notices
    assert first == "No permission to list Secret: left out here."
    assert second.startswith("No permission to apply Deployment.apps, so that the API server cannot be asked")
