"""What a component answers with, and where: `endpoints` of its prototype, so that no command knows a prototype."""

from __future__ import annotations

from dataclasses import dataclass

from mlstack.app.assemble import assemble
from mlstack.app.project import Project
from mlstack.compose.layers import resolve
from mlstack.compose.render import Component
from mlstack.errors import MlstackError


@dataclass(frozen=True)
class Access:
    """A component's port, and the path of its address that is worth opening first."""

    component: str
    port: int
    path: str = "/"


def access(project: Project, environment: str, verb: str, component: str | None = None) -> Access:
    """Where `verb` ("serving", "tensorboard") leads; `component` is needed only where several have it.

    Raises MlstackError: no component has such an endpoint, several have, or the named one has not.
    """
    _, assembled = assemble(project, environment, (), [component] if component else None)
    found = {one.name: one for one in assembled if one.prototype and verb in one.prototype.endpoints}
    if component and component not in found:
        raise MlstackError(
            f"{component} has nothing for `mlstack {verb}`.",
            f"Any component can be reached: mlstack port-forward {environment} {component}",
        )
    if not found:
        raise MlstackError(f"No component of {environment} has an endpoint for `mlstack {verb}`.")
    if len(found) > 1:
        raise MlstackError(f"Several components can be meant: {', '.join(found)}.", "Say which.")
    return _access(next(iter(found.values())), verb)


def _access(component: Component, verb: str) -> Access:
    prototype = component.prototype
    assert prototype is not None
    port, _, path = prototype.endpoints[verb].partition(" ")
    settings = resolve(prototype, component.layers, component.name)
    # An empty name of a model, a server … means the component's own, in all prototypes.
    values = {name: setting.value or component.name for name, setting in settings.items()}
    return Access(component.name, int(port), path.format(**values) or "/")
