"""Where each tool looks for the objects: a file and one for definitions, a chart, an app, or ready-made requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from .mixed import CLUSTER_WIDE
from .workload import SEPARATOR, Texts

COMPONENT = "settings"

_CHART = """\
apiVersion: v2
name: bench
version: 0.1.0
"""


def write_files(place: Path, texts: Texts) -> None:
    """For kubectl and kapp: `crds.yaml` where there are any, and `objects.yaml`."""
    _write(place / "objects.yaml", texts.objects)
    if texts.crds:
        _write(place / "crds.yaml", texts.crds)


def write_chart(place: Path, texts: Texts) -> None:
    """For helm: a chart of plain templates, definitions in `crds/`."""
    _write(place / "chart" / "templates" / "objects.yaml", texts.objects)
    _write(place / "chart" / "Chart.yaml", (_CHART,))
    if texts.crds:
        _write(place / "chart" / "crds" / "crds.yaml", texts.crds)


def write_app(place: Path, texts: Texts) -> None:
    """For mlstack: a component of plain manifests in the app that `mlstack init app` makes."""
    _write(place / "app" / "components" / COMPONENT / "objects.yaml", (*texts.crds, *texts.objects))


def write_requests(place: Path, texts: Texts) -> None:
    """For the floor: what to send where, as JSON."""
    namespace = f"bench-{place.name}"
    text = SEPARATOR.join((*texts.crds, *texts.objects))
    requests = [request(manifest, namespace) for manifest in yaml.load_all(text, yaml.CSafeLoader)]
    _write(place / "requests.json", (json.dumps(requests),))


def request(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    """An object as the floor reads it. What is cluster-wide goes first: kinds and namespaces are among it."""
    meta, kind = manifest["metadata"], manifest["kind"]
    wide = kind in CLUSTER_WIDE
    group = manifest["apiVersion"]
    root = f"/apis/{group}" if "/" in group else f"/api/{group}"
    inside = "" if wide else f"/namespaces/{meta.get('namespace', namespace)}"
    return {
        "stage": 0 if wide else 1,
        "collection": f"{root}{inside}/{kind.lower()}s",
        "name": meta["name"],
        "revision": meta["labels"]["revision"],
        "body": manifest,
    }


def _write(file: Path, texts: tuple[str, ...]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SEPARATOR.join(texts), encoding="utf-8")
