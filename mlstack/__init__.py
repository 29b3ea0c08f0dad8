"""mlstack composes machine-learning stacks on Kubernetes; `App` is the library's door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from mlstack.actions.app import App
    from mlstack.actions.apply import ApplyOptions
    from mlstack.errors import MlstackError, NotReadyError, WorkloadFailedError
    from mlstack.plan.model import Action, Allow, Plan

# Loaded when asked for: `import mlstack` and every command start without what they do not use.
_WHERE = {
    "Action": "mlstack.plan.model",
    "Allow": "mlstack.plan.model",
    "App": "mlstack.actions.app",
    "ApplyOptions": "mlstack.actions.apply",
    "MlstackError": "mlstack.errors",
    "NotReadyError": "mlstack.errors",
    "Plan": "mlstack.plan.model",
    "WorkloadFailedError": "mlstack.errors",
}

__all__ = [
    "Action",
    "Allow",
    "App",
    "ApplyOptions",
    "MlstackError",
    "NotReadyError",
    "Plan",
    "WorkloadFailedError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _WHERE:
        raise AttributeError(f"module mlstack has no attribute {name}")
    return getattr(importlib.import_module(_WHERE[name]), name)
