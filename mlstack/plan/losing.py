"""Which objects hold data, by which word of --include they may be deleted, and what is lost with them, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import MlstackError
from mlstack.plan.generated import wishes
from mlstack.plan.inventory import Owner
from mlstack.plan.kinds import kind_of
from mlstack.plan.model import Action, Allow, Change
from mlstack.plan.ownership import SET_BY_HAND, is_applied
from mlstack.wording import counted

# What cert rotators of operators keep in a Secret: made again where it is missing.
CERTIFICATES = frozenset({"ca.crt", "ca.key", "tls.crt", "tls.key"})
TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 - a type, no secret
DEFINITION = "CustomResourceDefinition"
KEPT_IN_PLACE = (Action.UNCHANGED, Action.CHANGE)
FEW = 5


def data_word(key: Key, live: Manifest, *, recreated: bool = False) -> str:
    """The word of --include without which this object is not deleted, "" if nothing is lost with it.

    A generated value is data only where its object is `recreated`: what is pruned or deleted is not used any more.
    """
    word = kind_of(key.group, key.kind).include
    if word == "secret":
        return word if set_keys(live) or (recreated and _generated(live)) else ""
    if word == "statefulset":
        return word if deletes_claims(live) else ""
    return word


def set_keys(live: Manifest) -> list[str]:
    """The keys of a Secret whose values somebody gave: no file has them, and mlstack did not make them."""
    if live.get("type") == TOKEN_TYPE:
        return []
    keys = set(live.get("data") or {}) - _wished(live)
    return sorted(key for key in keys if key not in CERTIFICATES or _by_hand(live, key))


def _generated(live: Manifest) -> list[str]:
    return sorted(set(live.get("data") or {}) & _wished(live))


def _wished(live: Manifest) -> set[str]:
    """The keys that mlstack makes; none where the annotation in the cluster cannot be read: then nothing is certain."""
    try:
        return set(wishes({**live, "kind": "Secret"}))
    except (MlstackError, ValueError):
        return set()


def _by_hand(live: Manifest, key: str) -> bool:
    """Whether a value was written by `secret set` or kubectl, not by a program in the cluster."""
    return any(
        str(entry.get("manager", "")).startswith((SET_BY_HAND, "kubectl"))
        and f"f:{key}" in ((entry.get("fieldsV1") or {}).get("f:data") or {})
        for entry in live["metadata"].get("managedFields") or []
    )


def deletes_claims(live: Manifest) -> bool:
    """Whether a StatefulSet takes its PersistentVolumeClaims with it."""
    spec = live.get("spec") or {}
    policy = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    return policy.get("whenDeleted") == "Delete" and bool(spec.get("volumeClaimTemplates"))


def claims_of(live: Manifest, claims: Iterable[Manifest]) -> list[Manifest]:
    """Those of the claims that a StatefulSet made of its templates."""
    name, spec = live["metadata"]["name"], live.get("spec") or {}
    starts = [f"{one['metadata']['name']}-{name}-" for one in spec.get("volumeClaimTemplates") or []]
    return [one for one in claims if _numbered(one["metadata"]["name"], starts)]


def _numbered(name: str, starts: Iterable[str]) -> bool:
    return any(name.startswith(start) and name.removeprefix(start).isdigit() for start in starts)


def loses_data(change: Change) -> bool:
    """Whether carrying it out deletes data. What somebody else deletes already is not this change's doing."""
    if change.action not in (Action.RECREATE, Action.PRUNE) or change.live is None:
        return False
    if change.live["metadata"].get("deletionTimestamp"):
        return False
    return bool(data_word(change.key, change.live, recreated=change.action is Action.RECREATE))


def gated(change: Change, loses: str, allow: Allow) -> Change:
    """A change that loses data, with the words that say what; a recreation is refused unless --include names its kind.

    Prunes are gated where they are decided: what is not included is kept.
    """
    assert change.live is not None  # by `loses_data`
    word = data_word(change.key, change.live, recreated=change.action is Action.RECREATE)
    if change.action is not Action.RECREATE or (allow.recreate and word in allow.include):
        return replace(change, loses=loses)
    flags = f"--recreate --include {word}"
    return replace(change, loses=loses, blocked=f"{change.reason}. {flags} deletes and creates it, and loses {loses}.")


def with_their_definition(changes: Sequence[Change]) -> list[Change]:
    """The changes with our custom resources created again after their CRD is: they are deleted with it."""
    crds = (one for one in changes if one.key.kind == DEFINITION and one.action is Action.RECREATE and one.live)
    specs = [(one.live or {}).get("spec") or {} for one in crds]
    gone = {(spec["group"], spec["names"]["kind"]) for spec in specs}
    return [
        replace(one, action=Action.RECREATE, reason="deleted with its CRD", fields=())
        if (one.key.group, one.key.kind) in gone and one.action in KEPT_IN_PLACE and one.live is not None
        else one
        for one in changes
    ]


def resources_words(found: Sequence[Manifest], name: str, owner: Owner) -> str:
    """The custom resources of a CRD, counted: "3 custom resources of things.example.com in 2 namespaces, 2 of them not
    this app's"."""
    places = {one["metadata"].get("namespace") for one in found} - {None}
    where = f" in {counted(len(places), 'namespace')}" if places else ""
    others = sum(not is_applied(one, owner) for one in found)
    whose = f", {others} of them not this app's" if others else ""
    return f"{counted(len(found), 'custom resource')} of {name}{where}{whose}"


def secret_words(live: Manifest) -> str:
    """The keys of a Secret whose values would be lost, and who made them."""
    told = [f"{key} (set)" for key in set_keys(live)] + [f"{key} (generated)" for key in _generated(live)]
    return f"{counted(len(told), 'value')}: {', '.join(told)}"


def claims_words(claims: Sequence[Manifest]) -> str:
    """PersistentVolumeClaims, counted, with their sizes."""
    names = [f"{one['metadata']['name']}{_size(one)}" for one in claims]
    return f"the data of {counted(len(names), 'PersistentVolumeClaim')}{_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return f": {', '.join(names[:FEW])}{more}" if names else ""


def _size(claim: Manifest) -> str:
    spec: Mapping[str, Any] = claim.get("spec") or {}
    status: Mapping[str, Any] = claim.get("status") or {}
    size = (status.get("capacity") or {}).get("storage") or ((spec.get("resources") or {}).get("requests") or {}).get(
        "storage"
    )
    return f" ({size})" if size else ""


def volume_words(claim: Manifest, volume: Manifest | None) -> str:
    """The data of a claim; where its volume is kept when the claim goes, that."""
    data = f"the data of {claim['metadata']['name']}{_size(claim)}"
    if volume is not None and (volume.get("spec") or {}).get("persistentVolumeReclaimPolicy") == "Retain":
        return f"its hold on the data{_size(claim)}: PersistentVolume {volume['metadata']['name']} keeps them (Retain)"
    return data


def contents_words(kinds: Iterable[str]) -> str:
    """What is in a namespace, counted by kind."""
    found = Counter(kinds).most_common()
    told = [f"{number} {kind}" for kind, number in found]
    return f"{counted(sum(number for _, number in found), 'object')} in it{_listed(told)}"
