"""Records of runs: one ConfigMap for each, which outlives the run's object and its pods.

A summary of at most 1 KiB in an annotation, so that a metadata-only LIST gives the history; the whole record compressed
in `binaryData`. The name is the component's next number: whoever creates it has the number, and no lock is needed.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan.inventory import Owner
from mlstack.plan.runs import Run, RunState

RUNS = "mlstack.dev/runs"  # label: whose records these are, as the ApplySet's id
COMPONENT = "mlstack.dev/component"  # label
RUN_NUMBER = "mlstack.dev/run-number"  # label
SUMMARY = "mlstack.dev/run-record"  # annotation: the RunRecord without what is only in the whole record, as JSON

KEPT_RUNS = 1000  # of a component
SUMMARY_BYTES = 1024
RECORD_BYTES = 64 * 1024  # compressed
VALUE_CHARACTERS = 2000  # of one parameter's value
REASON_CHARACTERS = 300
LINE_CHARACTERS = 1000
KEPT_LINES, KEPT_CONTAINERS = 20, 8
LEAST_LINES = 5  # of a container, beside parameters
CUT = "... (cut)"


@dataclass(frozen=True)
class ContainerEnd:
    """How a container of a run ended: `role` as `logs` prints it (worker-0); `lines`: the last ones of its log."""

    pod: str
    container: str
    role: str
    exit_code: int
    reason: str = ""
    finished: str = ""
    lines: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """In a few words: `worker-0 ended with exit code 1 (OOMKilled)`."""
        why = f" ({self.reason})" if self.reason not in ("", "Error", "Completed") else ""
        return f"{self.role} ended with exit code {self.exit_code}{why}"


@dataclass(frozen=True)
class RunRecord:
    """A run. `object` is its run_name, `uid` its object's; times are RFC 3339, `ended` "" while it goes on.

    `differs`: parameters that differ from the run before, {name: [before, after]}, but for the `more` that did not fit;
    `params` and `containers` are only in the whole record.
    """

    number: int
    component: str
    object: str
    hash: str
    started: str
    uid: str = ""
    ended: str = ""
    outcome: str = RunState.RUNNING.value
    by: str = "apply"
    reason: str = ""
    differs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    containers: tuple[ContainerEnd, ...] = ()
    more: int = 0

    @property
    def is_open(self) -> bool:
        """Whether nobody has recorded its end."""
        return self.outcome in (RunState.RUNNING, RunState.SUSPENDED)

    def run(self) -> Run:
        """The run as the inventory keeps it."""
        return Run(self.hash, self.outcome, self.started, self.component, self.ended, by=self.by, number=self.number)


WHOLE_ONLY = ("params", "containers")


def of_run(object_name: str, run: Run, number: int, before: Mapping[str, Any], uid: str = "") -> RunRecord:
    """The record of a run that has `params`. `before`: the parameters of the run before it."""
    params = {name: _shortened(value) for name, value in run.params.items()}
    return RunRecord(
        number,
        run.component,
        object_name,
        run.hash,
        run.when,
        uid,
        run.ended,
        run.outcome,
        run.by,
        differs=differing(before, params),
        params=params,
    )


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """{name: [before, after]} of the values that differ, None for a default."""
    names = sorted({*before, *after})
    return {name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)}


def _shortened(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return value if len(text) <= VALUE_CHARACTERS else text[:VALUE_CHARACTERS] + CUT


def record_name(owner: Owner, component: str, number: int) -> str:
    """The name of a record's ConfigMap."""
    return f"{owner.name}-run-{component}-{number}"


def to_config_map(record: RunRecord, owner: Owner) -> Manifest:
    """The ConfigMap to create."""
    labels = {"app.kubernetes.io/managed-by": "mlstack", RUNS: owner.set_id, COMPONENT: record.component}
    name = record_name(owner, record.component, record.number)
    metadata: dict[str, Any] = {"name": name, "namespace": owner.namespace}
    metadata |= {"labels": {**labels, RUN_NUMBER: str(record.number)}, "annotations": {SUMMARY: summary(record)}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "binaryData": {"record": whole(record)}}


def to_change(record: RunRecord, version: str) -> Manifest:
    """The merge patch that stores a record over the one that was read at `version`."""
    metadata = {"annotations": {SUMMARY: summary(record)}, "resourceVersion": version}
    return {"metadata": metadata, "binaryData": {"record": whole(record)}}


def summary(record: RunRecord) -> str:
    """The annotation: what does not fit is left out, the longest difference first."""
    facts = {key: value for key, value in asdict(record).items() if key not in WHOLE_ONLY and value not in ("", {}, 0)}
    facts["reason"] = _cut(record.reason, REASON_CHARACTERS)
    while len(text := _compact(facts).encode()) > SUMMARY_BYTES and facts.get("differs"):
        longest = max(facts["differs"], key=lambda name: len(_compact(facts["differs"][name])))
        facts["differs"] = {name: value for name, value in facts["differs"].items() if name != longest}
        facts["more"] = facts.get("more", 0) + 1
    if len(text) > SUMMARY_BYTES:
        facts |= {"reason": _cut(record.reason, 80)}
    return _compact(facts)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, default=str)


def _cut(text: str, limit: int) -> str:
    """Cut between two words."""
    return text if len(text) <= limit else text[:limit].rpartition(" ")[0] + CUT


def whole(record: RunRecord) -> str:
    """The compressed record, as binaryData holds it: with fewer lines and values where it would be too large."""
    while len(data := gzip.compress(_compact(asdict(record)).encode(), 6, mtime=0)) > RECORD_BYTES:
        record = _smaller(record)
    return base64.b64encode(data).decode()


def _smaller(record: RunRecord) -> RunRecord:
    """Fewer lines, then no parameters, then no lines: the last of these is what explains a failure."""
    most = max((len(one.lines) for one in record.containers), default=0)
    if most > LEAST_LINES or not (record.params or record.differs or most == 0):
        fewer = tuple(replace(one, lines=one.lines[(len(one.lines) + 1) // 2 :]) for one in record.containers)
        return replace(record, containers=fewer)
    if record.params or record.differs:
        return replace(record, params={}, differs={})
    return replace(record, containers=(), reason=_cut(record.reason, 80))


def read_summary(item: Manifest) -> RunRecord | None:
    """The record whose summary a listed object carries, None if it carries none that can be read."""
    try:
        return _parsed(json.loads(item["metadata"]["annotations"][SUMMARY]))
    except (KeyError, ValueError, TypeError):
        return None


def read_whole(item: Manifest) -> RunRecord | None:
    """The whole record of an object, the summary's facts where that is damaged."""
    try:
        return _parsed(json.loads(gzip.decompress(base64.b64decode(item["binaryData"]["record"]))))
    except (KeyError, ValueError, TypeError, OSError, EOFError):
        return read_summary(item)


def _parsed(facts: Mapping[str, Any]) -> RunRecord:
    known = {one.name: facts[one.name] for one in fields(RunRecord) if one.name in facts}
    names = {one.name for one in fields(ContainerEnd)}
    ends = [{key: value for key, value in one.items() if key in names} for one in known.get("containers", ())]
    known["containers"] = tuple(ContainerEnd(**{**one, "lines": tuple(one.get("lines", ()))}) for one in ends)
    return RunRecord(**known)


def records(items: Iterable[Manifest]) -> list[RunRecord]:
    """The records among listed objects, the newest first."""
    found = [one for one in map(read_summary, items) if one is not None]
    return sorted(found, key=lambda one: (one.started, one.number), reverse=True)


def closed_record(record: RunRecord, outcome: str, ended: str, reason: str, ends: Sequence[ContainerEnd]) -> RunRecord:
    """The record with its end."""
    worst = next((one for one in ends if one.exit_code), None)
    own = reason.rstrip(".")
    words = "; ".join(filter(None, (own, worst.words if worst and worst.words not in own else "")))
    kept = tuple(replace(one, lines=_bounded(one.lines)) for one in ends[:KEPT_CONTAINERS])
    return replace(record, outcome=outcome, ended=ended, reason=words, containers=kept)


def _bounded(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(line if len(line) <= LINE_CHARACTERS else line[:LINE_CHARACTERS] + CUT for line in lines[-KEPT_LINES:])


def next_numbers(runs: Iterable[Run]) -> dict[str, int]:
    """The next free number of each component, as far as the inventory knows."""
    found: dict[str, int] = {}
    for run in runs:
        found[run.component] = max(found.get(run.component, 1), run.number + 1)
    return found
