"""A registry whose prototype `server` takes any text for a service account: for what only the cluster refuses."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import HEAD, write_tree

SERVER = """\
name: server
version: 0.1.0
summary: A server
lifecycle: service
parameters:
  service_account: {type: string, default: default, description: Service account of the pods}
"""
TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ name }}}
spec:
  selector: {matchLabels: {app: {{ name }}}}
  template:
    metadata: {labels: {app: {{ name }}}}
    spec:
      serviceAccountName: {{ params.service_account }}
      containers: [{name: server, image: "nginx:1.27"}]
"""


def team_registry(folder: Path) -> Path:
    """Its files below `folder`."""
    files = {
        "registry.yaml": HEAD.format("Registry") + "name: team\ndescription: A team's own\n",
        "apps/package.yaml": HEAD.format("Package") + "name: apps\nversion: 0.1.0\ndescription: Servers\n",
        "apps/server/prototype.yaml": HEAD.format("Prototype") + SERVER,
        "apps/server/templates/a.yaml": TEMPLATE,
    }
    return write_tree(folder, files)
