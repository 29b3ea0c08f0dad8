"""Where a field path leads in a manifest: the paths of our plans, and those of the API server's conflicts.

`spec.template.spec.containers[web].image` is ours, `.spec.template.spec.containers[name="web"].image` the server's (its
keys with dots stand bare: `.metadata.annotations.example.com/a`). `[*]` is any item of a list or map.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan import fields as paths

Steps = tuple[str | int, ...]  # keys of maps and indexes of lists, from the manifest's root


def locations(manifest: Manifest, path: str) -> list[Steps]:
    """Everything in `manifest` that `path` names: one place at most, unless it holds `[*]`."""
    return list(_walk(manifest, path if path[:1] in (".", "[") else f".{path}", "", ()))


def _walk(value: Any, rest: str, name: str, steps: Steps) -> Iterator[Steps]:
    if not rest:
        yield steps
    elif rest.startswith("["):
        inner, _, after = rest[1:].partition("]")
        for step in _chosen(value, inner, name):
            yield from _walk(value[step], after, str(step), (*steps, step))
    elif isinstance(value, Mapping):
        key = _longest_key(value, rest[1:])
        if key is not None:
            yield from _walk(value[key], rest[1 + len(key) :], key, (*steps, key))


def _longest_key(value: Mapping[str, Any], rest: str) -> str | None:
    """The key that `rest` begins with; with dots in it, the longest is meant."""
    fitting = (key for key in value if rest.startswith(key) and rest[len(key) : len(key) + 1] in ("", ".", "["))
    return max(fitting, key=len, default=None)


def _chosen(value: Any, inner: str, name: str) -> list[Any]:
    """The keys or indexes of `value` that the words between brackets choose."""
    if isinstance(value, Mapping):
        return list(value) if inner == "*" else [inner] if inner in value else []
    if not isinstance(value, list):
        return []
    if inner == "*":
        return list(range(len(value)))
    return [index for index, entry in enumerate(value) if _is_meant(entry, index, inner, paths.list_keys(name, value))]


def _is_meant(entry: Any, index: int, inner: str, keys: Sequence[str]) -> bool:
    if "=" not in inner:
        return inner == entry or inner == (paths.key_label(paths.item_key(entry, keys)) if keys else str(index))
    wanted = {name: text.strip('"') for name, _, text in (part.partition("=") for part in inner.split(","))}
    if not isinstance(entry, Mapping):
        return wanted == {"": str(entry)}
    return all(str(entry.get(key, paths.KEY_DEFAULTS.get(key))) == text for key, text in wanted.items())


def value_at(manifest: Manifest, path: str) -> Any:
    """The value at a path (the first, with `[*]`), None if there is none."""
    found = locations(manifest, path)
    return at(manifest, found[0]) if found else None


def at(manifest: Manifest, steps: Steps) -> Any:
    """The value that the steps lead to."""
    value: Any = manifest
    for step in steps:
        value = value[step]
    return value


def spelled(manifest: Manifest, path: str) -> str:
    """A path of the server's as our plans write it; as it is where the manifest has nothing there."""
    found = locations(manifest, path)
    return path_of(manifest, found[0]) if found else path.lstrip(".")


def path_of(manifest: Manifest, steps: Steps) -> str:
    """The path that the steps go, as our plans write it."""
    told, name, value = "", "", manifest
    for step in steps:
        told = paths.join(told, step) if isinstance(step, str) else paths.item(told, _label(value, step, name))
        value, name = at(value, (step,)), str(step)
    return told


def _label(items: Any, index: int, name: str) -> object:
    keys = paths.list_keys(name, items)
    return paths.key_label(paths.item_key(items[index], keys)) if keys else index


def without(manifest: Manifest, steps: Steps) -> Manifest:
    """A copy that lacks what the steps lead to; all else is shared with `manifest`."""
    first, rest = steps[0], steps[1:]
    copy: Any = dict(manifest) if isinstance(manifest, Mapping) else list(manifest)
    if rest:
        copy[first] = without(copy[first], rest)
    else:
        del copy[first]
    found: Manifest = copy
    return found


def owners(live: Manifest, manifest: Manifest, steps: Steps) -> list[str]:
    """The managers of `live` that own the field of `manifest` that the steps lead to."""
    entries = paths.managed(live)
    return [str(entry.get("manager", "")) for entry in entries if _owns(entry.get("fieldsV1") or {}, manifest, steps)]


def _owns(owned: paths.Owned, value: Any, steps: Steps) -> bool:
    if not steps:
        return True
    below = _node(owned, value, steps[0])
    if below is None:
        return False
    return (paths.is_leaf(below) and "." not in below) or _owns(below, value[steps[0]], steps[1:])


def _node(owned: paths.Owned, value: Any, step: str | int) -> paths.Owned | None:
    if isinstance(step, str):
        return owned.get(f"f:{step}")
    entry = value[step]
    keyed = (below for key, below in paths.list_nodes(owned) if isinstance(entry, Mapping) and _has_key(entry, key))
    return next(keyed, None)


def _has_key(entry: Mapping[str, Any], key: Mapping[str, Any]) -> bool:
    return paths.item_key(entry, tuple(key)) == dict(key)
