"""The words for what keeps pods off nodes. `tune`, `check` and `apply` say them beforehand, `status` and `wait` after.

Beforehand the nodes are known, afterwards the scheduler's message: what only one of them knows comes as a detail.
"""

from __future__ import annotations

from mlstack.plan.fit.requests import told
from mlstack.plan.fit.slots import ATTACH, PORT, SELECTOR, TAINT, VOLUME
from mlstack.wording import counted

SHORT = {
    "nvidia.com/gpu": "GPU",
    "nvidia.com/gpu.shared": "shared GPU",
    "amd.com/gpu": "GPU",
    "google.com/tpu": "TPU chip",
}
MIG = "nvidia.com/mig-"
CORDONED, UNREADY = "cordoned", "not ready"
# What nodes are or have, by the rule that keeps pods off them.
CLOSED = {
    TAINT: "{have} a taint that it does not tolerate",
    CORDONED: "{are} cordoned",
    UNREADY: "{are} not ready",
    SELECTOR: "{are} not of the kind asked for (node selector)",
    PORT: "{have} its port taken",
    VOLUME: "{are} out of its volume's reach",
    ATTACH: "{have} no room for another volume",
}
# Taints that Kubernetes itself sets, by what they mean.
MEANT = {
    "node.kubernetes.io/unschedulable": CORDONED,
    "node.kubernetes.io/not-ready": UNREADY,
    "node.kubernetes.io/unreachable": UNREADY,
}


def short_name(resource: str) -> str:
    """What people call one device: `GPU`, `MIG 1g.5gb device`; "" where there is no such name."""
    return f"MIG {resource.removeprefix(MIG)} device" if resource.startswith(MIG) else SHORT.get(resource, "")


def devices(resource: str, number: int) -> str:
    """`1 GPU`, `2 GPUs`, `4 habana.ai/gaudi`."""
    short = short_name(resource)
    return f"{number} {short}{'' if number == 1 else 's'}" if short else f"{told(resource, number)} {resource}"


def nodes(number: int, of: int = 0, model: str = "") -> str:
    """`1 node`, `3 l4 nodes`, `2 of 3 l4 nodes`."""
    count = f"{number} of {of}" if of > number else f"{number}"
    return f"{count} {model + ' ' if model else ''}node{'' if max(of, number) == 1 else 's'}"


def have(number: int) -> str:
    """The verb for so many."""
    return "has" if number == 1 else "have"


def too_little(resource: str, asked: int, most: int | None = None) -> str:
    """What nodes have that have too little: `no GPU free`, `fewer than 4 GPUs free (at most 1)`.

    `asked`: what one pod asks, 0 where that is not known; `most`: the most that one of them has left.
    """
    short = short_name(resource)
    if resource == "pods":
        return "no room for another pod"
    if not asked:
        return f"too few {short}s free" if short else f"too little {resource} free"
    if asked == 1 and "/" in resource:
        return f"no {short or resource} free"
    left = "" if not most or most <= 0 else f" (at most {told(resource, most)})"
    if short:
        return f"fewer than {devices(resource, asked)} free{left}"
    return f"less than {told(resource, asked)} {resource} free{left}"


def meant(taint: str) -> str:
    """What a taint (`key=value:effect`) that Kubernetes itself sets means: CORDONED or UNREADY; else TAINT."""
    return MEANT.get(taint.partition(":")[0].partition("=")[0], TAINT)


def closed(number: int, limit: str, what: str = "") -> str:
    """Nodes that a rule keeps pods off: `2 nodes have a taint that it does not tolerate: spot=true:NoSchedule`."""
    limit = meant(what) if limit == TAINT else limit
    words = CLOSED.get(limit, f"{{are}} kept off by {'' if 'pods' in limit else 'its '}{limit} rule")
    said = words.format(are="is" if number == 1 else "are", have=have(number))
    detail = f": {what}" if limit == TAINT and what else f" of driver {what}" if limit == ATTACH and what else ""
    return f"{nodes(number)} {said}{detail}"


def some_fit(number: int, of: int, what: str) -> str:
    """`3 of 4 workers fit`, `1 of 2 pods fits`."""
    return f"{number} of {counted(of, what)} {'fits' if number == 1 else 'fit'}"


def have_all(subject: str, resource: str, total: int, free: int) -> str:
    """What some nodes have of a resource: `the l4 nodes have 6 GPUs`, `the l4 node has 1 of 2 GPUs free`."""
    if free >= total:
        return f"{subject} {amount_of(resource, total)}"
    return f"{subject} {told(resource, max(0, free))} of {amount_of(resource, total)} free"


def amount_of(resource: str, number: int) -> str:
    """`6 GPUs`, `20Gi memory`."""
    return devices(resource, number) if "/" in resource else f"{told(resource, number)} {resource}"


def crowded(resource: str, asked: int, left: int) -> str:
    """All pods of an app together ask more than there is."""
    return (
        f"all pods together ask {amount_of(resource, asked)}, and the nodes that take them have {told(resource, left)}"
    )


def rule_between(rule: str, low: int, high: int, of: int) -> str:
    """It depends on the first pods how many a rule across nodes lets in."""
    return f"its {rule} rule allows {low} to {min(high, of)} of {of}: it depends on which nodes the first pods get"


def rule_allows(rule: str, number: int, of: int) -> str:
    """A rule across nodes lets so many of the pods in."""
    words = {CLAIM: "its claim for one pod (ReadWriteOncePod)", VOLUMES: "the place of its volumes"}
    return f"{words.get(rule, f'its {rule} rule')} allows {number} of {of}"


CLAIM, VOLUMES = "claim", "volume"  # what lets only so many pods in, beside the rules across nodes


def rule_keeps(rule: str, number: int, whose: str = "its") -> str:
    """A rule across nodes keeps one pod off so many nodes."""
    return f"{whose} {rule} rule keeps it off {nodes(number)}"


def claim_missing(name: str) -> str:
    """A pod mounts a claim that nobody has made."""
    return f"it mounts PersistentVolumeClaim/{name}, which is not there"


def claim_unbound(name: str) -> str:
    """A pod mounts a claim without a volume; `name` is "" where it may be any of several."""
    return f"it mounts {f'PersistentVolumeClaim/{name}' if name else 'a claim'}, which has no volume yet"


def claim_leaving(name: str) -> str:
    """A pod mounts a claim that is being deleted, or whose volume is gone."""
    return f"it mounts PersistentVolumeClaim/{name}, which is being deleted or has lost its volume"


def claim_used(name: str, holder: str) -> str:
    """A pod mounts a claim for one pod only, which another one uses."""
    return f"it mounts PersistentVolumeClaim/{name}, which is ReadWriteOncePod and in use by {holder}"


def claim_for_one(name: str, pods: int) -> str:
    """Several pods mount a claim for one pod only."""
    return f"{pods} pods mount PersistentVolumeClaim/{name}, which one pod only can use (ReadWriteOncePod)"


def over_quota(name: str, resource: str, left: str, hard: str, asked: str) -> str:
    """A quota that does not let pods in; amounts as people write them."""
    verb = "is" if asked == "1" else "are"
    return f"ResourceQuota/{name} has {left} of {hard} {resource} left, and {asked} {verb} asked"


def out_of_range(what: str, resource: str, bound: str, name: str, *, more: bool) -> str:
    """A limit range that does not let a pod in: it asks for `more` than the most, else for less than the least."""
    range_ = f"LimitRange/{name}" if name else "the namespace's LimitRange"
    compared, verb = ("more", "allows") if more else ("less", "demands")
    return f"{what} asks {compared} {resource} than the {bound} that {range_} {verb}"
