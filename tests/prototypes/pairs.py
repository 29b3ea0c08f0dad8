"""Sets of parameters in which every two values of every two parameters meet at least once.

The values are what the schemas enumerate, and for other types the default and one or more that differ: the
`examples` of the parameter, those of the table below, or what its type suggests. A set that a prototype refuses is
repaired by changing another parameter; what can't be repaired is kept as refused.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any

from mlstack.compose.parameters import Parameter
from mlstack.compose.prototypes import Prototype

Values = dict[str, Any]
Pair = tuple[tuple[str, int], tuple[str, int]]
Accepts = Callable[[Values], bool]

IMPLICIT = ("name", "namespace")
# Turned off they leave nothing for the others to have an effect on: each is off in one set alone.
SWITCHES = ("hub", "operator")
REPAIRS = 60  # tries for a full set before the defaults take its place
PREFIXES = ("hub_", "operator_")
# What a type alone does not suggest, by name (without kubeflow-core's prefixes).
KNOWN: Mapping[str, Sequence[Any]] = {
    "accelerator": ["amd.com/gpu"],
    "accelerator_type": ["l4"],
    "code": ["train"],
    "max_replicas": [3],
    "memory_guarantee": ["2G"],
    "memory_limit": ["4G", "4Gi"],
    "model_dir": ["pvc://models/flowers"],
    "model_path": ["gs://kubeflow-models/inception", "s3://models/flowers", "pvc://models/flowers", "/models/flowers"],
    "notebook_mount": ["/home/ada"],
    "oauth_settings": [{"allowed_organizations": ["acme"]}],
    "pip": [["numpy==2.3.4"]],
    "resolved": [{"for": "max", "num_workers": n, "num_gpus": 2} for n in (5, 6)],
    "s3_endpoint": ["http://minio:9000"],
    "scale": ["max"],
    "secret_env": [{"HF_TOKEN": "hub/token"}],
    "tolerations": [[{"key": "team", "operator": "Exists"}]],
    "version_labels": [{"stable": 1}],
    "versions": [[1, 2]],
}
OAUTH = {
    "oauth_client_id": "hub",
    "oauth_client_secret": {"name": "hub", "key": "secret"},
    "oauth_callback_url": "https://hub.example.com/hub/oauth_callback",
    "allowed_users": ["ada"],
}
# A value of one parameter that needs others beside it: more than one repair would find.
NEEDS: Mapping[tuple[str, str], Values] = {("authenticator", "oauth"): OAUTH}


def bare(name: str) -> str:
    """The name without kubeflow-core's prefix."""
    return next((name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)), name)


def variants(parameter: Parameter) -> list[Any]:
    """The values that are tried: the default (of a required one, its first example) and those that differ."""
    first = [] if parameter.required else [parameter.default]
    told = KNOWN.get(bare(parameter.name)) or parameter.examples or _suggested(parameter)
    found = first + [value for value in told if parameter.problem(value) is None and value not in first]
    assert len(found) > len(first), f"{parameter.name} needs examples: [...] in its prototype.yaml"
    return found


def _suggested(parameter: Parameter) -> list[Any]:
    schema, default = parameter.schema, parameter.default
    if "enum" in schema:
        return list(schema["enum"])
    image = f"registry.example.com/{'train' if parameter.name == 'image' else parameter.name}"
    by_format: dict[str, list[Any]] = {
        "bytes": ["3Gi"],
        "cpu": ["3"],
        "storage": ["3Gi"],
        "image": [f"{image}:1", f"{image}:2"],
        "secret": [{"name": "mine", "key": "word"}],
        "name": ["other"],
    }
    if parameter.format in by_format:
        return by_format[parameter.format]
    if parameter.type in ("integer", "number"):
        return _numbers(schema, default)
    if parameter.type == "array":
        return _lists(schema.get("items", {}))
    if parameter.type == "object":
        return [{"team": "vision"}]
    return [True, False] if parameter.type == "boolean" else ["other", "another"][: 1 + parameter.required]


def _numbers(schema: Mapping[str, Any], default: float | None) -> list[Any]:
    """The least number that is allowed, and one that is not the default."""
    low, high = schema.get("minimum", 0), schema.get("maximum", 10**9)
    near = [(default or low) + 1, (default or low) - 1]
    return [low, *(value for value in near if low < value <= high)][:2]


def _lists(items: Mapping[str, Any]) -> list[Any]:
    if "enum" in items:
        return [[items["enum"][0]], list(items["enum"])]
    by_type: dict[str, Any] = {"integer": [1, 2], "object": [{"key": "team", "operator": "Exists"}]}
    return [by_type.get(str(items.get("type")), ["mine"])]


def all_pairs(domains: Mapping[str, Sequence[Any]]) -> Iterator[Pair]:
    """Every value of a parameter with every value of every other."""
    for a, b in combinations(domains, 2):
        yield from (((a, i), (b, j)) for i in range(len(domains[a])) for j in range(len(domains[b])))


def pairs_of(row: Values, domains: Mapping[str, Sequence[Any]]) -> Iterator[Pair]:
    """The pairs that stand in a set; a value that is none of the parameter's own makes none."""
    indices = {name: list(values).index(row[name]) for name, values in domains.items() if row[name] in values}
    for a, b in combinations(indices, 2):
        yield (a, indices[a]), (b, indices[b])


@dataclass
class Rows:
    """The sets of one prototype, and the pairs that it refuses whatever stands beside them."""

    rows: list[Values]
    refused: set[Pair]
    domains: Mapping[str, Sequence[Any]] = field(repr=False)


def pairwise(prototype: Prototype, accepts: Accepts) -> Rows:
    """Sets of parameters that `accepts` takes and that hold every pair it can take; always the same ones."""
    return _Search(prototype, accepts).found()


class _Search:
    """The greedy search of AETG: sets are filled with what covers most pairs that are still missing."""

    def __init__(self, prototype: Prototype, accepts: Accepts) -> None:
        declared = [one for name, one in prototype.parameters.items() if name not in (*IMPLICIT, *SWITCHES)]
        self.domains = {one.name: variants(one) for one in declared}
        self.switches = prototype.parameters
        self.accepts = accepts
        self.refused: set[Pair] = set()
        self.random = random.Random(prototype.name)
        self.missing = dict.fromkeys(all_pairs(self.domains))

    def found(self) -> Rows:
        rows: list[Values] = []
        while self.missing:
            pair = next(iter(self.missing))
            row = self._accepted(pair)
            if row is None:
                self.refused.add(pair)
                del self.missing[pair]
                continue
            rows.append(row)
            for covered in pairs_of(row, self.domains):
                self.missing.pop(covered, None)
        off = [{**rows[0], name: False} for name in SWITCHES if name in self.switches]
        return Rows([*rows, *off], self.refused, self.domains)

    def _accepted(self, pair: Pair) -> Values | None:
        """A whole set with `pair` that is accepted: filled, else repaired, else the defaults around the pair."""
        for candidate in self._candidates(dict(pair)):
            values = self._values(candidate)
            # What a value needs may have taken the place of one of the pair: then the two never meet.
            if all(values[name] == self.domains[name][index] for name, index in pair) and self.accepts(values):
                return values
        return None

    def _candidates(self, pair: dict[str, int]) -> Iterator[dict[str, int]]:
        row, plain = self._filled(pair), {**dict.fromkeys(self.domains, 0), **pair}
        yield row
        if self.accepts(self._values(plain)):
            yield from islice(self._repairs(row, pair), REPAIRS)
            yield plain
        else:
            yield from self._repairs(plain, pair)

    def _filled(self, pair: dict[str, int]) -> dict[str, int]:
        row = dict(pair)
        rest = [name for name in self.domains if name not in row]
        self.random.shuffle(rest)
        for name in rest:
            indices = list(range(len(self.domains[name])))
            self.random.shuffle(indices)
            row[name] = max(indices, key=lambda index: self._gain(name, index, row))
        return {name: row[name] for name in self.domains}

    def _gain(self, name: str, index: int, row: Mapping[str, int]) -> int:
        order = list(self.domains)
        at = order.index(name)
        pairs = (
            ((name, index), other) if at < order.index(other[0]) else (other, (name, index)) for other in row.items()
        )
        return sum((pair in self.missing) - 1000 * (pair in self.refused) for pair in pairs)

    def _repairs(self, row: dict[str, int], pair: Mapping[str, int]) -> Iterator[dict[str, int]]:
        """The row with one parameter changed that is not of the pair."""
        for name, values in self.domains.items():
            if name not in pair:
                yield from ({**row, name: index} for index in range(len(values)) if index != row[name])

    def _values(self, row: Mapping[str, int]) -> Values:
        values = {name: self.domains[name][index] for name, index in row.items()}
        for name, value in list(values.items()):
            needed = NEEDS.get((bare(name), str(value)), {})
            prefix = name.removesuffix(bare(name))
            for other, content in needed.items():
                if values[prefix + other] in (None, "", [], {}):
                    values[prefix + other] = content
        return values
