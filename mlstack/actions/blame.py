"""A refusal of the cluster, with the parameter that it is about."""

from __future__ import annotations

from mlstack.actions.session import Session
from mlstack.cluster.failures import ClusterError
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.origin import origins


def blamed(session: Session, component: str, manifest: Manifest, error: MlstackError) -> str:
    """The error's sentences, the fields that it names traced to the parameters that gave them their values."""
    causes = error.causes if isinstance(error, ClusterError) else ()
    found = origins((cause.field for cause in causes), manifest, session.settings(component))
    if not found:
        return str(error)
    return f"{str(error).rstrip('.')}. It comes from {', '.join(found)}."
