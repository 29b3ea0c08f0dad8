"""What became of a revision, component by component: ready, not ready, or unknown as nobody has looked yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.plan.inventory import component_of
from mlstack.plan.readiness import Readiness, readiness, waits
from mlstack.plan.receipts import NOT_READY, READY, UNKNOWN
from mlstack.plan.runs import is_run, run_readiness


def at_once(
    manifests: Mapping[str, Iterable[Manifest]], done: Collection[Key], before: Mapping[str, str]
) -> dict[str, str]:
    """The outcomes when an apply has sent everything, by component: ready where there is nothing to wait for.

    `done`: runs that ended before this apply. `before`: of components that this apply does not speak of.
    """
    now = {name: UNKNOWN if any(_is_open(one, done) for one in found) else READY for name, found in manifests.items()}
    return {**before, **now}


def _is_open(manifest: Manifest, done: Collection[Key]) -> bool:
    return waits(manifest) and key_of(manifest) not in done


def of_states(states: Mapping[Key, Readiness], components: Mapping[Key, str]) -> dict[str, str]:
    """The outcomes of the components that were waited for, by the states in which the wait left their objects."""
    found: dict[str, str] = {}
    for key, state in states.items():
        name = components.get(key, "")
        found[name] = READY if state.ready and found.get(name, READY) == READY else NOT_READY
    return found


def of_objects(ours: Mapping[Key, Manifest], absent: Iterable[str] = ()) -> dict[str, str]:
    """The outcomes that the app's live objects show, by component. Of the `absent` components an object that was
    applied is gone: nobody knows what became of it."""
    states = {key: (run_readiness if is_run(key) else readiness)(live) for key, live in ours.items() if waits(live)}
    components = {key: component_of(live) for key, live in ours.items()}
    instant = dict.fromkeys(components.values(), READY)
    return {**instant, **of_states(states, components), **dict.fromkeys(absent, UNKNOWN)}
