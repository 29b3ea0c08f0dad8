"""A job's size is said in one way in one place: by `scale`, or by numbers (decision 5 of the design)."""

from __future__ import annotations

from mlstack.compose.layers import Layer
from mlstack.compose.places import Place
from mlstack.compose.render import Component
from mlstack.errors import MlstackError

SCALE = "scale"
SIZED = ("num_workers", "num_gpus")


def refuse_two_sizes(component: Component) -> None:
    """Raises MlstackError, with both places, where one layer has `scale` and one of the numbers that it stands for."""
    if component.prototype is None or SCALE not in component.prototype.parameters:
        return
    for layer in component.layers:
        if layer.values.get(SCALE):
            for name in SIZED:
                if layer.values.get(name) is not None:
                    raise _two_sizes(component.name, layer, name)


def _two_sizes(component: str, layer: Layer, name: str) -> MlstackError:
    scale, number = (layer.place(key) or Place(layer.title) for key in (SCALE, name))
    return MlstackError(
        f"{component}: scale = {layer.values[SCALE]} ({scale}) and {name} = {layer.values[name]} ({number}) "
        "both say how large it is.",
        f"Remove one of the two lines: {SCALE} stands for num_workers and num_gpus.",
    )
