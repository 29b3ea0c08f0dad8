"""What a check finds: one `Look` per thing that was looked at, with the `Finding` where something is in the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# The topics of a check, in the order in which they are told.
TOPICS = (
    "cluster",
    "namespace",
    "rights",
    "kinds",
    "operators",
    "storage",
    "quotas",
    "Secrets, ConfigMaps",
    "accounts",
    "classes",
    "queues",
    "Pod Security",
    "nodes",
)
(
    CLUSTER,
    NAMESPACE,
    RIGHTS,
    KINDS,
    OPERATORS,
    STORAGE,
    QUOTAS,
    REFERENCES,
    ACCOUNTS,
    CLASSES,
    QUEUES,
    SECURITY,
    NODES,
) = TOPICS

OK, WARNING, ERROR, UNSEEN = "ok", "warning", "error", "cannot see"
FEW = 4  # things that a row names; the rest are counted


@dataclass(frozen=True)
class Finding:
    """What is in the way: `problem` and `advice` are a sentence each. `certain`: an error; else it may come."""

    problem: str
    advice: str = ""
    certain: bool = True

    @property
    def severity(self) -> str:
        """ "error" or "warning"."""
        return ERROR if self.certain else WARNING

    def __str__(self) -> str:
        return f"{self.problem} {self.advice}".rstrip()


@dataclass(frozen=True)
class Look:
    """One thing that was looked at. `unseen` says why it could not be judged, "" where it could.

    `missing`: kinds, namespaces and names of the objects whose absence is all that the finding is about.
    """

    topic: str
    what: str
    finding: Finding | None = None
    unseen: str = ""
    missing: tuple[tuple[str, str, str], ...] = ()

    @property
    def state(self) -> str:
        """ok, warning, error, or "cannot see"."""
        if self.finding is not None:
            return self.finding.severity
        return UNSEEN if self.unseen else OK


@dataclass(frozen=True)
class Row:
    """A topic as a line: its worst state, and what was looked at."""

    topic: str
    state: str
    what: str


def findings(looks: Iterable[Look]) -> list[Finding]:
    """What is in the way, each once, errors first, in the order of the topics."""
    found = (look.finding for look in sorted(looks, key=lambda look: TOPICS.index(look.topic)))
    return sorted(dict.fromkeys(one for one in found if one is not None), key=lambda one: not one.certain)


def rows(looks: Sequence[Look]) -> list[Row]:
    """A row for each topic about which there was anything to look at."""
    return [_row(topic, own) for topic in TOPICS if (own := [look for look in looks if look.topic == topic])]


def _row(topic: str, looks: Sequence[Look]) -> Row:
    worst = min((look.state for look in looks), key=(ERROR, WARNING, UNSEEN, OK).index)
    if worst == OK:
        return Row(topic, OK, some([look.what for look in looks]))
    if worst == UNSEEN:
        return Row(topic, UNSEEN, "; ".join(dict.fromkeys(look.unseen for look in looks if look.unseen)))
    return Row(topic, worst, some([look.what for look in looks if look.state == worst]))


def some(names: Iterable[str]) -> str:
    """The first few names, each once, and how many more there are."""
    known = list(dict.fromkeys(name for name in names if name))
    more = f" and {len(known) - FEW} more" if len(known) > FEW else ""
    return ", ".join(known[:FEW]) + more
