"""What is applied: N ConfigMaps, in the same text for every tool, and the app, folder or chart that holds them."""

from __future__ import annotations

from pathlib import Path

CHANGED = 5
APP_COMPONENT = "settings"

_OBJECT = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: setting-{number:05d}
  labels:
    tier: {tier}
data:
  revision: "{revision}"
  endpoint: https://service-{number}.example.com/v1
  options.yaml: |
    retries: {retries}
    timeout_s: 30
    features: [alpha, beta, gamma]
"""

_CHART = """\
apiVersion: v2
name: bench
version: 0.1.0
"""


def objects(count: int, revision: int) -> str:
    """`count` ConfigMaps as one YAML text; five of them, spread over all, hold the `revision`."""
    step = max(1, count // CHANGED)
    documents = (
        _OBJECT.format(
            number=number,
            tier="web" if number % 2 else "batch",
            retries=number % 7,
            revision=revision if number % step == 0 and number < CHANGED * step else 0,
        )
        for number in range(count)
    )
    return "---\n".join(documents)


def write(folder: Path, count: int, revision: int) -> None:
    """Put the objects where each tool looks for them, below `folder`."""
    text = objects(count, revision)
    for path in (plain_file(folder), chart(folder) / "templates" / "objects.yaml", app_file(folder)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (chart(folder) / "Chart.yaml").write_text(_CHART, encoding="utf-8")


def plain_file(folder: Path) -> Path:
    """What kubectl applies."""
    return folder / "plain" / "objects.yaml"


def chart(folder: Path) -> Path:
    """What helm installs."""
    return folder / "chart"


def app(folder: Path) -> Path:
    """The app that mlstack applies; `mlstack init` makes it."""
    return folder / "app"


def app_file(folder: Path) -> Path:
    """The app's only component: plain manifests."""
    return app(folder) / "components" / APP_COMPONENT / "objects.yaml"
