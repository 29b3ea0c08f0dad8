from __future__ import annotations

from mlstack.actions.going import FEW, has_finalizers, held
from mlstack.compose.manifests import Manifest


def config(name: str, *finalizers: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "finalizers": list(finalizers)}}


def test_what_is_held_is_named_with_its_finalizers() -> None:
    assert held([config("a"), config("b", "x.io/y", "z")]) == "ConfigMap/a, ConfigMap/b (waits for finalizer x.io/y, z)"
    assert held([config(str(number)) for number in range(FEW + 2)]).endswith("ConfigMap/4 and 2 more")
    assert [has_finalizers(config("a")), has_finalizers(config("b", "x"))] == [False, True]
