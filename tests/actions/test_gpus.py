from __future__ import annotations

from typing import Any

from mlstack.actions.gpus import Gpus, count_gpus

GPU = "nvidia.com/gpu"


def pod(
    *gpus: int, node: str = "a", phase: str = "Running", app: str = "other", init: tuple[int, ...] = ()
) -> dict[str, Any]:
    def containers(counts: tuple[int, ...]) -> list[dict[str, Any]]:
        return [{"name": "c", "resources": {"limits": {GPU: str(count)}}} for count in counts]

    spec = {"nodeName": node, "containers": [*containers(gpus), {"name": "x"}], "initContainers": containers(init)}
    metadata = {"name": "p", "labels": {"app.kubernetes.io/part-of": app}}
    return {"metadata": metadata, "spec": spec, "status": {"phase": phase}}


def test_what_counts() -> None:
    pods = [
        pod(1, 2),
        pod(4, app="mine"),
        pod(1, init=(3,)),  # the larger of both
        pod(8, node=""),  # waits
        pod(8, phase="Succeeded"),
        pod(8, phase="Failed"),
    ]
    assert count_gpus(pods, "mine", GPU, 16) == Gpus(used=10, ours=4, total=16)
