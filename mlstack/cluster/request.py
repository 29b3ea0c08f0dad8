"""One request to an API server as data: what is sent, and the words for it in counts and errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlencode

JSON = "application/json"
APPLY_PATCH = "application/apply-patch+yaml"
ANSWER_SECONDS = 60.0

_ACTIONS = {
    "POST": "create",
    "PATCH": "change",
    "PUT": "update",
    "DELETE": "delete",
    "GET": "read",
    "LIST": "list",
    "WATCH": "watch",
}


@lru_cache(maxsize=64)
def _encoded(query: tuple[tuple[str, Any], ...]) -> str:
    """A query as it is sent. Hundreds of applies have the same one, and encoding it takes longer than all our rest."""
    return urlencode(query)


@dataclass(frozen=True)
class Request:
    """`path` is below the server's address; `timeout` is seconds without a byte of the answer (None: no limit).

    `repeatable` says whether it may be sent again when the connection broke in the middle; by default all may but POST
    (server-side apply and deletes with a UID come out the same when sent twice).
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = JSON
    accept: str = JSON
    repeatable: bool | None = None
    timeout: float | None = ANSWER_SECONDS

    @property
    def target(self) -> str:
        """Path and query as they stand in the request line."""
        return f"{self.path}?{_encoded(tuple(self.query.items()))}" if self.query else self.path

    @property
    def may_repeat(self) -> bool:
        """Whether sending it twice does the same as once."""
        return self.method != "POST" if self.repeatable is None else self.repeatable

    @property
    def headers(self) -> dict[str, str]:
        """The headers that say what is sent and wanted."""
        wanted = {"Accept": self.accept}
        return wanted if self.body is None else {**wanted, "Content-Type": self.content_type}

    @cached_property
    def place(self) -> tuple[str, str, str, str]:
        """(namespace, plural, name, subresource) that the path names; the plural of other paths is the path itself."""
        parts = self.path.strip("/").split("/")
        rest = parts[2:] if parts[0] == "api" else parts[3:] if parts[0] == "apis" else []
        if not rest:
            return "", self.path, "", ""
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        plural, name, subresource = [*rest, "", "", ""][:3]
        return namespace, plural, name, subresource

    @property
    def verb(self) -> str:
        """The method, with LIST and WATCH told from GET."""
        if self.method != "GET" or self.place[1] == self.path:
            return self.method
        if self.query.get("watch"):
            return "WATCH"
        return "GET" if self.place[2] else "LIST"

    @property
    def label(self) -> str:
        """What it counts as: "PATCH deployments", "LIST pods", "GET pods/log"."""
        _, plural, _, subresource = self.place
        return f"{self.verb} {plural}/{subresource}" if subresource else f"{self.verb} {plural}"

    @property
    def action(self) -> str:
        """The verb for a sentence: "apply", "list"."""
        return "apply" if self.content_type == APPLY_PATCH and self.body else _ACTIONS.get(self.verb, self.method)

    @property
    def what(self) -> str:
        """The object for a sentence: "deployments/web in namespace a"."""
        namespace, plural, name, subresource = self.place
        thing = "/".join(part for part in (plural, name, subresource) if part)
        return f"{thing} in namespace {namespace}" if namespace else thing
