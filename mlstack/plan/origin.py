"""Which parameter gave a field of a manifest its value, where that can be told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Manifest
from mlstack.plan.fieldpaths import value_at
from mlstack.plan.hints import told

LAST_NAME = re.compile(r"([A-Za-z][\w-]*)(?:\[[^\]]*\])*$")
COMMON = 10  # integers below it stand in too many places to tell anything by themselves


def origins(fields: Iterable[str], manifest: Manifest, settings: Mapping[str, Setting]) -> list[str]:
    """ "replicas = -1, at environments/gke.yaml:14" for each field whose value came from a parameter, as it seems."""
    found = (_origin(field, _value(manifest, field), settings) for field in fields)
    return list(dict.fromkeys(told(setting) for setting in found if setting is not None))


def _value(manifest: Manifest, field: str) -> Any:
    """The value at a path; validation counts the entries of every list, server-side apply names them by their keys."""
    value: Any = manifest
    for step in re.findall(r"[^.\[\]]+", field):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return value_at(manifest, field)
    return value


def _origin(field: str, value: Any, settings: Mapping[str, Setting]) -> Setting | None:
    """By value, and by name where several parameters have that value, or half the world has it."""
    equal = [setting for setting in settings.values() if _gives(setting.value, value)]
    named = [setting for setting in equal if _named(setting.name, field)]
    if len(equal) == 1 and not _common(value):
        return equal[0]
    return named[0] if len(named) == 1 else None


def _gives(parameter: Any, value: Any) -> bool:
    if parameter in (None, "") or value is None:
        return False
    if isinstance(parameter, bool) or isinstance(value, bool):
        return parameter is value
    return bool(parameter == value) or (isinstance(parameter, int | float) and str(parameter) == value)


def _named(parameter: str, field: str) -> bool:
    """Whether a parameter (num_replicas) is called as the last part of a field (.spec.numReplicas) or the like."""
    match = LAST_NAME.search(field)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", match[1]).lower() if match else ""
    return bool(name) and (name == parameter or name.endswith(f"_{parameter}") or parameter.endswith(f"_{name}"))


def _common(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, int) and abs(value) < COMMON)
