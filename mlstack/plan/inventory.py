"""What one app has in one environment, as the ConfigMap that is its ApplySet parent remembers it.

The parent lists every object by its key with a short form of its UID (plan/ownership.py says whose an object is), where
to look (kinds and namespaces), what was applied last (a digest per object) and which runs there were. The labels only
select. Source: KEP-3659 (ApplySet: kubectl apply --prune).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import MlstackError
from mlstack.plan.packing import packed, unpacked
from mlstack.plan.runs import Run, RunState

ID_LABEL = "applyset.kubernetes.io/id"
PART_OF = "applyset.kubernetes.io/part-of"
TOOLING = "applyset.kubernetes.io/tooling"
GROUP_KINDS = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
USES = "mlstack.dev/uses"  # annotation: the shared objects of others that stand in for our own
TOOL = "mlstack/v1"
COMPONENT, FORMER_COMPONENT = "mlstack.dev/component", "app.kubernetes.io/component"  # labels
APPLIED_BY = "mlstack.dev/applied-by"  # annotation: APP/ENVIRONMENT, for people and for messages; it decides nothing
UID_DIGITS = 12  # of a UID that are stored: enough to tell two objects of one key apart, and small for thousands

GroupKind = tuple[str, str]


@dataclass(frozen=True)
class Owner:
    """Who applies: one app in one environment. `name` is the parent's, in `namespace`; `manager` the field manager."""

    app: str
    environment: str
    name: str
    namespace: str
    manager: str

    @property
    def set_id(self) -> str:
        """The ApplySet's id by the formula of KEP-3659, from the parent's identity."""
        identity = f"{self.name}.{self.namespace}.ConfigMap."
        text = base64.urlsafe_b64encode(hashlib.sha256(identity.encode()).digest()).decode().rstrip("=")
        return f"applyset-{text}-v1"


@dataclass(frozen=True)
class Inventory:
    """Kinds and namespaces where ours may be, the digest of each object applied last, the last run of each run object.

    `members`: each object's short UID by its entry, "" where it is unknown: announced before it was written, or stored
    by a former version, which kept no UIDs. `exists`: whether the parent was found in the cluster. `revision`: of the
    last receipt; `former`: the one that a rollback went back to, 0 if the files were applied since. `past`: the runs
    before the last one, the newest first, as far as they have no record of their own. `uses`: the entries of shared
    objects that others provide. `secret_receipts`: the newest revision whose receipt is a Secret, as former versions
    kept them; 0: none is. `answered`: the states in which the server found objects equal that it had to be asked about
    (plan/answered.py).
    """

    kinds: frozenset[GroupKind] = frozenset()
    namespaces: frozenset[str] = frozenset()
    digests: Mapping[str, str] = field(default_factory=dict)
    runs: Mapping[str, Run] = field(default_factory=dict)
    exists: bool = False
    revision: int = 0
    former: int = 0
    past: Mapping[str, tuple[Run, ...]] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    uses: frozenset[str] = frozenset()
    secret_receipts: int = 0
    answered: Mapping[str, str] = field(default_factory=dict)


def entry(key: Key) -> str:
    """How the parent calls an object: Kind.group/namespace/name."""
    return f"{key.kind}.{key.group}/{key.namespace}/{key.name}"


def short_uid(live: Manifest) -> str:
    """The stored form of an object's UID, "" if it has none."""
    return str(live["metadata"].get("uid") or "").replace("-", "")[:UID_DIGITS]


def superset(before: Inventory, writing: Collection[Key]) -> Inventory:
    """What to remember before writing: everything there may be, and no digest or answer of what is about to change."""
    unsure = {entry(key) for key in writing}
    return replace(
        before,
        kinds=before.kinds | {(key.group, key.kind) for key in writing},
        namespaces=before.namespaces | {key.namespace for key in writing if key.namespace},
        digests={name: value for name, value in before.digests.items() if name not in unsure},
        answered={name: state for name, state in before.answered.items() if name not in unsure},
        members={**dict.fromkeys(unsure, ""), **before.members},
    )


def shrunk(
    before: Inventory, there: Mapping[Key, str], digests: Mapping[Key, str], runs: Mapping[str, Run]
) -> Inventory:
    """What to remember afterwards: `there` is all of ours that exists now, with short UIDs. Runs are kept forever."""
    members = {entry(key): uid for key, uid in sorted(there.items())}
    return replace(
        before,
        kinds=frozenset((key.group, key.kind) for key in there),
        namespaces=frozenset(key.namespace for key in there if key.namespace),
        members=members,
        answered={name: state for name, state in before.answered.items() if name in members},
        digests={entry(key): value for key, value in sorted(digests.items())},
        runs={**before.runs, **runs},
    )


@dataclass(frozen=True)
class Stored:
    """The parent's contents: labels, annotations and data of a ConfigMap."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    data: Mapping[str, str]


def to_stored(inventory: Inventory, owner: Owner) -> Stored:
    """What to store. The ConfigMap's name and namespace are the owner's."""
    kinds = sorted(group_kind(*kind) for kind in inventory.kinds)
    others = sorted(inventory.namespaces - {owner.namespace})
    runs = {name: _run_facts(run) for name, run in inventory.runs.items()}
    numbers = {name: run.number for name, run in inventory.runs.items() if run.number}
    past = {name: [_run_facts(run) for run in found] for name, found in inventory.past.items()}
    return Stored(
        labels={ID_LABEL: owner.set_id, "app.kubernetes.io/managed-by": "mlstack"},
        annotations={
            TOOLING: TOOL,
            GROUP_KINDS: ",".join(kinds),
            NAMESPACES: ",".join(others),
            APPLIED_BY: f"{owner.app}/{owner.environment}",
            USES: ",".join(sorted(inventory.uses)),
        },
        data={
            "app": owner.app,
            "environment": owner.environment,
            "applied": _packed(inventory.digests),
            "members": _packed(inventory.members),
            **({"answered": _packed(inventory.answered)} if inventory.answered else {}),
            "runs": packed(json.dumps(runs, sort_keys=True, default=str)),
            "run-numbers": packed(json.dumps(numbers, sort_keys=True)),  # apart: former versions refuse unknown keys
            "past": packed(json.dumps(past, sort_keys=True, default=str)),
            "history": json.dumps({"revision": inventory.revision, "former": inventory.former}),
            "receipts": json.dumps({"secrets": inventory.secret_receipts}),
        },
    )


def from_stored(stored: Stored, owner: Owner) -> Inventory:
    """What a stored parent remembers. One that is not ours is refused."""
    annotations, data = stored.annotations, stored.data
    if stored.labels.get(ID_LABEL) != owner.set_id or annotations.get(TOOLING) != TOOL:
        raise MlstackError(
            f"ConfigMap {owner.name} in namespace {owner.namespace} is not mlstack's inventory, but has its name.",
            "Remove or rename it.",
        )
    others = {name for name in annotations.get(NAMESPACES, "").split(",") if name}
    numbers = json.loads(unpacked(data.get("run-numbers") or "{}"))
    stored_runs = json.loads(unpacked(data.get("runs") or "{}"))
    runs = {name: replace(_run(run), number=numbers.get(name, 0)) for name, run in stored_runs.items()}
    past = json.loads(unpacked(data.get("past") or "{}"))
    digests = json.loads(unpacked(data.get("applied") or "{}"))
    history = json.loads(data.get("history") or "{}")
    return Inventory(
        kinds=frozenset(parse_kind(text) for text in annotations.get(GROUP_KINDS, "").split(",") if text),
        namespaces=frozenset(others | {owner.namespace}),
        digests=digests,
        runs=runs,
        exists=True,
        revision=int(history.get("revision") or 0),
        former=int(history.get("former") or 0),
        past={name: tuple(map(_run, found)) for name, found in past.items()},
        secret_receipts=_secret_receipts(data),
        uses=frozenset(name for name in annotations.get(USES, "").split(",") if name),
        answered=json.loads(unpacked(data.get("answered") or "{}")),
        members=json.loads(unpacked(data["members"])) if data.get("members") else dict.fromkeys(digests, ""),
    )


def _packed(values: Mapping[str, str]) -> str:
    return packed(json.dumps(dict(values), sort_keys=True, separators=(",", ":")))


def _run_facts(run: Run) -> dict[str, object]:
    """A run as former versions store it, too; of one that has a record only what the inventory keeps."""
    if run.number:
        return {"hash": run.hash, "outcome": run.outcome, "when": run.when, "component": run.component}
    return {name: value for name, value in asdict(run).items() if name != "number"}


def _secret_receipts(data: Mapping[str, str]) -> int:
    """As it was stored; all revisions where a former version wrote the inventory: it kept its receipts in Secrets."""
    history = json.loads(data.get("history") or "{}")
    return int(json.loads(data.get("receipts") or "{}").get("secrets", history.get("revision", 0)))


RUN_FIELDS = frozenset(one.name for one in fields(Run))


def _run(stored: Mapping[str, Any]) -> Run:
    """A stored run; fields that a newer version added are left out, and an outcome of its own counts as an end."""
    run = Run(**{name: value for name, value in stored.items() if name in RUN_FIELDS})
    return run if run.outcome in set(RunState) else replace(run, outcome=RunState.REMOVED.value)


def part_of(live: Manifest) -> str:
    """The ApplySet that an object belongs to, "" if none."""
    return str((live["metadata"].get("labels") or {}).get(PART_OF, ""))


def labelled(manifest: Manifest, owner: Owner, component: str) -> Manifest:
    """The manifest with our ApplySet's label, its component's, and the names of its app and environment.

    On the object alone, never on a pod template: a label there would restart the pods.
    """
    metadata = manifest["metadata"]
    labels = {**(metadata.get("labels") or {}), PART_OF: owner.set_id, COMPONENT: component}
    annotations = {**(metadata.get("annotations") or {}), APPLIED_BY: f"{owner.app}/{owner.environment}"}
    return {**manifest, "metadata": {**metadata, "labels": labels, "annotations": annotations}}


def component_of(live: Manifest) -> str:
    """The component that an object of ours was rendered for; former versions wrote the common label alone."""
    labels = live["metadata"].get("labels") or {}
    return str(labels.get(COMPONENT) or labels.get(FORMER_COMPONENT) or "")


def applied_by(live: Manifest) -> tuple[str, str]:
    """The app and the environment that an object says it was applied by, ("", "") if it does not."""
    app, _, environment = str((live["metadata"].get("annotations") or {}).get(APPLIED_BY, "")).partition("/")
    return app, environment


def group_kind(group: str, kind: str) -> str:
    return f"{kind}.{group}" if group else kind


def parse_kind(text: str) -> GroupKind:
    """The group and kind behind Kind.group."""
    kind, _, group = text.partition(".")
    return group, kind
