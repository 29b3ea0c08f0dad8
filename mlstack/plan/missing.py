"""What is in an app's way when something that it refers to is not there: a sentence, and one that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Manifest
from mlstack.plan.findings import ACCOUNTS, CLASSES, QUEUES, REFERENCES, STORAGE, Finding, some
from mlstack.plan.hints import told
from mlstack.plan.operators import KUEUE as KUEUE_OPERATOR
from mlstack.plan.operators import Operator, operator_of
from mlstack.plan.outside import DEFAULT_CLASS, PULL, Need

IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"
TOPIC_OF: Mapping[str, str] = {
    "StorageClass": STORAGE,
    "PersistentVolumeClaim": STORAGE,
    "Secret": REFERENCES,
    "ConfigMap": REFERENCES,
    "ServiceAccount": ACCOUNTS,
    "LocalQueue": QUEUES,
}

Settings = Mapping[str, Setting]


@dataclass(frozen=True)
class Where:
    """The environment's name and its namespace, for commands that are to be typed."""

    environment: str
    namespace: str


def topic_of(need: Need) -> str:
    """Under which topic a need is told."""
    return TOPIC_OF.get(need.kind, CLASSES)


def called(need: Need) -> str:
    """A need as a row names it."""
    if need.kind == "StorageClass" and need.name == DEFAULT_CLASS:
        return "a default StorageClass"
    return f"{need.kind} {need.name}" + (f"/{need.part}" if need.part else "")


def absent(need: Need, others: Collection[str], settings: Settings, where: Where) -> Finding:
    """The object is not there. `others`: the names of those of its kind that are, where they were listed."""
    if need.kind == "StorageClass" and need.name == DEFAULT_CLASS:
        return _no_default(need, others)
    use = f", {need.use}," if need.use else ""
    place = f" in namespace {need.namespace}" if need.namespace else ""
    consequence = CONSEQUENCES.get(need.kind, "") if need.use != PULL else UNPULLED
    problem = f"{need.component}: {need.kind} {need.name}{use} is not there{place}{consequence}."
    return Finding(problem, _advice(need, others, settings, where), certain=need.use != PULL)


def lacking(need: Need, keys: Iterable[str], settings: Settings, where: Where) -> Finding:
    """The Secret or ConfigMap is there, but without the key that is asked of it."""
    known = sorted(keys)
    has = f"it has {some(known)}" if known else "it is empty"
    place = f"{need.kind} {need.name} in namespace {need.namespace}"
    use = f" {need.use}" if need.use else ""
    return Finding(f"{need.component}: {place} has no key {need.part}{use}: {has}.", _advice(need, (), settings, where))


def keys_of(found: Manifest) -> set[str]:
    """The keys that a Secret or ConfigMap holds."""
    return {key for field in ("data", "binaryData") for key in found.get(field) or {}}


def default_class(classes: Iterable[Manifest]) -> str:
    """The name of the StorageClass that claims get which name none; "" for none."""
    annotated = (one["metadata"] for one in classes if _is_default(one))
    return next((str(metadata["name"]) for metadata in annotated), "")


def _is_default(found: Manifest) -> bool:
    return bool((found["metadata"].get("annotations") or {}).get(IS_DEFAULT) == "true")


def unserved(need: Need, other_versions: Sequence[str], settings: Settings, where: Where, near: str = "") -> Finding:
    """The cluster does not know a kind, and nothing of the app brings it. `near`: the served kind probably meant."""
    operator = operator_of(need.version.rpartition("/")[0])
    way = operator.advice if operator else "Install what brings it"
    if other_versions:
        problem = f"{need.component}: the cluster serves {need.kind} as {some(other_versions)}, not as {need.version}."
        way = way if operator else f"Change apiVersion to {other_versions[-1]}"
    elif near:
        problem = f"{need.component}: the cluster does not serve {need.kind} ({need.version}). Did you mean {near}?"
        way = way if operator else f"Change kind to {near}"
    else:
        problem = f"{need.component}: the cluster does not serve {need.kind} ({need.version}): its CRD is not there."
    return Finding(problem, "; or ".join([way, *without(need.component, settings, where)]) + ".")


# parameter: the value that needs less of a cluster, and in which words it is offered
LESS: Mapping[str, tuple[str, str]] = {
    "operator": ("false", "without the operator"),
    "runner": ("native", "without an operator"),
    "engine": ("native", "without an operator"),
}


def without(component: str, settings: Settings, where: Where) -> list[str]:
    """The settings with which a component needs less of its cluster."""
    return [
        f"{words}: mlstack param set --env={where.environment} {component} {name} {value}"
        for name, (value, words) in LESS.items()
        if name in settings and str(settings[name].value).lower() != value
    ]


def unqueued(need: Need, settings: Settings) -> Finding:
    """A queue is named, but nobody who would know it is there: a warning, as the job is not kept from starting."""
    problem = f"{need.component}: queue {need.name} has no effect: Kueue is not there, and the job would start at once."
    return Finding(problem, f"{_said(settings, need)} {KUEUE_OPERATOR.advice}.".strip(), certain=False)


def unworked(operator: Operator, component: str, kinds: Iterable[str], found: Sequence[Manifest]) -> Finding | None:
    """Nobody who works on these kinds is seen at work: a warning, as an operator may go by other names."""
    if any(_ready(deployment) for deployment in found):
        return None
    waiting = some(kinds)
    if not found:
        sign = f"a Deployment with label {operator.label}={operator.values[0]}"
        name = operator.title.removeprefix("the ")
        problem = f"{component}: no {name} was found ({sign}): its {waiting} may stay as it is, without pods."
        return Finding(problem, f"{operator.advice}.", certain=False)
    name, namespace = found[0]["metadata"]["name"], found[0]["metadata"]["namespace"]
    problem = f"{component}: {operator.title} is not ready (namespace {namespace}): its {waiting} may wait for it."
    return Finding(problem, f"Why: kubectl -n {namespace} describe deployment {name}", certain=False)


def _ready(deployment: Manifest) -> bool:
    return int((deployment.get("status") or {}).get("readyReplicas") or 0) > 0


def _no_default(need: Need, others: Collection[str]) -> Finding:
    there = f"There are: {some(sorted(others))}. " if others else "There is no StorageClass at all. "
    return Finding(
        f"{need.component}: no StorageClass is the default one, so that claims which name none would stay pending.",
        f"{there}The cluster's owner makes one the default: annotation {IS_DEFAULT}=true.",
    )


UNPULLED = ", and the kubelet pulls without it: images that need a password are not pulled"
NO_POD = ", so that no pod could be made"
CONSEQUENCES: Mapping[str, str] = {
    "ServiceAccount": NO_POD,
    "PriorityClass": NO_POD,
    "RuntimeClass": NO_POD,
    "LocalQueue": ", so that the job would never be let in",
    "PersistentVolumeClaim": ", so that its pods would stay pending",
    "StorageClass": ", so that claims of it would stay pending",
}


def _advice(need: Need, others: Collection[str], settings: Settings, where: Where) -> str:
    how = MENDING[need.kind](need, where) if need.kind in MENDING else "The cluster's owner makes them."
    there = f"There are: {some(sorted(others))}." if others else ""
    return " ".join(filter(None, (_said(settings, need), there, how)))


def _secret(need: Need, where: Where) -> str:
    place = f"{need.name} -n {need.namespace}"
    if need.use == PULL:
        return (
            f"kubectl create secret docker-registry {place} --docker-server=… --docker-username=… --docker-password=…"
        )
    if need.namespace != where.namespace:
        return f"kubectl create secret generic {place} --from-file={need.part or 'KEY'}=/dev/stdin"
    return f"mlstack secret set {where.environment} {need.name} {need.part or 'KEY'}"


MENDING: Mapping[str, Callable[[Need, Where], str]] = {
    "Secret": _secret,
    "ConfigMap": lambda need, _: (
        f"kubectl create configmap {need.name} -n {need.namespace} --from-file={need.part or 'FILE'}"
    ),
    "PersistentVolumeClaim": lambda need, _: "Make it, or put a manifest of it into components/.",
    "ServiceAccount": lambda need, _: f"kubectl create serviceaccount {need.name} -n {need.namespace}",
}


def _said(settings: Settings, need: Need) -> str:
    """The parameter that names the object, with its value and place."""
    wanted = {need.name, f"{need.name}/{need.part}", f"pvc://{need.name}"}
    known = [one for one in settings.values() if one.name not in ("name", "namespace")]
    return next((f"{told(one)}." for one in known if any(_means(text, wanted) for text in _texts(one.value))), "")


def _means(text: str, wanted: Collection[str]) -> bool:
    """Whether a value names the object: by its name, with its key, or as a volume with a path on it."""
    return text in wanted or "/".join(text.split("/", 3)[:3]) in wanted


def _texts(value: Any) -> Iterator[str]:
    """The strings of a value; a reference to a Secret's key as one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping) and value.keys() == {"name", "key"}:
        yield f"{value['name']}/{value['key']}"
    elif isinstance(value, Mapping | list):
        items = value.values() if isinstance(value, Mapping) else value
        yield from (text for item in items for text in _texts(item))
