"""How an environment's components stand in their cluster, and why something is not ready."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mlstack.actions.denied import Denied
from mlstack.actions.gpus import Gpus, gpus_in_use
from mlstack.actions.involved import replica_sets
from mlstack.actions.queues import QueueWords
from mlstack.actions.reading import find_named, first_parent, inventory_of, list_members
from mlstack.actions.runrecords import read_record, record_ends
from mlstack.actions.session import Scope, Session, open_session
from mlstack.actions.trainerstatus import progress_words
from mlstack.cluster import objects
from mlstack.cluster.failures import ClusterError, ForbiddenError
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.compose.render import Rendered
from mlstack.plan.fit.workloads import told_in_queue
from mlstack.plan.hints import with_hint
from mlstack.plan.inventory import Inventory, entry
from mlstack.plan.readiness import Readiness, State, readiness
from mlstack.plan.reasons import Reason, best_reason, event_reason, events_about, own_reason, owned_pods
from mlstack.plan.restarts import restarts
from mlstack.plan.runrecords import RunRecord
from mlstack.plan.runs import Run, RunState, is_run, run_name, state_of
from mlstack.plan.wanted import SHARED, SHARED_WITH, wanted_objects

SANDBOX_MARK = ("kube-system", "mlstack-sandbox")  # a ConfigMap that `sandbox up` leaves


@dataclass(frozen=True)
class ComponentStatus:
    """One component. `ready`: yes, no, waiting, failed, done, running, suspended, absent or unknown (no permission
    to list any of its kinds); `present` of `total` objects."""

    name: str
    prototype: str
    ready: str
    present: int
    total: int
    notes: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Status:
    """An environment. `gpus` is None where nodes may not be listed or have none; `simulated`: it is a sandbox."""

    environment: str
    context: str
    server: str
    cluster: str
    namespace: str
    components: tuple[ComponentStatus, ...]
    gpus: Gpus | None = None
    simulated: bool = False
    notices: tuple[str, ...] = ()


def status(scope: Scope) -> Status:
    """How everything stands now. Only reads."""
    denied = Denied()
    session = open_session(scope, denied=denied)
    inventory = inventory_of(first_parent(session), session.owner)
    ours = list_members(session, inventory, {}, rendered_keys(session))
    pods, notices = _pods(session, ours)
    gpus, simulated, events = gpus_of(session), is_simulated(session), _events(session, ours, pods)
    shared = provided(session, ours)
    records = ended_runs(session, inventory, ours)
    notices = (*notices, *denied.notices)
    return status_of(session, Seen(inventory, ours, pods, gpus, simulated, notices, events, shared, records, denied))


def provided(session: Session, ours: Mapping[Key, Manifest]) -> frozenset[Key]:
    """The rendered objects that others provide: looked for where something of ours stands beside them.

    What is of use only beside our own copy of a shared object counts while another's copy exists.
    """
    rendered = {key_of(manifest): manifest for one in session.rendered for manifest in one.manifests}
    absent = {key: annotations_of(one) for key, one in rendered.items() if key not in ours}
    shared = {key for key, found in absent.items() if SHARED in found}
    there = find_named(session, shared) if shared and ours else set()
    names = {str(key) for key in there}
    return frozenset(there | {key for key, found in absent.items() if found.get(SHARED_WITH) in names})


def rendered_keys(session: Session) -> set[Key]:
    """The keys of everything that the environment's files describe."""
    return {key_of(manifest) for one in session.rendered for manifest in one.manifests}


def ended_runs(session: Session, inventory: Inventory, ours: Mapping[Key, Manifest]) -> dict[str, RunRecord]:
    """The records of the runs that ended, by their names in the inventory; ends that nobody has recorded are recorded.

    Asked for only where a run failed or has ended since the last apply.
    """
    mine = {run_name(key_of(m)) for one in session.rendered for m in one.manifests if is_run(key_of(m))}
    lives = {run_name(key): live for key, live in ours.items() if is_run(key)}
    known = {name: inventory.runs[name] for name in mine if name in inventory.runs and inventory.runs[name].number}
    found = record_ends(session, inventory, {name: live for name, live in lives.items() if name in known})

    def read(name: str) -> RunRecord | None:
        return read_record(session, known[name].component, known[name].number)

    open_ = [name for name, run in known.items() if name not in found and _needs_record(run, lives.get(name))]
    records = zip(open_, session.connection.client.map(read, open_), strict=True)
    return found | {name: one for name, one in records if isinstance(one, RunRecord) and not one.is_open}


def _needs_record(run: Run, live: Manifest | None) -> bool:
    """Whether the inventory and the object do not say how a run ended, or a record has more to say."""
    return run.outcome == RunState.FAILED or (live is None and run.outcome == RunState.RUNNING)


@dataclass(frozen=True)
class Seen:
    """What a status is made of: our objects and, where something waits for them, our pods. `notices`: what could not
    be read; `events`: warnings, where pods do not tell why something waits; `shared`: rendered objects that others
    provide; `records`: of runs that ended; `denied`: what the user has no permission to see."""

    inventory: Inventory
    ours: Mapping[Key, Manifest]
    pods: Sequence[Manifest]
    gpus: Gpus | None = None
    simulated: bool = False
    notices: tuple[str, ...] = ()
    events: Sequence[Manifest] = ()
    shared: frozenset[Key] = frozenset()
    records: Mapping[str, RunRecord] = field(default_factory=dict)
    denied: Denied = field(default_factory=Denied)


def status_of(session: Session, seen: Seen) -> Status:
    """The status that follows from what was seen. Sends nothing."""
    components = [component_status(one, seen) for one in session.rendered]
    link = session.connection
    return Status(
        session.scope.environment,
        link.context,
        link.server,
        link.cluster,
        link.namespace,
        tuple(components),
        seen.gpus,
        seen.simulated,
        (*seen.notices, *_rolled_back(session, seen.inventory), *_left_over(session, seen.ours)),
    )


def gpus_of(session: Session) -> Gpus | None:
    """The GPUs of the session's cluster, and who holds them."""
    link = session.connection
    return gpus_in_use(link.client, session.owner.app, _gpu_resource(session), link.namespace)


def _gpu_resource(session: Session) -> str:
    return str((session.target.platform.get("gpu") or {}).get("resource") or "nvidia.com/gpu")


def is_simulated(session: Session) -> bool:
    """Whether the cluster is a sandbox, whose nodes and pods are simulated."""
    namespace, name = SANDBOX_MARK
    try:
        resource = well_known("v1", "ConfigMap")
        return objects.find(session.connection.client, resource, namespace, name, metadata_only=True) is not None
    except ForbiddenError:
        return False


def _pods(session: Session, ours: Mapping[Key, Manifest]) -> tuple[list[Manifest], tuple[str, ...]]:
    """Our pods, asked for only where something waits for them, or runs and may have started again."""
    waiting = [key for key, live in ours.items() if key.namespace and (_runs(key, live) or not readiness(live).ready)]
    labels = session.pod_labels
    found: list[Manifest] = []
    for namespace in sorted({key.namespace for key in waiting}):
        try:
            pods = well_known("v1", "Pod")
            found += objects.list_objects(session.connection.client, pods, namespace, labels=labels).items
        except ClusterError as error:
            return found, (f"No reasons can be given: {error.message}",)
    return found, ()


def _runs(key: Key, live: Manifest) -> bool:
    return is_run(key) and state_of(live, None) is RunState.RUNNING


def _events(session: Session, ours: Mapping[Key, Manifest], pods: Sequence[Manifest]) -> list[Manifest]:
    """Warnings, asked for only where something waits of which nothing else tells why: a Job that gets no pods; and the
    Workloads of jobs that wait in a queue."""
    silent = {key.namespace for key, live in ours.items() if key.namespace and _silent(live, pods)}
    queues = QueueWords(session.connection.client)
    queues.ask(ours.values())
    found = queues.workloads
    for namespace in sorted(silent):
        try:
            events = well_known("v1", "Event")
            told = objects.list_objects(session.connection.client, events, namespace, fields="type=Warning").items
            found += [*told, *replica_sets(session.connection.client, namespace, told)]
        except ClusterError:
            return found  # the rest of the status stands without them
    return found


def _silent(live: Manifest, pods: Sequence[Manifest]) -> bool:
    found = readiness(live)
    return not (found.ready or found.reason or best_reason(owned_pods(live, pods)).text)


def component_status(one: Rendered, seen: Seen) -> ComponentStatus:
    """One component's state from what it renders, what of ours is there, what is remembered, our pods and warnings."""
    ours, inventory, shared = seen.ours, seen.inventory, seen.shared
    manifests = [m for m in one.manifests if not seen.denied.leaves(m)]
    if one.manifests and not manifests:
        note = "no permission to list any of its objects"
        return ComponentStatus(one.component, one.prototype, "unknown", 0, len(one.manifests), (note,), ())
    keys = [key_of(m) for m in manifests]
    ended = [key for key in keys if key not in ours and is_run(key) and run_name(key) in inventory.runs]
    others = [key for key in keys if key not in ours and key in shared]
    lost = [key_of(m) for m in manifests if key_of(m) not in (*ours, *shared) and SHARED in annotations_of(m)]
    live = {key: ours[key] for key in keys if key in ours}
    total = len(keys) - len(ended) - (len(others) if live or ended else 0)
    held = {key for key in live if is_run(key) and state_of(live[key], _run(inventory, key)) is RunState.SUSPENDED}
    notes = [note for key in live if key not in held for note in _notes(key, live[key], one, seen)]
    notes += [f"{key} suspended" for key in live if key in held]
    notes += [_ended_note(key, inventory, seen.records.get(run_name(key))) for key in ended]
    if others and live:
        notes.append(f"{_are(len(others), 'shared object')} another's")
    if lost and live:
        notes.append(f"{lost[0]} is missing, which another environment provided: apply creates it")
    word = _word(live, ended, held, total)
    return ComponentStatus(
        one.component, one.prototype, word, len(live), total, tuple(notes), _endpoints(live.values())
    )


def annotations_of(manifest: Manifest) -> Mapping[str, str]:
    """The annotations of an object."""
    return manifest["metadata"].get("annotations") or {}


def _ended_note(key: Key, inventory: Inventory, record: RunRecord | None) -> str:
    run = record.run() if record else inventory.runs[run_name(key)]
    why = f": {record.reason}" if record and record.reason else ""
    return f"{key} {state_of(None, run).value}, started {run.when}{why}"


def _run(inventory: Inventory, key: Key) -> Run | None:
    return inventory.runs.get(run_name(key))


def _word(live: Mapping[Key, Manifest], ended: Collection[Key], held: Collection[Key], total: int) -> str:
    """The component's state in a word, the worst of its objects'."""
    if not live:
        return "done" if ended else "absent"
    states = {readiness(found).state for key, found in live.items() if key not in held}
    if State.FAILED in states:
        return "failed"
    if State.WAITING in states or State.TERMINATING in states:
        return "waiting"
    if len(live) < total:
        return "no"
    runs = {state_of(live[key], None) for key in live if is_run(key) and key not in held}
    if RunState.RUNNING in runs:
        return "running"
    if held:
        return "suspended"
    return "done" if runs or ended else "yes"


def _notes(key: Key, live: Manifest, one: Rendered, seen: Seen) -> list[str]:
    found, progress = readiness(live), progress_words(live)
    again = restarts(live, owned_pods(live, seen.pods)) if is_run(key) else ""
    notes = [f"{key} {words}" for words in (again, progress if found.ready else "") if words]
    if found.ready:
        return notes
    record = seen.records.get(run_name(key)) if is_run(key) else None
    reason = Reason(record.reason) if record and record.reason else _reason(live, found, seen.pods, seen.events)
    text = f"{key} {found.progress}".rstrip()
    return [f"{text}: {with_hint(reason, one.settings)}" if reason.text else f"{text} {found.state.value}", *notes]


def _reason(live: Manifest, found: Readiness, pods: Sequence[Manifest], events: Sequence[Manifest]) -> Reason:
    if found.state is State.FAILED and found.reason:
        return Reason(found.reason)
    from_pods = best_reason(owned_pods(live, pods))
    if from_pods.text:
        return from_pods
    told = told_in_queue(live, found, events)
    return own_reason(told) if told else event_reason(events_about(live, events, [*pods, *events]))


def _endpoints(lives: Iterable[Manifest]) -> tuple[str, ...]:
    return tuple(address for live in lives if live["kind"] == "Service" for address in _addresses(live))


def _addresses(service: Manifest) -> list[str]:
    """Where a Service answers from outside; within the cluster where it does not."""
    spec, status = service.get("spec") or {}, service.get("status") or {}
    ports = [port["port"] for port in spec.get("ports") or []]
    ingress = (status.get("loadBalancer") or {}).get("ingress") or []
    hosts = [str(entry.get("hostname") or entry.get("ip")) for entry in ingress]
    metadata = service["metadata"]
    return [f"{host}:{port}" for host in hosts or [f"{metadata['name']}.{metadata['namespace']}"] for port in ports]


def _rolled_back(session: Session, inventory: Inventory) -> list[str]:
    """Where a rollback left the cluster, and whether the files say something else."""
    if not inventory.former:
        return []
    name, wanted = session.scope.environment, wanted_objects(session.manifests, session.owner)
    ahead = sum(inventory.digests.get(entry(one.key)) != one.digest for one in wanted)
    said = f"{name} is at revision {inventory.former} since a rollback"
    if not ahead:
        return [f"{said}, and the files say the same."]
    number = "1 object" if ahead == 1 else f"{ahead} objects"
    return [f"{said}, and the files are ahead of it ({number}): `mlstack diff {name}` shows the difference."]


def _left_over(session: Session, ours: Mapping[Key, Manifest]) -> list[str]:
    """What is ours in the cluster and renders no longer."""
    if session.scope.components:
        return []
    rendered = rendered_keys(session)
    left = sorted(str(key) for key in ours if key not in rendered)
    if not left:
        return []
    shown = ", ".join(left[:3]) + (", ..." if len(left) > 3 else "")
    name = session.scope.environment
    return [f"{_are(len(left), 'object')} no longer rendered ({shown}): `mlstack diff {name}` shows what apply does."]


def _are(number: int, word: str) -> str:
    return f"1 {word} is" if number == 1 else f"{number} {word}s are"


def asked_for(
    session: Session, inventory: Inventory, ours: Mapping[Key, Manifest], pods: Sequence[Manifest]
) -> tuple[Gpus | None, list[Manifest], dict[str, RunRecord]]:
    """What of a status is asked for and not watched: who holds GPUs, warnings where nothing else tells why, and the
    records of runs that ended."""
    return gpus_of(session), _events(session, ours, pods), ended_runs(session, inventory, ours)
