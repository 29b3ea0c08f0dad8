"""How simulated nodes, pods and volumes behave: kwok's Stages, with the annotations of docs/sandbox.md.

kwok takes, of the stages that match an object now, one of the greatest weight; two of equal weight would be drawn by
lot, so the selectors below exclude one another. Giving any Stage at all drops kwok's own, so this is the whole set.
"""

from __future__ import annotations

from typing import Any

from . import pins

Stage = dict[str, Any]
Match = dict[str, Any]

MODE = '.metadata.annotations["sim/mode"]'
JOB_KINDS = ["TFJob", "PyTorchJob", "PaddleJob", "XGBoostJob", "JAXJob", "MPIJob"]
START = """{{ $now := Now }}
{{ $root := . }}
{{ $a := or .metadata.annotations dict }}
"""


def stages() -> list[Stage]:
    """All stages of a sandbox."""
    return [*node_stages(), *pod_stages(), *volume_stages()]


def _is(key: str, *values: str) -> Match:
    return {"key": key, "operator": "In", "values": list(values)}


def _not(key: str, *values: str) -> Match:
    return {"key": key, "operator": "NotIn", "values": list(values)}


def _has(key: str) -> Match:
    return {"key": key, "operator": "Exists"}


def _lacks(key: str) -> Match:
    return {"key": key, "operator": "DoesNotExist"}


def _stage(kind: str, name: str, match: list[Match], then: Stage, **rest: Any) -> Stage:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": match},
            **rest,
            **then,
        },
    }


def _status(template: str, event: tuple[str, str, str] | None = None) -> Stage:
    said = dict(zip(("type", "reason", "message"), event, strict=True)) if event else None
    return {"next": {"statusTemplate": START + template, **({"event": said} if said else {})}}


def _delay(milliseconds: int, annotation: str) -> Stage:
    source = {"expressionFrom": f'.metadata.annotations["{annotation}"]'}
    return {"durationMilliseconds": milliseconds, "durationFrom": source}


# --- nodes -----------------------------------------------------------------------------------------------------------

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
        _stage("Node", "node-ready", [_not(READY, "True"), _lacks(DOWN)], _status(NODE_CONDITIONS + NODE_BODY)),
        _stage("Node", "node-not-ready", [_has(DOWN), _is(READY, "True")], _status(NODE_DOWN), weight=1),
        _stage(
            "Node",
            "node-heartbeat",
            [_is(".status.phase", "Running"), _is(READY, "True"), _lacks(DOWN)],
            _status(NODE_CONDITIONS),
            delay={"durationMilliseconds": 600_000, "jitterDurationMilliseconds": 610_000},
        ),
    ]


# --- pods ------------------------------------------------------------------------------------------------------------

LIVE = _lacks(".metadata.deletionTimestamp")
BAD_IMAGE = '[.spec.containers[].image | contains("does-not-exist")] | any'
WAITING = ".status.containerStatuses.[].state.waiting.reason"
RUNNING_SINCE = ".status.containerStatuses.[].state.running.startedAt"
INITIALIZED = '.status.conditions.[] | select( .type == "Initialized" ) | .status'
POD_READY = '.status.conditions.[] | select( .type == "Ready" ) | .status'
OWNER = ".metadata.ownerReferences.[].kind"
REPLICA_TYPE = '.metadata.labels["training.kubeflow.org/replica-type"]'
RUN_FOR = '.metadata.annotations["sim/run-for"]'
# With these a pod does not get as far as running.
STUCK = ("pending", "imagepull", "configerror", "initfail")
# With these it does not end by itself, or ends otherwise than well.
UNFINISHED = ("fail", "oom", "crashloop", "unready", "forever")


def _conditions(ready: str, reason: str = "", initialized: str = "") -> str:
    """Ready and ContainersReady, and Initialized where it is said; `ready` is a template that gives True or False."""
    first = _condition("Initialized", initialized) if initialized else ""
    return f"conditions:\n{first}{_condition('Ready', ready, reason)}{_condition('ContainersReady', ready, reason)}"


def _condition(name: str, status: str, reason: str = "") -> str:
    why = f"  reason: {reason}\n" if reason else ""
    return f"- type: {name}\n  status: {status}\n{why}  lastTransitionTime: {{{{ $now | Quote }}}}\n"


def _containers(state: str, *, ready: str = "false", restarts: str = "0", last: str = "", key: str = "") -> str:
    """The status of every container (or, with key="init", init container). `$was` is its status before."""
    field, source = ("initContainerStatuses", "initContainers") if key else ("containerStatuses", "containers")
    started = "true" if ready != "false" or "running" in state else "false"
    past = f"\n  lastState: {last}" if last else ""
    return f"""{field}:
{{{{ range $i, $c := .spec.{source} }}}}
{{{{ $was := dict }}}}
{{{{ if $root.status.{field} }}}}{{{{ $was = index $root.status.{field} $i }}}}{{{{ end }}}}
- name: {{{{ $c.name | Quote }}}}
  image: {{{{ $c.image | Quote }}}}
  imageID: {{{{ $c.image | Quote }}}}
  ready: {ready}
  started: {started}
  restartCount: {restarts}
  state: {state}{past}
{{{{ end }}}}
"""


MESSAGE = '{{ or (index $a "sim/message") "" | Quote }}'


def _terminated(code: str, reason: str) -> str:
    return (
        f"{{terminated: {{exitCode: {code}, reason: {reason}, message: {MESSAGE},"
        " startedAt: {{ or $root.status.startTime $now | Quote }}, finishedAt: {{ $now | Quote }}}}"
    )


def _waiting(reason: str, message: str) -> str:
    return f"{{waiting: {{reason: {reason}, message: {message}}}}}"


RUNNING = "{running: {startedAt: {{ $now | Quote }}}}"
EXIT_CODE = '{{ or (index $a "sim/exit-code") 1 }}'
FAILED = _terminated(EXIT_CODE, "Error")
PULL = '{{ or (index $a "sim/message") (printf "Back-off pulling image %s" $c.image) | Quote }}'

CREATING = (
    _conditions('"False"', "ContainersNotReady", '{{ if .spec.initContainers }}"False"{{ else }}"True"{{ end }}')
    + _containers(
        "{waiting: {reason: {{ if $root.spec.initContainers }}PodInitializing{{ else }}ContainerCreating{{ end }}}}"
    )
    + _containers("{waiting: {reason: PodInitializing}}", key="init")
    + "phase: Pending\nstartTime: {{ $now | Quote }}\n"
)
UNREADY = '{{ if eq (or (index $a "sim/mode") "") "unready" }}'
START_RUNNING = (
    _conditions(UNREADY + '"False"{{ else }}"True"{{ end }}', initialized='"True"')
    + """{{ range .spec.readinessGates }}
- {type: {{ .conditionType | Quote }}, status: "True", lastTransitionTime: {{ $now | Quote }}}
{{ end }}
"""
    + _containers(RUNNING, ready=UNREADY + "false{{ else }}true{{ end }}")
    + _containers(
        '{{ if eq (or $c.restartPolicy "") "Always" }}{running: {startedAt: {{ $now | Quote }}}}{{ else }}'
        "{terminated: {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }},"
        " finishedAt: {{ $now | Quote }}}}{{ end }}",
        ready="true",
        key="init",
    )
    + """{{ $m := .metadata }}
{{ with PodIPsWith .spec.nodeName (or .spec.hostNetwork false) (or $m.uid "") (or $m.name "") (or $m.namespace "") }}
podIP: {{ index . 0 | Quote }}
podIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
phase: Running
"""
)
STUCK_WAITING = (
    _conditions('"False"', "ContainersNotReady", '"True"')
    + _containers(
        _waiting(
            '{{ if eq (or (index $a "sim/mode") "") "configerror" }}CreateContainerConfigError'
            "{{ else }}ImagePullBackOff{{ end }}",
            PULL,
        )
    )
    + "phase: Pending\n"
)
INIT_FAILING = (
    _conditions('"False"', "ContainersNotReady", '"False"')
    + _containers("{waiting: {reason: PodInitializing}}")
    + _containers(
        _waiting("CrashLoopBackOff", "back-off restarting failed container"), restarts="3", last=FAILED, key="init"
    )
    + "phase: Pending\n"
)
CRASHED = _conditions('"False"', "ContainersNotReady") + _containers(
    _waiting("CrashLoopBackOff", "back-off 10s restarting failed container"),
    restarts="{{ add (or $was.restartCount 0) 1 }}",
    last=FAILED,
)
RESTARTED = _conditions('"True"') + _containers(
    RUNNING, ready="true", restarts="{{ or $was.restartCount 0 }}", last="{{ toJson $was.lastState }}"
)
BECAME_READY = _conditions('"True"') + _containers(
    "{running: {startedAt: {{ or $root.status.startTime $now | Quote }}}}",
    ready="true",
    restarts="{{ or $was.restartCount 0 }}",
)
ENDED_BADLY = (
    _conditions('"False"', "PodFailed")
    + _containers(
        '{{ if eq (or (index $a "sim/mode") "") "oom" }}'
        + _terminated("137", "OOMKilled")
        + "{{ else }}"
        + FAILED
        + "{{ end }}"
    )
    + "phase: Failed\n"
)
ENDED_WELL = _conditions('"False"', "PodCompleted") + _containers(_terminated("0", "Completed")) + "phase: Succeeded\n"


def pod_stages() -> list[Stage]:
    """A pod's way: creating, running and ready, and from there to the end that its owner and annotations ask for."""
    return [
        *_starting(),
        *_crashing(),
        *_ending(),
        _pod(
            "pod-delete",
            [_has(".metadata.deletionTimestamp")],
            {"next": {"delete": True}},
            delay=_delay(0, "sim/stop-delay"),
        ),
    ]


def _pod(name: str, match: list[Match], then: Stage, **rest: Any) -> Stage:
    return _stage("Pod", name, match, then, **rest)


def _starting() -> list[Stage]:
    pending = [LIVE, _is(".status.phase", "Pending")]
    created = [*pending, _has(INITIALIZED)]
    image_missing = f'({MODE} == "imagepull") or ({MODE} == "configerror") or ({BAD_IMAGE})'
    return [
        _pod("pod-create", [*pending, _lacks(INITIALIZED)], _status(CREATING)),
        _pod(
            "pod-run",
            [*created, _not(MODE, *STUCK), _not(BAD_IMAGE, "true")],
            _status(START_RUNNING, ("Normal", "Started", "Started simulated containers")),
            delay=_delay(100, "sim/start-delay"),
        ),
        _pod(
            "pod-stuck",
            [*created, _is(image_missing, "true"), _not(WAITING, "ImagePullBackOff", "CreateContainerConfigError")],
            _status(STUCK_WAITING, ("Warning", "Failed", "simulated container start failure")),
        ),
        _pod(
            "pod-init-fail",
            [*created, _is(MODE, "initfail"), _lacks(".status.initContainerStatuses.[].lastState.terminated.exitCode")],
            _status(INIT_FAILING),
        ),
        _pod(
            "pod-become-ready",
            [
                LIVE,
                _is(".status.phase", "Running"),
                _is(POD_READY, "False"),
                _has(RUNNING_SINCE),
                _not(MODE, "unready", "crashloop", "fail", "oom"),
            ],
            _status(BECAME_READY),
            weight=1,
        ),
    ]


def _crashing() -> list[Stage]:
    running = [LIVE, _is(".status.phase", "Running")]
    return [
        _pod(
            "pod-crash",
            [*running, _is(MODE, "crashloop"), _has(RUNNING_SINCE)],
            _status(CRASHED, ("Warning", "BackOff", "Back-off restarting failed container")),
            weight=1,
            delay=_delay(1000, "sim/run-for"),
        ),
        _pod(
            "pod-crash-restart",
            [*running, _is(WAITING, "CrashLoopBackOff")],
            _status(RESTARTED),
            weight=1,
            delay={"durationMilliseconds": 3000},
        ),
        _pod(
            "pod-fail",
            [*running, _is(MODE, "fail", "oom")],
            _status(ENDED_BADLY),
            weight=1,
            delay=_delay(1000, "sim/run-for"),
        ),
    ]


def _ending() -> list[Stage]:
    fine = [LIVE, _is(".status.phase", "Running"), _not(MODE, *UNFINISHED), _has(RUNNING_SINCE)]
    training = [_is(OWNER, *JOB_KINDS), _not(REPLICA_TYPE, "ps")]
    others = [_has(RUN_FOR), _not(OWNER, "Job", *JOB_KINDS)]
    done = _status(ENDED_WELL)
    return [
        _pod("pod-complete-job", [*fine, _is(OWNER, "Job")], done, delay=_delay(1000, "sim/run-for")),
        _pod("pod-complete-training", [*fine, *training], done, delay=_delay(5000, "sim/run-for")),
        _pod("pod-complete-annotated", [*fine, *others], done, delay=_delay(0, "sim/run-for")),
    ]


# --- volumes ---------------------------------------------------------------------------------------------------------

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
    claim = [LIVE, _has(ASKED), _has(".spec.storageClassName"), _lacks(".spec.volumeName")]
    released = [LIVE, _is(".status.phase", "Released"), _is(".spec.persistentVolumeReclaimPolicy", "Delete")]
    return [
        _stage("PersistentVolumeClaim", "claim-provision", claim, {"steps": [{"apply": {"template": VOLUME}}]}),
        _stage("PersistentVolume", "volume-delete", released, {"next": {"delete": True}}),
    ]
