"""Whether a namespace lets the app's pods in: its Pod Security level, asked of the API server itself by dry-runs."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.access import Permission, may
from mlstack.cluster.failures import ClusterError, ForbiddenError
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Manifest, key_of, pod_templates
from mlstack.plan.findings import NAMESPACE, SECURITY, Finding, Look
from mlstack.plan.outside import Components

NAMESPACES, PODS = well_known("v1", "Namespace"), well_known("v1", "Pod")
ENFORCE = "pod-security.kubernetes.io/enforce"
VIOLATES = "violates PodSecurity"
# What else admission would ask of a pod is judged by itself, and would hide this answer.
NOT_ASKED = ("serviceAccountName", "serviceAccount", "priorityClassName", "runtimeClassName", "schedulerName")


Probe = tuple[str, Manifest]  # a component, and a pod as it would make it


def look_at_namespaces(session: Session, components: Components, coming: Collection[str]) -> list[Look]:
    """The namespaces that pods go to: whether they stay, and whether they let these pods in. `coming`: new ones."""
    pods = probes(components)
    names = sorted({pod["metadata"]["namespace"] for _, pod in pods} - set(coming))
    found = session.connection.client.map(lambda name: _namespace(session, name), names)
    looks = []
    for name, answer in zip(names, found, strict=True):
        own = [probe for probe in pods if probe[1]["metadata"]["namespace"] == name]
        looks += _judged(session, name, answer, own)
    return looks


def _namespace(session: Session, name: str) -> Manifest | None:
    return objects.find(session.connection.client, NAMESPACES, None, name)


def _judged(session: Session, name: str, answer: object, pods: Sequence[Probe]) -> list[Look]:
    if isinstance(answer, ForbiddenError):
        return [Look(NAMESPACE, name, unseen=f"{name} (no right to read it)")]
    if isinstance(answer, ClusterError):
        raise answer
    if not isinstance(answer, dict):
        return [_absent(session, name)]
    if answer["metadata"].get("deletionTimestamp"):
        problem = f"Namespace {name} is being deleted: nothing can be made in it until it is gone."
        return [Look(NAMESPACE, name, Finding(problem, "Wait for it: kubectl get namespace " + name))]
    level = (answer["metadata"].get("labels") or {}).get(ENFORCE, "privileged")
    here = Look(NAMESPACE, name)
    return [here] if level == "privileged" else [here, *_let_in(session, name, level, pods)]


def _absent(session: Session, name: str) -> Look:
    if may(session.connection.client, Permission("create", NAMESPACES)):
        return Look(NAMESPACE, f"{name} (not there yet: apply makes it)")
    problem = f"Namespace {name} is not there, and the context's user may not make one."
    return Look(NAMESPACE, name, Finding(problem, f"Ask the cluster's owner for: kubectl create namespace {name}"))


def _let_in(session: Session, name: str, level: str, pods: Sequence[Probe]) -> list[Look]:
    answers = session.connection.client.map(lambda pod: _refusal(session, pod[1]), pods)
    return [_look(component, name, level, answer) for (component, _), answer in zip(pods, answers, strict=True)]


def _look(component: str, name: str, level: str, answer: object) -> Look:
    what = f"{component} in {name} ({level})"
    if isinstance(answer, ClusterError):
        return Look(SECURITY, what, unseen=f"{what}: {answer.message}")
    if not answer:
        return Look(SECURITY, what)
    problem = (
        f"{component}: namespace {name} enforces Pod Security level {level}, which its pods do not meet: {answer}."
    )
    advice = f"Take another namespace, or ask the cluster's owner for a lower level ({ENFORCE})."
    return Look(SECURITY, what, Finding(problem, advice))


def _refusal(session: Session, pod: Manifest) -> str:
    """What the level has against a pod, in the API server's words; "" where it lets it in."""
    try:
        objects.create(session.connection.client, PODS, pod, manager=session.owner.manager, dry_run=True)
    except ClusterError as error:
        if VIOLATES in error.message:
            return error.message.partition(VIOLATES)[2].partition(": ")[2]
        if isinstance(error, ForbiddenError):
            raise
    return ""


def probes(components: Components) -> list[Probe]:
    """The pods that these objects will make, equal ones of a component once."""
    found: dict[str, Probe] = {}
    for component, manifests in components.items():
        for manifest in manifests:
            for _, template in pod_templates(manifest):
                pod = _pod(template, key_of(manifest).namespace)
                found[json.dumps([component, pod], sort_keys=True)] = component, pod
    return list(found.values())


def _pod(template: Manifest, namespace: str) -> Manifest:
    spec = {field: value for field, value in template["spec"].items() if field not in NOT_ASKED}
    head = {"generateName": "mlstack-check-", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**head, **_marks(template)}, "spec": spec}


def _marks(template: Manifest) -> Manifest:
    """Labels and annotations: some of them matter to Pod Security (AppArmor's)."""
    metadata = template.get("metadata") or {}
    return {field: metadata[field] for field in ("labels", "annotations") if metadata.get(field)}
