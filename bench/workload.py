"""What is applied: sets of N objects in the same text for every tool, but for the owner's name in them.

Every object carries the labels `bench`, its tool, and `revision`, which says what was applied last; five objects,
spread over all, are those that the case "5 objects changed" changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import mixed

CHANGED = 5
OWNER = "bench"
"""The label that holds the tool's name."""

_CONFIGMAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: setting-{number:05d}
  labels: {{bench: {owner}, revision: "{revision}"}}
data:
  revision: "{revision}"
  endpoint: https://service-{number}.example.com/v1
  options.yaml: |
    retries: {retries}
    timeout_s: 30
    features: [alpha, beta, gamma]
"""

SEPARATOR = "---\n"


@dataclass(frozen=True)
class Texts:
    """A set as YAML: what has to be there before the rest can be applied (definitions of kinds), and the rest."""

    crds: tuple[str, ...]
    objects: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many objects there are in all."""
        return len(self.crds) + len(self.objects)


def configmaps(count: int, revision: int, owner: str) -> Texts:
    """`count` ConfigMaps without a namespace: they go to the tool's own."""
    revisions = revisions_of(count, revision)
    return Texts((), tuple(_configmap(number, owner, revisions[number]) for number in range(count)))


def _configmap(number: int, owner: str, revision: int) -> str:
    return _CONFIGMAP.format(number=number, owner=owner, retries=number % 7, revision=revision)


def revisions_of(count: int, revision: int) -> list[int]:
    """The revision of each of `count` objects: `revision` for five of them, 0 for the rest."""
    step = max(1, count // CHANGED)
    return [revision if number % step == 0 and number < CHANGED * step else 0 for number in range(count)]


def mixture(count: int, revision: int, owner: str) -> Texts:
    """`count` objects of many kinds, in blocks as bench/mixed.py says; those that change are custom resources."""
    blocks = mixed.blocks_of(count)
    resources = mixed.BLOCK["custom resource"]
    revisions = revisions_of(blocks * resources, revision)
    parts = [
        mixed.block(number, owner, revisions[number * resources : (number + 1) * resources]) for number in range(blocks)
    ]
    return Texts(tuple(part.crd for part in parts), tuple(text for part in parts for text in part.objects))


SETS: Mapping[str, Callable[[int, int, str], Texts]] = {"configmaps": configmaps, "mixed": mixture}
"""A set of objects by its name: from how many, the revision and the owner."""

TITLES = {"configmaps": "ConfigMaps", "mixed": "objects of many kinds"}
