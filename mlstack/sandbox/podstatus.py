"""The statuses that a simulated pod goes through, as templates for kwok's Stages."""

from __future__ import annotations


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
MISCONFIGURED = '{{ or (index $a "sim/message") "a ConfigMap or Secret that it refers to is not there" | Quote }}'
IS_CONFIG_ERROR = '{{ if eq (or (index $a "sim/mode") "") "configerror" }}'

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
            f"{IS_CONFIG_ERROR}CreateContainerConfigError{{{{ else }}}}ImagePullBackOff{{{{ end }}}}",
            f"{IS_CONFIG_ERROR}{MISCONFIGURED}{{{{ else }}}}{PULL}{{{{ end }}}}",
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
