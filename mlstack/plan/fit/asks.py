"""What an app asks of the nodes: its workloads as so many pods of each kind.

The kinds that make pods say how many in fields of their own; the pods' templates say what each needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from mlstack.compose.manifests import Key, Manifest, key_of, pod_templates
from mlstack.plan.fit.controllers import made_labels
from mlstack.plan.fit.nodes import Pod
from mlstack.plan.fit.objects import Objects, objects_of, with_each
from mlstack.plan.fit.operated import with_added
from mlstack.plan.fit.requests import Amounts, pod_requests
from mlstack.plan.fit.spark import Made, made_pods
from mlstack.plan.fit.volumes import with_own_claims
from mlstack.plan.readiness import QUEUE

NO_POD: Pod = {"metadata": {}, "spec": {"containers": []}}


@dataclass(frozen=True)
class Ask:
    """`count` equal pods. `pod` is their template with the namespace that they come to; `role` is "" for plain ones.

    `queue`: the LocalQueue of Kueue's that lets them in, "" for none. `objects`: what else comes with them; with the
    first of a component's asks all that the component makes. `vague`: why it is not known what they will ask for.
    """

    component: str
    owner: Key
    role: str
    count: int
    pod: Pod = field(hash=False)
    queue: str = ""
    objects: Objects = field(default=Objects(), hash=False)
    vague: str = ""

    @cached_property
    def needs(self) -> Amounts:
        """What each of them requests."""
        return pod_requests(self.pod)


def asks(component: str, manifests: Sequence[Manifest], namespace: str) -> list[Ask]:
    """What a component's objects will ask of the nodes, one entry a pod template, in the objects' order.

    A component without pods is one entry of no pods, with its objects.
    """
    own = [ask for manifest in manifests for ask in _asks(component, manifest, namespace)]
    found = [*own, *(_of_spark(component, made, namespace) for made in made_pods(manifests))]
    objects = objects_of(manifests, namespace)
    at = next((index for index, ask in enumerate(found) if ask.count), 0)
    if not found and manifests:
        found = [Ask(component, key_of(manifests[0]), "", 0, NO_POD)]
    return [replace(ask, objects=_joined(ask.objects, objects)) if n == at else ask for n, ask in enumerate(found)]


def _joined(own: Objects, all_: Objects) -> Objects:
    return replace(all_, each=own.each, claims_each=own.claims_each, kinds=own.kinds | all_.kinds)


def _of_spark(component: str, made: Made, namespace: str) -> Ask:
    metadata = {**(made.pod.get("metadata") or {}), "namespace": made.owner.namespace or namespace}
    queue = (metadata.get("labels") or {}).get(QUEUE, "")
    pod = {**made.pod, "metadata": metadata}
    return Ask(component, made.owner, made.role, made.count, pod, queue, vague=made.vague)


def _asks(component: str, manifest: Manifest, namespace: str) -> Iterator[Ask]:
    owner = key_of(manifest)
    queue = (manifest["metadata"].get("labels") or {}).get(QUEUE, "")
    for path, template in pod_templates(manifest):
        metadata = {**(template.get("metadata") or {}), "namespace": owner.namespace or namespace}
        role = _role(path, metadata.get("labels") or {})
        labels = {**made_labels(manifest, role), **(metadata.get("labels") or {})}
        spec = with_added(manifest, role, _spec(manifest, template["spec"]))
        pod = {**template, "metadata": {**metadata, "labels": labels}, "spec": spec}
        yield Ask(component, owner, role, _count(manifest, path), pod, queue, with_each(Objects(), manifest, template))


def _spec(manifest: Manifest, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """A pod's spec. A TrainJob only patches that of its runtime, and says elsewhere what its container needs."""
    if manifest["kind"] == "StatefulSet":
        return with_own_claims(spec, manifest["spec"].get("volumeClaimTemplates") or ())
    if manifest["kind"] != "TrainJob":
        return spec
    needs = (manifest["spec"].get("trainer") or {}).get("resourcesPerNode", {})
    return {**spec, "containers": [{**container, "resources": needs} for container in spec["containers"]]}


def _role(path: Sequence[str], labels: Mapping[str, str]) -> str:
    """Replica types stand under ...ReplicaSpecs; pods that need no operator carry theirs in a label."""
    if len(path) > 2 and path[-3].endswith("ReplicaSpecs"):
        return path[-2].lower()
    return str(labels.get("training.kubeflow.org/replica-type", ""))


def _count(manifest: Manifest, path: Sequence[str]) -> int:
    """How many pods stand up at the same time."""
    if manifest["kind"] == "DaemonSet":
        return 0  # one a node, where it fits: it waits for nobody
    if _suspended(manifest["spec"]):
        return 0
    holder: Any = manifest
    for key in path[:-1]:
        holder = holder[int(key)] if isinstance(holder, list) else holder[key]
    if manifest["kind"] == "CronJob":
        return 0
    if manifest["kind"] == "TrainJob":
        return _nodes(manifest) if path[path.index("replicatedJobs") + 1] == "0" else 0
    if manifest["kind"] == "Job":
        return _of_job(holder)
    return _number(holder.get("replicas") if isinstance(holder, Mapping) else None)


def _number(value: object) -> int:
    """A count; 1, the API's default for these, where there is none (null) or the API would refuse it."""
    return int(value) if isinstance(value, int | float) else 1


def _nodes(job: Manifest) -> int:
    """How many a TrainJob has in all: a launcher is one of them."""
    return _number((job["spec"].get("trainer") or {}).get("numNodes"))


def _of_job(spec: Mapping[str, Any]) -> int:
    parallel = _number(spec.get("parallelism"))
    completions = spec.get("completions")
    return parallel if completions is None else min(parallel, _number(completions))


def _suspended(spec: Mapping[str, Any]) -> bool:
    return bool(spec.get("suspend") or (spec.get("runPolicy") or {}).get("suspend"))
