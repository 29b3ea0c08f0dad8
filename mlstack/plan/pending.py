"""What the scheduler and the API server say of pods that get no place, in the words that `tune` uses beforehand.

Sources: the scheduler's default plugins (pkg/scheduler/framework/plugins, each's ErrReason constants), the quota
admission (staging apiserver plugin/resourcequota) and plugin/pkg/admission/limitranger, of Kubernetes 1.33 to 1.37.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mlstack.plan.fit.domains import APART, SPREAD, TOGETHER
from mlstack.plan.fit.phrases import (
    CORDONED,
    claim_missing,
    claim_unbound,
    closed,
    have,
    meant,
    nodes,
    out_of_range,
    over_quota,
    rule_keeps,
    too_little,
)
from mlstack.plan.fit.requests import pod_requests, told, whole
from mlstack.plan.fit.slots import PORT, SELECTOR, TAINT, VOLUME
from mlstack.plan.fit.volumes import claims_of
from mlstack.wording import shortened

Pod = Mapping[str, Any]


class Said(NamedTuple):
    """A message in our words. `topic` and `value` say what a parameter could change: ("resource", "nvidia.com/gpu")."""

    text: str
    topic: str = ""
    value: str = ""


UNBOUND = re.compile(r"unbound immediate PersistentVolumeClaims")  # until their volumes are made: no node is missing
Words = Callable[[re.Match[str], Pod], Said]

AVAILABLE = re.compile(r"0/\d+ nodes are available: (.*?)\.?(?: preemption: .*| no new claims .*)?$", re.DOTALL)


def from_scheduler(message: str, pod: Pod) -> Said:
    """The scheduler's "0/3 nodes are available: …": all of it in words, the topic that of its weightiest part."""
    found = AVAILABLE.search(message)
    pieces = found[1].split(", ") if found else [message]
    said = sorted((_piece(piece, pod) for piece in pieces), key=lambda one: (one[0], "/" not in one[1].value))
    return said[0][1]._replace(text="; ".join(one.text for _, one in said))


def _piece(piece: str, pod: Pod) -> tuple[int, Said]:
    """One part of the message with its weight; as it stands where nothing is known of it."""
    for weight, (pattern, words) in enumerate(PIECES):
        if found := pattern.search(piece):
            return weight, words(found, pod)
    return len(PIECES), Said(shortened(piece))


def _resource(found: re.Match[str], pod: Pod) -> Said:
    number, resource = int(found[1]), found[2]
    few = too_little(resource, pod_requests(pod).get(resource, 0) if pod.get("spec") else 0)
    return Said(f"{nodes(number)} {have(number)} {few}", "resource", resource)


def _full(found: re.Match[str], _pod: Pod) -> Said:
    return Said(f"{nodes(int(found[1]))} {have(int(found[1]))} {too_little('pods', 1)}", "resource", "pods")


def _taint(found: re.Match[str], _pod: Pod) -> Said:
    """Which taint is said by older schedulers alone."""
    key, value = found[2] or "", found[3] or ""
    topic = TAINT if meant(key) == TAINT else ""
    return Said(closed(int(found[1]), TAINT, f"{key}={value}" if value else key), topic, key)


def _rule(limit: str, topic: str = "") -> Words:
    return lambda found, _pod: Said(closed(int(found[1]), limit), topic or limit)


def _volume(found: re.Match[str], pod: Pod) -> Said:
    return Said(closed(int(found[1]), VOLUME), "volume", _only_claim(pod))


def _across(rule: str, whose: str = "its") -> Words:
    return lambda found, _pod: Said(rule_keeps(rule, int(found[1]), whose), "rule")


def _missing(found: re.Match[str], _pod: Pod) -> Said:
    return Said(claim_missing(found[1]), "volume", found[1])


def _unbound(_found: re.Match[str], pod: Pod) -> Said:
    name = _only_claim(pod)
    return Said(claim_unbound(name), "volume", name)


def _only_claim(pod: Pod) -> str:
    """The claim that a pod mounts; "" where it is not known, or mounts several."""
    claims = claims_of(pod) if pod.get("spec") else []
    return claims[0] if len(claims) == 1 else ""


def _nodes(text: str) -> re.Pattern[str]:
    return re.compile(rf"(\d+) node\(s\) {text}")


# What the scheduler says, the weightiest first: its topic leads to the parameter.
PIECES: tuple[tuple[re.Pattern[str], Words], ...] = (
    (re.compile(r"persistentvolumeclaim \"([^\"]+)\" not found"), _missing),
    (UNBOUND, _unbound),
    (re.compile(r"(\d+) Insufficient ([^\s,]+)"), _resource),
    (re.compile(r"(\d+) Too many pods"), _full),
    (_nodes(r"(?:didn't match PersistentVolume's node affinity|had volume node affinity conflict)"), _volume),
    (_nodes(r"(?:had no available volume zone|didn't find available persistent volumes)"), _volume),
    (_nodes(r"had untolerated taint(?:\(s\)|s)?(?: \{([^}:]+)(?:: ?([^}]*))?\})?"), _taint),
    (_nodes(r"didn't match (?:pod anti-affinity|pod's anti-affinity)"), _across(APART)),
    (_nodes(r"didn't satisfy existing pods anti-affinity"), _across(APART, "other pods'")),
    (_nodes(r"didn't match pod affinity"), _across(TOGETHER)),
    (_nodes(r"didn't match pod topology spread"), _across(SPREAD)),
    (_nodes(r"didn't have free ports"), _rule(PORT)),
    (_nodes(r"were unschedulable"), _rule(CORDONED)),
    (_nodes(r"didn't match (?:Pod's|scheduler-enforced|the requested) node"), _rule(SELECTOR)),
)  # fmt: skip

RANGED = {"Container": "a container", "Pod": "the pod", "PersistentVolumeClaim": "the claim"}
QUOTA = re.compile(r"exceeded quota: (\S+), requested: (\S+), used: (\S+), limited: (\S+)")
RANGE = re.compile(
    r"(maximum|minimum) (\S+) usage per (Container|Pod|PersistentVolumeClaim) is ([^\s,]+?)[.,] +(?:but|No) "
)


def from_admission(message: str) -> Said | None:
    """Why the API server did not let a pod in: a quota or a limit range; None for any other message."""
    if found := QUOTA.search(message):
        return _over(found[1], *(_figures(found[index]) for index in (2, 3, 4)))
    if found := RANGE.search(message):
        text = out_of_range(RANGED[found[3]], found[2], found[4], "", more=found[1] == "maximum")
        return Said(text, "resource", found[2])
    return None


def _over(name: str, asked: Mapping[str, str], used: Mapping[str, str], hard: Mapping[str, str]) -> Said:
    """Of several resources that a quota has too little of, accelerators are told."""
    entry = min(asked, key=lambda entry: "/" not in entry)
    resource = entry.removeprefix("requests.").removeprefix("limits.")
    most, taken = whole(resource, hard.get(entry, "0")), whole(resource, used.get(entry, "0"))
    left = told(resource, max(0, most - taken))
    wanted = told(resource, whole(resource, asked[entry]))
    return Said(over_quota(name, entry, left, told(resource, most), wanted), "resource", resource)


def _figures(text: str) -> dict[str, str]:
    """`pods=1,requests.nvidia.com/gpu=2` by name."""
    return {name: value for name, _, value in (entry.partition("=") for entry in text.split(","))}
