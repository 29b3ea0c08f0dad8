"""A job is a run, not a state: what makes it another run, and whether to start one (product.md 7, decisions.md 18)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mlstack.compose.manifests import Key, Manifest, key_of, pod_templates
from mlstack.plan.kinds import FINAL, kind_of
from mlstack.plan.readiness import QUEUE, Readiness, State, readiness
from mlstack.plan.runhashes import full_hash, hashed, same_run, stands_for, without_metadata
from mlstack.plan.state import switched

RUN_ANNOTATION = "mlstack.dev/run"  # on the live object: the hash it was started with


class RunState(StrEnum):
    """What became of a run."""

    NEVER = "never started"
    RUNNING = "running"
    SUSPENDED = "suspended"  # held back by its own switch, or its Workload's in a queue
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"  # replaced while it ran
    REMOVED = "ended and removed"  # remembered beyond its TTL, its outcome unseen


@dataclass(frozen=True)
class Run:
    """A run of an object as the inventory remembers it: when it started and ended ("": unseen), RFC 3339.

    `outcome`: a RunState's value; `params`: what somebody gave, as {name: value}; `by`: the command that started it.
    `number`: of its record (plan/runrecords.py), which keeps `params` and `by`; 0: it has none, as a former version
    started it, and the inventory keeps everything.
    """

    hash: str
    outcome: str
    when: str
    component: str = ""
    ended: str = ""
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    by: str = "apply"
    number: int = 0


class Decision(StrEnum):
    """What to do with a run object that is rendered."""

    START = "start"
    SUSPEND = "suspend"
    RESUME = "resume"
    REPLACE = "replace"
    LEAVE = "leave"
    ASK = "ask"  # only its spec is spelled otherwise: the server knows whether it means another run


def is_run(key: Key) -> bool:
    """Whether objects of this kind happen once instead of being kept in a state."""
    return kind_of(key.group, key.kind).run


def run_hash(manifest: Manifest, company: Iterable[Manifest] = ()) -> str:
    """Hash the spec and the ConfigMaps of `company` that it mounts (see runhashes); neither metadata nor the switch
    that suspends it counts."""
    mounted = config_names(manifest)
    namespace = manifest["metadata"].get("namespace")
    configs = [
        {"name": other["metadata"]["name"], "data": other.get("data"), "binary": other.get("binaryData")}
        for other in company
        if other["kind"] == "ConfigMap"
        and other["metadata"]["name"] in mounted
        and other["metadata"].get("namespace") == namespace
    ]
    files = sorted(configs, key=lambda config: str(config["name"]))
    released = {**manifest, "spec": _released(manifest)}
    return full_hash(hashed([without_metadata(released["spec"]), files]), released, files)


def _released(manifest: Manifest) -> Any:
    """The spec without the switch that suspends the run."""
    *above, last = suspend_path(key_of(manifest))
    return _dropped({"spec": manifest.get("spec")}, [*above, last])["spec"]


def _dropped(value: Any, path: Sequence[str]) -> Any:
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    if len(path) == 1:
        return {key: below for key, below in value.items() if key != path[0]}
    return {**value, path[0]: _dropped(value[path[0]], path[1:])}


def suspend_path(key: Key) -> tuple[str, ...]:
    """Where a run's switch is in its object."""
    return tuple((kind_of(key.group, key.kind).suspend or "spec.suspend").split("."))


def asks_suspended(manifest: Manifest) -> bool:
    """Whether a run's object, rendered or live, has its switch on."""
    return switched(manifest, suspend_path(key_of(manifest))) is True


def in_queue(manifest: Manifest) -> bool:
    """Whether Kueue decides when this run starts: the switch is Kueue's then, and ours is its Workload's."""
    return bool((manifest["metadata"].get("labels") or {}).get(QUEUE))


def config_names(manifest: Manifest) -> set[str]:
    """The ConfigMaps that a workload's pods mount or take their environment from."""
    return {name for _, template in pod_templates(manifest) for name in _references(template)}


def _references(value: Any) -> Iterable[str]:
    if isinstance(value, list):
        for entry in value:
            yield from _references(entry)
    elif isinstance(value, Mapping):
        for key, below in value.items():
            if key in ("configMap", "configMapRef", "configMapKeyRef") and isinstance(below, Mapping):
                yield str(below.get("name", ""))
            else:
                yield from _references(below)


def state_of(live: Manifest | None, remembered: Run | None) -> RunState:
    """What became of the last run, by the live object first, by the memory where that is gone."""
    if live is None:
        return _remembered(remembered)
    state = run_readiness(live).state
    ended_as = {State.FINISHED: RunState.SUCCEEDED, State.FAILED: RunState.FAILED}.get(state)
    return ended_as or (RunState.SUSPENDED if _is_suspended(live, remembered) else RunState.RUNNING)


def _is_suspended(live: Manifest, remembered: Run | None) -> bool:
    """A queue's own suspending is waiting; there only what we remember tells that it was meant."""
    if in_queue(live):
        return remembered is not None and remembered.outcome == RunState.SUSPENDED
    return asks_suspended(live)


def run_readiness(live: Manifest) -> Readiness:
    """How a run stands: as it ended, where it has, also on its way out, since its TTL may remove it at once."""
    found = readiness(live)
    if found.state is not State.TERMINATING:
        return found
    metadata = {name: value for name, value in live["metadata"].items() if name != "deletionTimestamp"}
    before = readiness({**live, "metadata": metadata})
    return before if before.state in (State.FINISHED, State.FAILED) else found


def has_ended(run: Manifest) -> bool:
    """Whether a run has ended, well or not."""
    return ended(state_of(run, None))


def ended_at(live: Manifest) -> str:
    """When a run ended as its object tells (RFC 3339), "" if it does not."""
    status = live.get("status") or {}
    last = [c for c in status.get("conditions") or [] if c.get("type") in FINAL and c.get("status") == "True"]
    told = status.get("completionTime") or status.get("terminationTime")  # the latter by Spark's operator
    return str(told or (last[-1].get("lastTransitionTime") if last else "") or "")


def _remembered(run: Run | None) -> RunState:
    if run is None or run.outcome == RunState.NEVER:
        return RunState.NEVER
    return RunState.REMOVED if run.outcome in (RunState.RUNNING, RunState.SUSPENDED) else RunState(run.outcome)


def hash_of_live(live: Manifest | None, remembered: Run | None) -> str:
    """The hash that the last run was started with, "" if nobody knows."""
    written = str(((live or {}).get("metadata", {}).get("annotations") or {}).get(RUN_ANNOTATION) or "")
    last = remembered.hash if remembered else ""
    return last if not written or stands_for(last, written) else written


def decide(wanted: str, live: Manifest | None, remembered: Run | None, *, suspend: bool = False) -> Decision:
    """Whether to start a run with hash `wanted`, replace the live object by one, or leave things as they are.

    `suspend`: whether it shall be held back. One that somebody else suspended is left so: only what is remembered as
    suspended by us is resumed.
    """
    state = state_of(live, remembered)
    if state is RunState.NEVER:
        return Decision.START
    same = same_run(hash_of_live(live, remembered), wanted)
    if same:
        if suspend and state is RunState.RUNNING:
            return Decision.SUSPEND
        ours = remembered is not None and remembered.outcome == RunState.SUSPENDED
        return Decision.RESUME if ours and not suspend and state is RunState.SUSPENDED else Decision.LEAVE
    if live is None:
        return Decision.START
    return Decision.ASK if same is None else Decision.REPLACE


def ended(state: RunState) -> bool:
    """Whether nothing of the run goes on."""
    return state not in (RunState.RUNNING, RunState.SUSPENDED)


def marked(manifest: Manifest, run: str) -> Manifest:
    """The manifest with its run's hash as an annotation."""
    metadata = dict(manifest["metadata"])
    metadata["annotations"] = {**(metadata.get("annotations") or {}), RUN_ANNOTATION: run}
    return {**manifest, "metadata": metadata}


def run_name(key: Key) -> str:
    """How the inventory calls a run: kind.group/namespace/name."""
    return f"{key.kind}.{key.group}/{key.namespace}/{key.name}"


def run_hashes(manifests: Iterable[Manifest], company: Iterable[Manifest]) -> dict[Key, str]:
    """The hash of each run among `manifests`."""
    others = list(company)
    return {key_of(m): run_hash(m, others) for m in manifests if is_run(key_of(m))}
