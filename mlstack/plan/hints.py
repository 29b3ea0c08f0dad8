"""Which parameter could change what a reason complains about, with its value and place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from mlstack.compose.layers import Setting
from mlstack.plan.fit.fit import Fit
from mlstack.plan.fit.topics import topic_of
from mlstack.plan.reasons import Reason

# Names of parameters, the likeliest first, by topic, for a resource by its name. Prefixes such as hub_ are tried too.
CANDIDATES: Mapping[str, tuple[str, ...]] = {
    "cpu": ("cpu", "cpu_limit"),
    "memory": ("memory", "memory_limit", "memory_guarantee"),
    "gpu": ("num_gpus", "gpus"),
    "pods": ("num_workers",),
    "storage": ("storage", "db_storage"),
    "taint": ("spot", "tolerations"),
    "selector": ("accelerator_type", "spot", "node_selector"),
    "volume": ("storage_class", "storage", "data_pvc"),
}

SPOT = ("spot", "preemptible")  # in the keys of spot nodes' taints


def hint(reason: Reason, settings: Mapping[str, Setting]) -> str:
    """ "num_gpus = 16 at environments/gke.yaml:14", or "" where no parameter is known to matter."""
    if missing := SECRET.search(reason.text):
        return _secret_hint(missing[1] or missing[3], missing[2] or "", settings)
    if reason.topic in ("image", "volume") and (exact := _by_value(reason.value, settings)):
        return exact
    found = [
        setting
        for name in _names(reason)
        for known, setting in settings.items()
        if known == name or known.endswith(f"_{name}")
    ]
    said = [setting for setting in found if setting.place]
    if reason.topic == "selector" or (reason.topic == "taint" and not reason.value):
        return "; ".join(map(told, said))  # any of them, or something else where none is said
    return "; ".join(map(told, (said or found)[:1]))


def hint_of_fit(found: Fit, settings: Mapping[str, Setting]) -> str:
    """The parameter that could change that pods do not fit, with its place; "" where none is known to matter."""
    return hint(Reason(" ", *topic_of(found)), settings)


def _names(reason: Reason) -> Sequence[str]:
    """Parameters that may matter; of a taint that is known, the one that lets the pods onto such nodes."""
    names = CANDIDATES.get(_subject(reason), ())
    if reason.topic == "taint" and reason.value:
        return names[:1] if any(word in reason.value for word in SPOT) else names[1:]
    return names


def _subject(reason: Reason) -> str:
    if reason.topic != "resource":
        return reason.topic
    return "gpu" if "/" in reason.value else reason.value


# What the kubelet says of a Secret that is not there, and of a key that it lacks (pkg/kubelet/kubelet_pods.go).
SECRET = re.compile(r"secret \"([^\"]+)\" not found|couldn't find key (\S+) in Secret [^/\s]+/(\S+)")


def _secret_hint(name: str, key: str, settings: Mapping[str, Setting]) -> str:
    """The parameter that refers to a Secret, and the command that makes it."""
    for setting in settings.values():
        for own_name, own_key in _references(setting.value):
            if own_name == name and key in ("", own_key):
                return f"{told(setting)}; mlstack secret set ENV {name} {own_key}"
    return f"mlstack secret set ENV {name} {key or 'KEY'}"


def _references(value: object) -> Iterator[tuple[str, str]]:
    """The (name, key) of Secrets that a value may mean."""
    if isinstance(value, Mapping):
        if value.keys() == {"name", "key"}:
            yield str(value["name"]), str(value["key"])
        else:
            yield from (found for below in value.values() for found in _references(below))
    elif isinstance(value, str):
        name, _, key = value.partition("/")
        yield name, key or "KEY"


def _by_value(value: str, settings: Mapping[str, Setting]) -> str:
    """The parameter that is this image or claim, or leads into the claim."""
    known = (setting for setting in settings.values() if _means(setting.value, value))
    return next(map(told, known), "") if value else ""


def _means(said: object, value: str) -> bool:
    return said == value or (isinstance(said, str) and said.startswith((f"pvc://{value}/", f"pvc://{value}?")))


def told(setting: Setting) -> str:
    """A parameter with its value and where that was said."""
    where = str(setting.place) if setting.place else "the prototype's default"
    return f"{setting.name} = {_plain(setting.value)}, {'at ' if setting.place else ''}{where}"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping) and value.keys() == {"name", "key"}:
        return f"{value['name']}/{value['key']}"
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False)
    return '""' if value == "" else "null" if value is None else str(value)


def with_hint(reason: Reason, settings: Mapping[str, Setting]) -> str:
    """The reason's text, with the parameter that could change it in brackets."""
    found = hint(reason, settings)
    return f"{reason.text} ({found})" if found and reason.text else reason.text
