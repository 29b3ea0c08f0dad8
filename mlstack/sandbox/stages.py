"""How simulated nodes, pods and volumes behave: kwok's Stages, with the annotations of docs/sandbox.md.

kwok takes, of the stages that match an object now, one of the greatest weight; two of equal weight would be drawn by
lot, so the selectors exclude one another. Giving any Stage at all drops kwok's own, so this is the whole set.
"""

from __future__ import annotations

from . import pins
from .podstages import pod_stages
from .selectors import LIVE, Stage, has, is_in, lacks, not_in, stage, to_status


def stages() -> list[Stage]:
    """All stages of a sandbox."""
    return [*node_stages(), *pod_stages(), *volume_stages()]


READY = '.status.conditions.[] | select( .type == "Ready" ) | .status'
DOWN = '.metadata.annotations["sim/not-ready"]'
NODE_CONDITIONS = """
conditions:
{{ range NodeConditions }}
- lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ or $root.metadata.creationTimestamp $now | Quote }}
  message: {{ .message | Quote }}
  reason: {{ .reason | Quote }}
  status: {{ .status | Quote }}
  type: {{ .type | Quote }}
{{ end }}
"""
# The address "localhost" is what leads the API server to kwok for logs and forwards.
NODE_BODY = f"""
addresses:
{{{{ with .status.addresses }}}}
{{{{ YAML . 1 }}}}
{{{{ else }}}}
- {{address: {{{{ NodeName | Quote }}}}, type: Hostname}}
{{{{ end }}}}
{{{{ with NodePort }}}}
daemonEndpoints: {{kubeletEndpoint: {{Port: {{{{ . }}}}}}}}
{{{{ end }}}}
nodeInfo:
  architecture: amd64
  bootID: ""
  containerRuntimeVersion: simulated://kwok
  kernelVersion: simulated
  kubeProxyVersion: ""
  kubeletVersion: v{pins.KUBERNETES}
  machineID: ""
  operatingSystem: linux
  osImage: simulated by mlstack sandbox
  systemUUID: ""
phase: Running
"""
NODE_DOWN = """
conditions:
- lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
  message: simulated
  reason: {{ index $a "sim/not-ready" | Quote }}
  status: "False"
  type: Ready
"""


def node_stages() -> list[Stage]:
    """A node becomes Ready, keeps saying so, and is not while `sim/not-ready` names a reason."""
    return [
        stage("Node", "node-ready", [not_in(READY, "True"), lacks(DOWN)], to_status(NODE_CONDITIONS + NODE_BODY)),
        stage("Node", "node-not-ready", [has(DOWN), is_in(READY, "True")], to_status(NODE_DOWN), weight=1),
        stage(
            "Node",
            "node-heartbeat",
            [is_in(".status.phase", "Running"), is_in(READY, "True"), lacks(DOWN)],
            to_status(NODE_CONDITIONS),
            delay={"durationMilliseconds": 600_000, "jitterDurationMilliseconds": 610_000},
        ),
    ]


# The volume controller asks for a volume so: at once, or for WaitForFirstConsumer once a pod has a node.
ASKED = '.metadata.annotations["volume.kubernetes.io/storage-provisioner"]'
VOLUME = """apiVersion: v1
kind: PersistentVolume
metadata:
  name: pvc-{{ .metadata.uid }}
  annotations:
    {{ $asked := index .metadata.annotations "volume.kubernetes.io/storage-provisioner" }}
    pv.kubernetes.io/provisioned-by: {{ $asked | Quote }}
    mlstack.dev/simulated: "true"
spec:
  accessModes:
  {{ YAML .spec.accessModes 2 }}
  capacity:
  {{ YAML .spec.resources.requests 2 }}
  persistentVolumeReclaimPolicy: Delete
  storageClassName: {{ .spec.storageClassName | Quote }}
  volumeMode: {{ or .spec.volumeMode "Filesystem" | Quote }}
  claimRef:
    apiVersion: v1
    kind: PersistentVolumeClaim
    name: {{ .metadata.name | Quote }}
    namespace: {{ .metadata.namespace | Quote }}
    uid: {{ .metadata.uid | Quote }}
  hostPath:
    path: /var/lib/simulated/pvc-{{ .metadata.uid }}
"""


def volume_stages() -> list[Stage]:
    """A provisioner for any StorageClass: it makes the volume, the real volume controller binds it to the claim."""
    claim = [LIVE, has(ASKED), has(".spec.storageClassName"), lacks(".spec.volumeName")]
    released = [LIVE, is_in(".status.phase", "Released"), is_in(".spec.persistentVolumeReclaimPolicy", "Delete")]
    return [
        stage("PersistentVolumeClaim", "claim-provision", claim, {"steps": [{"apply": {"template": VOLUME}}]}),
        stage("PersistentVolume", "volume-delete", released, {"next": {"delete": True}}),
    ]
