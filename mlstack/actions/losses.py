"""What a deletion loses, counted in the cluster: custom resources, claims, the contents of a namespace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.failures import ClusterError, ForbiddenError, NotFoundError
from mlstack.cluster.kinds import Resource, well_known
from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import MlstackError
from mlstack.plan.losing import (
    claims_of,
    claims_words,
    contents_words,
    data_word,
    gated,
    loses_data,
    resources_words,
    secret_words,
    volume_words,
    with_their_definition,
)
from mlstack.plan.model import Allow, Change

CLAIM, VOLUME = well_known("v1", "PersistentVolumeClaim"), well_known("v1", "PersistentVolume")
# What the control plane makes in a namespace by itself, and again in the next.
INCIDENTAL = frozenset({"Event", "Endpoints", "EndpointSlice", "ControllerRevision", "Lease", "PodMetrics"})
INCIDENTAL_NAMES = frozenset({"kube-root-ca.crt", "default"})


def with_losses(session: Session, changes: Sequence[Change], allow: Allow) -> list[Change]:
    """The changes with what each of them loses; requests are sent only where one deletes data."""
    lossy = {one.key: one.live for one in changes if loses_data(one) and one.live is not None}
    told = losses(session, lossy, recreated=True)
    found = [gated(one, told[one.key], allow) if one.key in told and loses_data(one) else one for one in changes]
    return with_their_definition(found)


def losses(session: Session, going: Mapping[Key, Manifest], *, recreated: bool = False) -> dict[Key, str]:
    """What deleting the objects loses, in words, for those that hold data."""
    words = {key: word for key, live in going.items() if (word := data_word(key, live, recreated=recreated))}
    return {key: WORDS[word](session, going[key]) for key, word in words.items()}


def _definition(session: Session, live: Manifest) -> str:
    spec, name = live.get("spec") or {}, live["metadata"]["name"]
    versions = [one["name"] for one in spec.get("versions") or [] if one.get("served")]
    if not versions:
        return f"all custom resources of {name}, which are served in no version and cannot be counted"
    namespaced = spec.get("scope") == "Namespaced"
    resource = Resource(spec["group"], versions[0], spec["names"]["kind"], spec["names"]["plural"], namespaced)
    try:
        found = objects.list_objects(session.connection.client, resource, metadata_only=True).items
    except NotFoundError:
        found = []  # it is not served: none was ever stored
    except ClusterError as error:
        return f"all custom resources of {name} in the whole cluster, which cannot be counted ({error.message})"
    return resources_words(found, name, session.owner)


def _claim(session: Session, live: Manifest) -> str:
    return volume_words(live, _volume(session, str((live.get("spec") or {}).get("volumeName") or "")))


def _volume(session: Session, name: str) -> Manifest | None:
    try:
        return objects.find(session.connection.client, VOLUME, None, name) if name else None
    except ForbiddenError:
        return None


def _persistent_volume(session: Session, live: Manifest) -> str:
    spec = live.get("spec") or {}
    claim = spec.get("claimRef") or {}
    used = f", used by PersistentVolumeClaim {claim.get('namespace')}/{claim.get('name')}" if claim else ""
    size = (spec.get("capacity") or {}).get("storage", "")
    return f"the volume ({size}, reclaim policy {spec.get('persistentVolumeReclaimPolicy', 'Retain')}{used})"


def _secret(session: Session, live: Manifest) -> str:
    return secret_words(live)


def _stateful_set(session: Session, live: Manifest) -> str:
    namespace = live["metadata"]["namespace"]
    try:
        claims = objects.list_objects(session.connection.client, CLAIM, namespace).items
    except ForbiddenError:
        return "its PersistentVolumeClaims, which cannot be counted (no permission to list them)"
    return claims_words(claims_of(live, claims))


def _namespace(session: Session, live: Manifest) -> str:
    return namespace_words(session, live["metadata"]["name"])


def namespace_words(session: Session, name: str) -> str:
    """Everything in a namespace, whoever made it, by kind."""
    link = session.connection
    kinds = [one for one in link.discovery.all().values() if one.namespaced and one.kind not in INCIDENTAL]
    unique = list({(one.group, one.kind): one for one in kinds}.values())

    def listed(resource: Resource) -> list[Manifest]:
        return objects.list_objects(link.client, resource, name, metadata_only=True).items

    answers = link.client.map(listed, unique)
    found = [one for answer in answers if not isinstance(answer, MlstackError) for one in answer]
    return contents_words(one["kind"] for one in found if one["metadata"]["name"] not in INCIDENTAL_NAMES)


WORDS: Mapping[str, Callable[[Session, Manifest], str]] = {
    "crd": _definition,
    "namespace": _namespace,
    "pv": _persistent_volume,
    "pvc": _claim,
    "secret": _secret,
    "statefulset": _stateful_set,
}
