"""What Kueue's ClusterQueues have left of each flavor's quota, alone or in a tree of cohorts that lend to each other.

Source: sigs.k8s.io/kueue v0.19 pkg/cache/scheduler/resource_node.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.plan.fit.requests import whole

Share = tuple[str, str]
"""A flavor and a resource: what quotas are given for."""
Used = Mapping[str, Mapping[Share, int]]
"""What each ClusterQueue has reserved."""
Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Quota:
    """Of one flavor and resource: what is one's own, the most that may be borrowed and lent (None: all there is)."""

    own: int
    borrows: int | None
    lends: int | None


@dataclass
class Purse:
    """A ClusterQueue or cohort. `total` is its own quota with what its children lend it, `used` counts against that."""

    parent: Purse | None = None
    quotas: dict[Share, Quota] = field(default_factory=dict)
    total: dict[Share, int] = field(default_factory=dict)
    used: dict[Share, int] = field(default_factory=dict)

    def left(self, share: Share) -> int:
        """What may still be reserved; below 0 where more is held than there is by now."""
        if self.parent is None:
            return self._total(share) - self._used(share)
        above = self.parent.left(share)
        borrows = self._quota(share).borrows
        if borrows is not None:
            kept = self._kept(share)
            above = min(above, self._total(share) - kept - max(0, self._used(share) - kept) + borrows)
        return max(0, self._kept(share) - self._used(share)) + above

    def most(self, share: Share) -> int:
        """What could be reserved if nobody held anything."""
        if self.parent is None:
            return self._total(share)
        found = self._kept(share) + self.parent.most(share)
        borrows = self._quota(share).borrows
        return found if borrows is None else min(found, self._total(share) + borrows)

    def reserve(self, share: Share, number: int) -> None:
        """Takes so much; what is more than its own is taken from its parent."""
        inside = max(0, self._kept(share) - self._used(share))
        self.used[share] = self._used(share) + number
        if self.parent is not None and number > inside:
            self.parent.reserve(share, number - inside)

    def borrows_for(self, share: Share, number: int) -> bool:
        """Whether so much more is beyond its own quota."""
        return self.parent is not None and self._used(share) + number > self._quota(share).own

    def root(self) -> Purse:
        """The top of its tree; itself where it stands alone."""
        return self if self.parent is None else self.parent.root()

    def gather(self) -> Iterator[tuple[Share, int]]:
        """What it lends to its parent."""
        for share in self.total:
            yield share, self._total(share) - self._kept(share)

    def _kept(self, share: Share) -> int:
        """What it never lends."""
        lends = self._quota(share).lends
        return 0 if lends is None else max(0, self._total(share) - lends)

    def _quota(self, share: Share) -> Quota:
        return self.quotas.get(share, NO_QUOTA)

    def _total(self, share: Share) -> int:
        return self.total.get(share, 0)

    def _used(self, share: Share) -> int:
        return self.used.get(share, 0)


NO_QUOTA = Quota(0, None, None)


def purses(queues: Iterable[Manifest], cohorts: Iterable[Manifest], used: Used) -> dict[str, Purse]:
    """Each ClusterQueue's by its name, tied to the cohorts, filled with what is `used`."""
    made = {queue["metadata"]["name"]: _purse(queue) for queue in queues}
    above = _cohorts(cohorts)
    parents = {queue["metadata"]["name"]: _cohort_of(queue) for queue in queues}
    for name, purse in made.items():
        if parents[name]:
            purse.parent = above.setdefault(parents[name], Purse())
    for purse in _deepest_first([*made.values(), *above.values()]):
        if purse.parent is not None:
            for share, number in purse.gather():
                purse.parent.total[share] = purse.parent.total.get(share, 0) + number
    for name, shares in used.items():
        for share, number in shares.items():
            if name in made:
                made[name].reserve(share, number)
    return made


def _cohort_of(queue: Manifest) -> str:
    """v1beta1 calls it cohort."""
    spec = queue.get("spec") or {}
    return str(spec.get("cohortName") or spec.get("cohort") or "")


def _cohorts(cohorts: Iterable[Manifest]) -> dict[str, Purse]:
    """A cohort need not exist as an object: its name is enough. One that is its own ancestor stands alone."""
    given = {cohort["metadata"]["name"]: cohort for cohort in cohorts}
    parents = {name: _parent(cohort) for name, cohort in given.items()}
    names = {*given, *filter(None, parents.values())}
    made = {name: _purse(given[name]) if name in given else Purse() for name in names}
    for name, parent in parents.items():
        if parent and not _circular(name, parents):
            made[name].parent = made[parent]
    return made


def _parent(cohort: Manifest) -> str:
    spec = cohort.get("spec") or {}
    return str(spec.get("parentName") or spec.get("parent") or "")


def _circular(name: str, parents: Mapping[str, str]) -> bool:
    seen = {name}
    while name := parents.get(name, ""):
        if name in seen:
            return True
        seen.add(name)
    return False


def _deepest_first(all_purses: list[Purse]) -> list[Purse]:
    return sorted(all_purses, key=_depth, reverse=True)


def _depth(purse: Purse) -> int:
    return 0 if purse.parent is None else 1 + _depth(purse.parent)


def _purse(holder: Manifest) -> Purse:
    quotas = dict(_quotas(holder))
    return Purse(quotas=quotas, total={share: quota.own for share, quota in quotas.items()})


def _quotas(holder: Manifest) -> Iterator[tuple[Share, Quota]]:
    for group in (holder.get("spec") or {}).get("resourceGroups") or ():
        for flavor in group.get("flavors") or ():
            for one in flavor.get("resources") or ():
                name = one["name"]
                limits = (_limit(one, "borrowingLimit"), _limit(one, "lendingLimit"))
                yield (flavor["name"], name), Quota(whole(name, one.get("nominalQuota", 0)), *limits)


def _limit(quota: Manifest, key: str) -> int | None:
    given = quota.get(key)
    return None if given is None else whole(quota["name"], given)
