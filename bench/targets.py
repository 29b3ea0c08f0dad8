"""What mlstack is to reach beside other tools, as data, and whether the cells show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from . import fit, large
from .cells import Setting, Store, best
from .table import table, times
from .tools import PEERS

US = "mlstack"
N = 500
MANY = 5000
RTTS = (0, 20, 100)
SHOWN = (10, 200, 2000)

HEAD = ("target", "against", "at least / at most", "measured", "met")


@dataclass(frozen=True)
class Target:
    """One aim: what, against whom, a bound that is a least or a most, and how the cells say what was reached.

    `wish` is a further bound for later; `unit` follows the figure.
    """

    what: str
    against: str
    bound: float
    measured: Callable[[Store], float | None]
    at_least: bool = False
    unit: str = "×"
    wish: float | None = None

    def met(self, value: float) -> bool:
        """Whether a measured value is within the bound."""
        return value >= self.bound if self.at_least else value <= self.bound


def _at(rtt_ms: int, count: int = N) -> Setting:
    return Setting("configmaps", count, rtt_ms)


def _where(rtt_ms: int) -> str:
    return f"{N} objects, {rtt_ms} ms"


def faster(case: str, rtt_ms: int, than: Sequence[str]) -> Callable[[Store], float | None]:
    """How many times as fast as the quickest of `than`."""
    return lambda store: best([store.cell(_at(rtt_ms)).ratio(name, US, case) for name in than])


def beside(setting: Setting, case: str, other: str) -> Callable[[Store], float | None]:
    """How many times as long as `other`."""
    return lambda store: store.cell(setting).ratio(US, other, case)


def requests(case: str, rtt_ms: int, *, writes_only: bool = False) -> Callable[[Store], float | None]:
    """The most requests of a round."""

    def found(store: Store) -> float | None:
        asked = [one.requests for one in store.cell(_at(rtt_ms)).of(US, case)]
        return max((one.writes + (0 if writes_only else one.reads) for one in asked), default=None)

    return found


def memory(tool: str, count: int, store: Store) -> float | None:
    """The highest peak of a tool in all cases, MB."""
    found = [one.sample.peak_mb for one in store.cell(_at(0, count)).readings if one.tool == tool]
    return max(found, default=None)


def memory_beside_helm(store: Store) -> float | None:
    """mlstack's peak at many objects, in times of helm's."""
    ours, helms = memory(US, MANY, store), memory("helm", MANY, store)
    return ours / helms if ours and helms else None


def changed_beside_unchanged(rtt_ms: int) -> Callable[[Store], float | None]:
    """How many times as long five changes take as none, both by mlstack."""

    def found(store: Store) -> float | None:
        cell = store.cell(_at(rtt_ms))
        changed, unchanged = cell.seconds(US, "changed"), cell.seconds(US, "unchanged")
        return changed / unchanged if changed and unchanged else None

    return found


def growth(case: str) -> Callable[[Store], float | None]:
    """The time per object at many objects, in times of that at a tenth of them."""

    def found(store: Store) -> float | None:
        few, many = store.cell(_at(0)).seconds(US, case), store.cell(_at(0, MANY)).seconds(US, case)
        return (many / MANY) / (few / N) if few and many else None

    return found


def targets() -> Iterator[Target]:
    """All of them, in the order of the page."""
    yield from _first_apply()
    yield from _nothing_changed()
    yield from _others()
    yield from _offline()
    yield from _large()


def _first_apply() -> Iterator[Target]:
    for rtt_ms, bound in zip(RTTS, (2, 8, 15), strict=True):
        measured = faster("first", rtt_ms, PEERS)
        yield Target(f"first apply, {_where(rtt_ms)}", "best peer, times as fast", bound, measured, at_least=True)
    for rtt_ms, bound in zip(RTTS, (3, 2, 2), strict=True):
        what = f"first apply, {_where(rtt_ms)}"
        yield Target(what, "the floor, times as long", bound, beside(_at(rtt_ms), "first", "floor"))
    # One for each object, a LIST and a WATCH for the one kind and namespace, and about ten.
    what = f"first apply, {_where(0)}"
    yield Target(what, "requests in all", N + 2 + 10, requests("first", 0), unit="")


def _nothing_changed() -> Iterator[Target]:
    for rtt_ms, bound, wish in zip(RTTS, (1.3, 1.5, 4), (2, 2.5, 5), strict=True):
        what, measured = f"nothing changed, {_where(rtt_ms)}", faster("unchanged", rtt_ms, ["kapp"])
        yield Target(what, "kapp, times as fast", bound, measured, at_least=True, wish=wish)
    for rtt_ms, bound in zip(RTTS, (3, 15, 70), strict=True):
        what, measured = f"nothing changed, {_where(rtt_ms)}", faster("unchanged", rtt_ms, ["kubectl", "helm"])
        yield Target(what, "kubectl and helm, times as fast", bound, measured, at_least=True)
    what = f"nothing changed, {_where(0)}"
    yield Target(what, "writes", 0, requests("unchanged", 0, writes_only=True), unit="")


def _others() -> Iterator[Target]:
    for peer, bound in (("kapp", 1.3), ("kubectl", 8.0)):
        for rtt_ms in RTTS:
            what, measured = f"diff, nothing changed, {_where(rtt_ms)}", faster("diff", rtt_ms, [peer])
            yield Target(what, f"{peer}, times as fast", bound, measured, at_least=True)
    for rtt_ms in RTTS:
        what = f"5 of {N} objects changed, {rtt_ms} ms"
        yield Target(what, "nothing changed, times as long", 1.5, changed_beside_unchanged(rtt_ms))
    for rtt_ms in RTTS:
        what, measured = f"delete, waited for, {_where(rtt_ms)}", faster("delete", rtt_ms, PEERS)
        yield Target(what, "best peer, times as fast", 2, measured, at_least=True)
    for case, what in (("first", "first apply"), ("unchanged", "nothing changed"), ("delete", "delete")):
        yield Target(f"growth: {what}, {MANY:,} objects", f"time per object at {N}", 1.3, growth(case))


def _offline() -> Iterator[Target]:
    for count, bound in zip(SHOWN, (1.0, 1.0, 1.5), strict=True):
        measured = beside(Setting("show", count, 0), "show", "helm")
        yield Target(f"show, {count:,} objects", "helm template, times as long", bound, measured)
    for case, bound in (("mlstack --help", 10.0), ("mlstack show, one component", 20.0)):
        yield Target(case, "`python -c pass`, times as long", bound, _start_up(case))
    yield Target(f"peak memory, {N} objects", "MB", 70, lambda store: memory(US, N, store), unit=" MB")
    yield Target(f"peak memory, {MANY:,} objects", "helm, times as much", 1.0, memory_beside_helm)


def _large() -> Iterator[Target]:
    cell = Setting("fit", large.NODES, 0)
    what = f"tune, {large.NODES:,} nodes, {large.PODS:,} pods"
    yield Target(what, "seconds beyond its LISTs", 3, lambda store: fit.beyond(store.cell(cell)), unit=" s")


def _start_up(case: str) -> Callable[[Store], float | None]:
    return lambda store: store.cell(START_UP).ratio(case, BARE, "start")


START_UP = Setting("start-up", 1, 0)
BARE = "python -c pass"


def targets_table(store: Store) -> str:
    """All targets with what was measured, and in a line how many are met."""
    found = [(target, target.measured(store)) for target in targets()]
    known = [target.met(value) for target, value in found if value is not None]
    head = f"{sum(known)} of {len(known)} measured targets are met; {len(found) - len(known)} are not measured yet."
    return "\n\n".join([head, table(HEAD, [_row(target, value) for target, value in found], texts=2)])


def _row(target: Target, value: float | None) -> list[str]:
    bound = f"{'≥' if target.at_least else '≤'} {target.bound:g}{target.unit}"
    if target.wish is not None:
        bound += f" (aim {target.wish:g}×)"
    if value is None:
        return [target.what, target.against, bound, "not yet", ""]
    figure = times(value) if target.unit == "×" else f"{value:.0f}{target.unit}"
    return [target.what, target.against, bound, figure, "yes" if target.met(value) else "**no**"]
