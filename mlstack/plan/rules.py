"""Who decides a field that another manager owns too: the app's rules (`conflicts:` in mlstack.yaml)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mlstack.compose.manifests import Key
from mlstack.compose.places import Place

LEAVE, TAKE = "leave", "take"


@dataclass(frozen=True)
class Rule:
    """For `path` and what is below it, in objects of `kind` ("": of any): `take` it from its owner, or `leave` it."""

    path: str
    rule: str
    kind: str = ""
    place: Place | None = None

    def covers(self, key: Key, path: str) -> bool:
        """Whether this rule speaks of a field (as plans write its path) of an object."""
        if self.kind not in ("", key.kind):
            return False
        pattern = re.escape(self.path.lstrip(".")).replace(r"\[\*\]", r"\[[^\]]*\]")
        return re.match(rf"{pattern}(?=$|[.\[])", path) is not None


def takes(rules: Iterable[Rule], key: Key, path: str) -> bool:
    """Whether a rule says to take this field."""
    return any(rule.rule == TAKE and rule.covers(key, path) for rule in rules)
