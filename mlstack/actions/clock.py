"""The time as it is stored in the cluster."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """RFC 3339, UTC, seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
