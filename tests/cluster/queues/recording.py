"""What the real Kueue made of some scenes, kept in a file: what mlstack says is held against it, Kueue or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.cluster.queues.kueue import VERSION
from tests.cluster.queues.scenes import Manifest, Scene

RECORDED = Path(__file__).parent / "recorded.yaml"
HEAD = f"# Made by the controller of Kueue {VERSION} (test_oracle.py, MLSTACK_RECORD_KUEUE=1); not to be edited.\n"
KEPT = ("name", "namespace", "labels")


@dataclass(frozen=True)
class Recording:
    """A scene, Kueue's objects with their states as they stood before its job came, and whether that was let in."""

    scene: Scene
    stood: Sequence[Manifest]
    admitted: bool


def record(recordings: Iterable[Recording], file: Path) -> None:
    """Writes them, without what every cluster says otherwise."""
    documents = [
        {
            "seed": one.scene.seed,
            "namespace": one.scene.namespace,
            "stood": list(map(_bare, one.stood)),
            "asked": one.scene.asked,
            "closed": one.scene.closed,
            "admitted": one.admitted,
        }
        for one in recordings
    ]
    file.write_text(HEAD + yaml.safe_dump_all(documents, sort_keys=False, default_flow_style=None, width=120), "utf-8")


def read(file: Path) -> list[Recording]:
    """The recordings of a file."""
    return [_read(one) for one in yaml.load_all(file.read_text("utf-8"), yaml.CSafeLoader)]


def _read(kept: Manifest) -> Recording:
    scene = Scene(kept["seed"], kept["namespace"], (), (), kept["asked"], kept["closed"])
    return Recording(scene, kept["stood"], kept["admitted"])


def _bare(found: Manifest) -> Manifest:
    return {**found, "metadata": {name: found["metadata"][name] for name in KEPT if name in found["metadata"]}}
