"""Sets of parameters drawn by chance from what the descriptions allow, the bounds more often than what lies between."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from mlstack.compose.parameters import Parameter
from tests.compose.test_kubeformats import RIGHT
from tests.prototypes.pairs import KNOWN, SWITCHES, Values, bare, variants
from tests.prototypes.showing import FULLEST, catalogue, refusal, required

NAMESPACE = "namespace"
FREE = ["x", "a b", "ünï 🚀", "--lr=0.1", '{"a": [1, 2]}', "$(POD_NAME)", "#", "- a", "yes", "1e3"]
MANY = 40  # processes: the bound itself makes objects of megabytes
TOLERATIONS: list[dict[str, Any]] = [
    {"operator": "Exists"},
    {"key": "example.com/team", "value": "", "effect": "NoSchedule"},
    {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": -1},
    {"key": "a", "operator": "Equal", "value": "x" * 63},
]


class Drawing:
    """Values for the parameters of prototypes, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.refused = 0

    def values(self, prototype: str) -> Values:
        """A set that the prototype takes; what it refuses is drawn again with fewer parameters."""
        parameters = list(catalogue()[prototype].parameters.values())
        for share in (0.4, 0.3, 0.2, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0):
            drawn = {one.name: self.value(one) for one in parameters if self.chance(one, share)}
            values = {**required(prototype), **{name: value for name, value in drawn.items() if value is not None}}
            if not refusal(prototype, FULLEST, values):
                return values
            self.refused += 1
        raise AssertionError(f"{prototype} refuses what it requires alone")

    def chance(self, parameter: Parameter, share: float) -> bool:
        return self.random.random() < share and parameter.name not in (NAMESPACE, *SWITCHES)

    def value(self, parameter: Parameter) -> Any:
        if known := KNOWN.get(bare(parameter.name)):
            return self.random.choice([*known, *([parameter.default] if parameter.default is not None else [])])
        if parameter.format in ("path", "secret", "image", "requirement"):
            return self.random.choice(variants(parameter))
        return self.of(parameter.schema)

    def of(self, schema: Mapping[str, Any]) -> Any:
        """A value that a schema takes."""
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        if "pattern" in schema:
            return None
        declared = schema.get("type", "string")
        return getattr(self, f"_{declared if isinstance(declared, str) else declared[0]}")(schema)

    def _string(self, schema: Mapping[str, Any]) -> str:
        one = self.random.choice(schema.get("anyOf", [schema]))
        if one.get("maxLength") == 0:
            return ""
        texts = RIGHT.get(one.get("format", ""), FREE)
        longest = int(one.get("maxLength", 10**6))
        return str(self.random.choice([text for text in texts if len(text) <= longest] + self.longest(one)))

    def longest(self, schema: Mapping[str, Any]) -> list[str]:
        return ["a" * schema["maxLength"]] if schema.get("maxLength") and schema.get("format") else []

    def _integer(self, schema: Mapping[str, Any]) -> int:
        low, high = schema.get("minimum", -1000), schema.get("maximum", 10**6)
        high = MANY if high == 10000 else high
        return int(self.random.choice([low, low, low + 1, high, high, self.random.randint(low, high)]))

    def _number(self, schema: Mapping[str, Any]) -> float:
        low, high = schema.get("minimum", 0.01), schema.get("maximum", 64)
        return float(self.random.choice([low, high, round(self.random.uniform(low, high), 3)]))

    def _boolean(self, _: Mapping[str, Any]) -> bool:
        return self.random.random() < 0.5

    def _array(self, schema: Mapping[str, Any]) -> list[Any]:
        items = schema.get("items", {})
        if items.get("format") == "toleration":
            return self.random.sample(TOLERATIONS, self.random.randint(0, 3))
        found = [self.of(items) for _ in range(self.random.randint(schema.get("minItems", 0), 4))]
        return list(dict.fromkeys(found)) if schema.get("uniqueItems") else found

    def _object(self, schema: Mapping[str, Any]) -> dict[str, Any] | None:
        inside = schema.get("additionalProperties")
        if not isinstance(inside, Mapping):
            return None
        keys = RIGHT.get(schema.get("propertyNames", {}).get("format", ""), ["a", "b.c", "spark.x"])
        chosen = self.random.sample(keys, self.random.randint(0, min(3, len(keys))))
        if inside.get("format") == "secret-variable":
            return {key: self.random.choice(RIGHT["secret-reference"]) for key in chosen}
        return {key: self.of(inside) for key in chosen}


def drawn_sets(seeds: range) -> Iterator[tuple[int, str, Values]]:
    """(seed, prototype, values) of a set for each seed, the prototypes in turn."""
    names = sorted(catalogue())
    for seed in seeds:
        name = names[seed % len(names)]
        yield seed, name, Drawing(seed).values(name)
