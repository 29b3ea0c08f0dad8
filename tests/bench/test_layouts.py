"""Where each tool finds the objects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from bench import layouts, workload

TEXTS = {name: make(50, 0, "helm") for name, make in workload.SETS.items()}


def files(folder: Path) -> dict[str, list[str]]:
    """The names of the objects in each file."""
    return {
        str(file.relative_to(folder)): [m["metadata"]["name"] for m in yaml.safe_load_all(file.read_text())]
        for file in sorted(folder.rglob("*.yaml"))
        if file.name != "Chart.yaml"
    }


def counts(folder: Path) -> dict[str, int]:
    return {file: len(set(names)) for file, names in files(folder).items()}


@pytest.mark.parametrize("name", ["configmaps", "mixed"])
def test_every_tool_gets_all_objects(name: str, tmp_path: Path) -> None:
    expected = sorted(m["metadata"]["name"] for m in yaml.safe_load_all(
        workload.SEPARATOR.join((*TEXTS[name].crds, *TEXTS[name].objects))))  # fmt: skip
    assert len(expected) == 50
    for write in (layouts.write_files, layouts.write_chart, layouts.write_app):
        place = tmp_path / write.__name__
        write(place, TEXTS[name])
        assert sorted(one for names in files(place).values() for one in names) == expected
    layouts.write_requests(tmp_path / "floor", TEXTS[name])
    assert sorted(one["name"] for one in json.loads((tmp_path / "floor" / "requests.json").read_text())) == expected


def test_definitions_of_kinds_stand_apart(tmp_path: Path) -> None:
    layouts.write_chart(tmp_path, TEXTS["mixed"])
    assert counts(tmp_path)["chart/crds/crds.yaml"] == 1
    assert "{{" not in (tmp_path / "chart" / "templates" / "objects.yaml").read_text()  # helm reads it as a template
    assert yaml.safe_load((tmp_path / "chart" / "Chart.yaml").read_text())["name"] == "bench"
    layouts.write_files(tmp_path / "files", TEXTS["configmaps"])
    assert set(counts(tmp_path / "files")) == {"objects.yaml"}


@pytest.mark.parametrize(
    ("api", "kind", "namespace", "stage", "collection"),
    [
        ("v1", "ConfigMap", None, 1, "/api/v1/namespaces/bench-floor/configmaps"),
        ("v1", "Service", "a", 1, "/api/v1/namespaces/a/services"),
        ("v1", "Namespace", None, 0, "/api/v1/namespaces"),
        ("apps/v1", "Deployment", "a", 1, "/apis/apps/v1/namespaces/a/deployments"),
        ("x.io/v1", "Widget0", "a", 1, "/apis/x.io/v1/namespaces/a/widget0s"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", None, 0, "/apis/rbac.authorization.k8s.io/v1/clusterroles"),
    ],
)
def test_request(api: str, kind: str, namespace: str | None, stage: int, collection: str) -> None:
    meta = {"name": "n", "labels": {"revision": "3"}, **({"namespace": namespace} if namespace else {})}
    manifest = {"apiVersion": api, "kind": kind, "metadata": meta}
    assert layouts.request(manifest, "bench-floor") == {
        "stage": stage,
        "collection": collection,
        "name": "n",
        "revision": "3",
        "body": manifest,
    }
