"""Whether all pods of some asks find a place on a cluster, whatever the order in which the scheduler takes them.

Pods that are equal are counted exactly. Pods of different kinds take each other's room: they fit for certain if each
kind does so after the others have taken the worst places for it, and for certain not if too little is left for them
together. Between the two the answer depends on the scheduler's taste, and is not given.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mlstack.plan.fit.admission import admitted
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.binding import undecided, unprovided
from mlstack.plan.fit.devices import holder
from mlstack.plan.fit.domains import Range
from mlstack.plan.fit.limits import refusals
from mlstack.plan.fit.nodes import Pod
from mlstack.plan.fit.objects import default_class
from mlstack.plan.fit.outside import unsure
from mlstack.plan.fit.phrases import claim_for_one, claim_leaving, claim_missing, claim_unbound, claim_used, crowded
from mlstack.plan.fit.places import left, places
from mlstack.plan.fit.queues import Answer, Standing, answers
from mlstack.plan.fit.quota import Claimant
from mlstack.plan.fit.quota import refusals as over_quota
from mlstack.plan.fit.requests import Amounts, add
from mlstack.plan.fit.runtimes import missing_runtime
from mlstack.plan.fit.slots import Slots
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import alone, claims_of, in_use, leaving, missing, mounts, unbound
from mlstack.plan.fit.worst import worst_room


class Verdict(enum.Enum):
    """Whether asks fit now."""

    FITS = "fits"
    NOT = "does not fit"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Fit:
    """How one ask fares: `found` are the nodes' slots for it, with nothing else taken; `room` what they make together.

    `worst`: how many find a place after the other asks took the worst places for it. `told` says what keeps it off
    besides the nodes (quota, limit range, claim), or why it cannot be told; `more`: all that does besides. `claim`: it
    waits for a claim or its volume, and for nothing else. `final`: no node that comes or gets free changes it. `crowd`:
    what all asks together are too many for. `lacks`: kinds, namespaces and names of objects that are not there, where
    nothing else is against it. `open_`: the slots after the rules across nodes that the pods already there
    decide; `view`: of what.
    """

    ask: Ask
    verdict: Verdict
    found: tuple[Slots, ...]
    room: Range
    worst: int
    told: str = ""
    more: tuple[str, ...] = ()
    claim: bool = False
    final: bool = False
    crowd: str = ""
    lacks: tuple[tuple[str, str, str], ...] = ()
    open_: tuple[Slots, ...] = ()
    view: View | None = field(default=None, repr=False, compare=False)

    @property
    def missing(self) -> int:
        """How many of its pods find no place, at least."""
        return max(0, self.ask.count - self.room.high)


AT_ONCE = Answer(Standing.ADMITTED)


def fit(view: View, asked: Sequence[Ask]) -> list[Fit]:
    """How each ask fares on the cluster as it is now, all of them together."""
    whole = [_admitted(view, ask) for ask in asked if ask.count]
    over_quotas = over_quota(view.quotas, [_claimant(view, ask) for ask in whole])
    split = [(each, over) for ask, over in zip(whole, over_quotas, strict=True) for each in _by_claims(view, ask)]
    wanted, refused = [ask for ask, _ in split], [over for _, over in split]
    queued = answers(view.queues, wanted)
    wanted = [queued.get(ask.owner, AT_ONCE).admitted(ask) for ask in wanted]
    crowd = _too_little_together(view, wanted)
    found = []
    for ask, over in zip(wanted, refused, strict=True):
        others = [other for other in wanted if other is not ask]
        found.append(_fit(view, ask, others, crowd, over, queued.get(ask.owner, AT_ONCE)))
    return found


def objects_refused(view: View, asked: Sequence[Ask]) -> dict[str, str]:
    """Why the namespace refuses objects of components that have no pods, in words, by component."""
    without = [
        ask for ask in asked if not ask.count and not any(a.count for a in asked if a.component == ask.component)
    ]
    over = over_quota(view.quotas, [_claimant(view, ask) for ask in without])
    denied = [[*why, ask.objects.refused(view.ranges)] for ask, why in zip(without, over, strict=True)]
    found = {ask.component: "; ".join(filter(None, why)) for ask, why in zip(without, denied, strict=True)}
    return {component: why for component, why in found.items() if why}


def _claimant(view: View, ask: Ask) -> Claimant:
    usage = ask.objects.usage(ask.count, default_class(view.storage.classes or {}))
    return Claimant(ask.component, ask.pod, ask.count, usage)


def _admitted(view: View, ask: Ask) -> Ask:
    pod = admitted(view, ask.pod)
    return ask if pod is ask.pod else replace(ask, pod=pod)


def _by_claims(view: View, ask: Ask) -> list[Ask]:
    """A StatefulSet's pods whose claims are there from before, one by one: their volumes may be in different places."""
    own = [one for one in ask.pod["spec"].get("volumes") or () if "ephemeral" in one]
    if ask.owner.kind != "StatefulSet" or not own:
        return [ask]
    pods = (_with_claims(view, ask, number) for number in range(ask.count))
    known = [replace(ask, count=1, pod=pod) for pod in pods if pod is not None]
    return [*known, *([replace(ask, count=ask.count - len(known))] if len(known) < ask.count else [])]


def _with_claims(view: View, ask: Ask, number: int) -> Pod | None:
    """One pod of a StatefulSet with the claims that are there for it; None where there are none."""
    names = {one["name"]: f"{one['name']}-{ask.owner.name}-{number}" for one in ask.pod["spec"]["volumes"]}
    there = {name for name, claim in names.items() if claim in view.storage.claims}
    mounts = [
        {"name": one["name"], "persistentVolumeClaim": {"claimName": names[one["name"]]}}
        if "ephemeral" in one and one["name"] in there
        else one
        for one in ask.pod["spec"]["volumes"]
    ]
    return {**ask.pod, "spec": {**ask.pod["spec"], "volumes": mounts}} if there else None


def _fit(view: View, ask: Ask, others: Sequence[Ask], crowd: str, refused: Sequence[str], queued: Answer) -> Fit:
    there = places(view, ask)
    worst = worst_room(view, ask, others)
    waits = _waits_for(view, ask)
    held = queued.reason if queued.standing in (Standing.WAITS, Standing.NEVER) else ""
    against = [one for one in dict.fromkeys((held, *_denied(view, ask), *refused, waits)) if one]
    no, *more = against or [""]
    doubt = queued.reason or unsure(view, ask) or _shared(view, ask, others)
    surely = ask.count <= worst  # also where the others are too many for the nodes
    verdict = Verdict.UNKNOWN
    if no or (not doubt and (ask.count > there.room.high or (crowd and not surely))):
        verdict = Verdict.NOT
    elif surely and not doubt and not view.partly:
        verdict = Verdict.FITS
    absent = _absent(view, ask)
    return Fit(
        *(ask, verdict, there.found, there.room, worst, no or doubt),
        more=tuple(more),
        claim=bool(waits) and no == waits,
        final=queued.standing is Standing.NEVER,
        crowd="" if surely else crowd,
        lacks=tuple(absent) if len(absent) == len(against) else (),
        open_=there.open_,
        view=view,
    )


def _denied(view: View, ask: Ask) -> list[str]:
    """Why the API server refuses such pods, in words, in the order of its plugins; quotas come after them."""
    of_pods = [*refusals(ask.pod, view.ranges), missing_runtime(ask.pod, view.runtimes)]
    return [why for why in (*of_pods, ask.objects.refused(view.ranges)) if why]


def _absent(view: View, ask: Ask) -> list[tuple[str, str, str]]:
    """Kinds, namespaces and names of the objects that pods name and that are not there, as far as they are told of."""
    found = []
    if missing_runtime(ask.pod, view.runtimes):
        found.append(("RuntimeClass", "", str(ask.pod["spec"]["runtimeClassName"])))
    if not leaving(ask.pod, view.storage):
        found += [("PersistentVolumeClaim", ask.owner.namespace, name) for name in missing(ask.pod, view.storage)[:1]]
    return found


def _waits_for(view: View, ask: Ask) -> str:
    """The claim that keeps a pod off every node, in words."""
    for name in leaving(ask.pod, view.storage):
        return claim_leaving(name)
    for name in missing(ask.pod, view.storage):
        return claim_missing(name)
    for name in (*unbound(ask.pod, view.storage), *unprovided(ask.pod, view.storage)):
        return claim_unbound(name)
    if used := in_use(ask.pod, view.storage, view.nodes or ()):
        return claim_used(used[0], holder(used[1]))
    return ""


def _shared(view: View, ask: Ask, others: Sequence[Ask]) -> str:
    """A claim that pods of several kinds mount, whose volume is made where the first of them goes."""
    mine = undecided(ask.pod, view.storage, view.nodes or ()) if others and mounts(ask.pod) else set()
    shared = next((name for name in mine if any(name in claims_of(other.pod) for other in others)), "")
    return f"the first pod decides where the volume of PersistentVolumeClaim/{shared} is" if shared else ""


def _too_little_together(view: View, asked: Sequence[Ask]) -> str:
    """What the nodes that any of them may use have too little of for all of them, in words; "" for nothing."""
    if len(asked) < 2:
        return ""
    if one := next((name for ask in asked if (name := alone(ask.pod, view.storage)) and _users(name, asked) > 1), ""):
        return claim_for_one(one, _users(one, asked))
    total: Amounts = {}
    for ask in asked:
        add(total, {name: number * ask.count for name, number in ask.needs.items()} | {"pods": ask.count})
    few = [name for name, number in total.items() if number and left(view, asked, name) < number]
    resource = min(few, key=lambda name: "/" not in name, default="")
    return crowded(resource, total[resource], left(view, asked, resource)) if resource else ""


def _users(claim: str, asked: Sequence[Ask]) -> int:
    return sum(ask.count for ask in asked if claim in claims_of(ask.pod))
