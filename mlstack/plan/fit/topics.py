"""What a parameter could change about pods that do not fit: the topic of the weightiest reason."""

from __future__ import annotations

from collections import Counter

from mlstack.plan.fit.fit import Fit
from mlstack.plan.fit.phrases import meant
from mlstack.plan.fit.slots import ATTACH, RESOURCE, TAINT, VOLUME, Slots
from mlstack.plan.fit.volumes import claims_of
from mlstack.plan.fit.words import beyond_all, device_of, reach


def topic_of(found: Fit) -> tuple[str, str]:
    """Topic and value as a Reason has them: ("resource", "nvidia.com/gpu"); empty where no parameter matters."""
    device = device_of(found.ask)
    if found.claim:
        return "volume", _claim(found)
    if found.told:
        return "resource", device
    if large := beyond_all(found.ask, reach(found)):
        return "resource", large
    if found.room.why and found.missing:
        return "resource", "pods"  # a rule across nodes: fewer of them
    full = [one for one in found.found if not one.count and _has(one, device)]
    if not full:
        return ("resource", device) if found.missing else ("", "")
    short = Counter((one.limit, one.what) for one in full if one.limit == RESOURCE)
    ((limit, what), _), *_ = (short or Counter((one.limit, one.what) for one in full)).most_common()
    if limit == TAINT and meant(what) != TAINT:
        return "", ""  # no parameter opens a node that is cordoned or not ready
    if limit in (VOLUME, ATTACH):
        return "volume", _claim(found)
    return limit, what.partition(":")[0].partition("=")[0] if limit != RESOURCE else what


def _claim(found: Fit) -> str:
    return next(iter(claims_of(found.ask.pod)), "")


def _has(one: Slots, device: str) -> bool:
    return not device or bool(one.room.allocatable.get(device))
