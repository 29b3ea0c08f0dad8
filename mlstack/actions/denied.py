"""What a command that only reads was not allowed to see or ask: named instead of an error (decision 48)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mlstack.cluster.kinds import Resource
from mlstack.compose.manifests import Manifest, key_of
from mlstack.plan.inventory import GroupKind, group_kind


@dataclass(frozen=True)
class Denied:
    """Collected while a session reads: no permission to list `kinds`, nor to apply `dry_runs` even as a dry-run."""

    kinds: set[GroupKind] = field(default_factory=set)
    dry_runs: set[GroupKind] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.kinds or self.dry_runs)

    def unlisted(self, resource: Resource) -> None:
        """Remember a kind that the user has no permission to list."""
        self.kinds.add((resource.group, resource.kind))

    def unasked(self, manifest: Manifest) -> None:
        """Remember a kind about whose objects the user has no permission to ask the API server."""
        key = key_of(manifest)
        self.dry_runs.add((key.group, key.kind))

    def leaves(self, manifest: Manifest) -> bool:
        """Whether an object is of a kind that the user has no permission to list."""
        key = key_of(manifest)
        return (key.group, key.kind) in self.kinds

    @property
    def notices(self) -> list[str]:
        """A sentence for each sort."""
        found = []
        if self.kinds:
            found.append(f"No permission to list {_names(self.kinds)}: left out here.")
        if self.dry_runs:
            what = _names(self.dry_runs)
            found.append(
                f"No permission to apply {what}, so that the API server cannot be asked by a dry-run: "
                "an apply may change less than is shown here."
            )
        return found


def _names(kinds: Iterable[GroupKind]) -> str:
    return ", ".join(sorted(group_kind(*kind) for kind in kinds))
