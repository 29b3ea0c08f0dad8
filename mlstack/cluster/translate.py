"""The one place where an answer of the API server, or no answer at all, becomes an error with a sentence."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlstack.cluster import failures
from mlstack.cluster.connection import Connection
from mlstack.cluster.failures import Cause, ClusterError
from mlstack.cluster.request import Request

_FORBIDDEN = re.compile(r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) (?P<rest>.*)', re.DOTALL)
_RESOURCE = re.compile(r'resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"(?P<place>.*)', re.DOTALL)
# Server-side apply says 500 to an object that does not fit its schema: ".spec.replicaz: field not declared in schema".
_MISFIT = re.compile(
    r"failed to create typed patch object|field not declared in schema|unable to convert unstructured object"
)
_MISFIT_FIELD = re.compile(r"(?P<field>\.[^\s:]+): (?P<message>[^\n]+)")
# Go's own view of a typed patch, which says nothing to a user.
_TYPED_PATCH = re.compile(r"failed to create typed patch object \([^)]*\): (?:errors:\s*)?")
_GO_VALUE = re.compile(r"&value\.valueUnstructured\{Value:(.*?)\}")
_STRICT = re.compile(r'(?P<message>(?:unknown|duplicate) field "(?P<field>[^"]+)")')
_MANAGER = re.compile(r'conflict with "(?P<manager>[^"]+)"')
_VALUE = re.compile(r'(Invalid value: |expected \w+, got )(?:"(?:\\.|[^"\\])*"|\S+)')
_DENIED = re.compile(r"admission webhook \S+ denied the request|exceeded quota|violates PodSecurity|denied request")
_WEBHOOK = re.compile(r"failed calling webhook|conversion webhook for")
_ETCD_SIZE = re.compile(r"request is too large|exceeds (?:the )?maximum size")
# What a webhook that is there but wrong says: waiting does not mend it.
_BROKEN_WEBHOOK = re.compile(r"expected response\.|webhook response|invalid url|is not allowed")


@dataclass(frozen=True)
class Asked:
    """What was asked, for the sentence: to `verb` `what` ("deployments/web in namespace a"), and where."""

    verb: str
    what: str
    context: str
    server: str
    secret: bool = False

    @staticmethod
    def of(request: Request, connection: Connection) -> Asked:
        """The words for a request on a connection."""
        secret = request.place[1] == "secrets"
        return Asked(request.action, request.what, connection.context, connection.server, secret)


def from_status(status: int, body: bytes, asked: Asked) -> ClusterError:
    """The error for an HTTP answer of 400 or more."""
    answer = _parse(body)
    message = _hide(_words(answer, body, status), asked)
    details = answer.get("details") if isinstance(answer.get("details"), dict) else None
    error = _judge(status, str(answer.get("reason") or ""), message, details or {}, asked)
    error.causes = tuple(replace(cause, message=_hide(cause.message, asked)) for cause in error.causes)
    return error


def from_transport(error: BaseException, asked: Asked) -> failures.UnreachableError:
    """The error for a request that got no answer."""
    said = _reason(error)
    server = f"The cluster of context {asked.context!r} ({asked.server})"
    if "certificate" in said.lower():
        hint = "Is this still the same cluster? Check certificate-authority in the kubeconfig."
        return failures.UnreachableError(f"{server} shows a certificate that is not trusted: {said}.", hint)
    hint = f"Is it running, and is the network (VPN, proxy) up? Try: kubectl --context {asked.context} version"
    return failures.UnreachableError(f"{server} does not answer: {said}.", hint)


def _hide(message: str, asked: Asked) -> str:
    """The server quotes a value that it does not accept; a Secret's must not be seen."""
    return _VALUE.sub(r"\1(hidden)", message) if asked.secret else message


def _judge(status: int, reason: str, message: str, details: Mapping[str, Any], asked: Asked) -> ClusterError:
    for kind in (_of_words, _of_code):
        found = kind(status, reason, message, details, asked)
        if found:
            return found
    text = f"The API server of context {asked.context!r} failed to {asked.verb} {asked.what} ({status}): {message}"
    retryable = status >= 500
    return failures.UnavailableError(text, status=status) if retryable else ClusterError(text, status=status)


def _of_words(status: int, reason: str, message: str, details: Mapping[str, Any], asked: Asked) -> ClusterError | None:
    """Answers whose meaning stands in the message: their codes say something else, or anything."""
    text = f"Cannot {asked.verb} {asked.what}: {message}"
    if _MISFIT.search(message):
        message = _GO_VALUE.sub(r"\1", _TYPED_PATCH.sub("", message))
        text = f"Cannot {asked.verb} {asked.what}: {message}"
        causes = tuple(Cause(match["field"], match["message"]) for match in _MISFIT_FIELD.finditer(message))
        return failures.InvalidError(text, status=status, causes=causes)
    if _ETCD_SIZE.search(message) or status == 413:
        return failures.TooLargeError(text, "An object holds at most about 1 MiB.", status=status)
    if _WEBHOOK.search(message) and status >= 500:
        error = failures.WebhookError(text, "The webhook's own Service may still be starting.", status=status)
        error.retryable = not _BROKEN_WEBHOOK.search(message)
        return error
    if _DENIED.search(message):
        return failures.DeniedError(text, "The cluster's own rules refuse it.", status=status)
    return None


def _of_code(status: int, reason: str, message: str, details: Mapping[str, Any], asked: Asked) -> ClusterError | None:
    """Answers whose meaning is their code."""
    text = f"Cannot {asked.verb} {asked.what}: {message}"
    match status:
        case 400 | 422:
            return failures.InvalidError(text, status=status, causes=_causes(details) or _strict(message))
        case 401:
            problem = f"The cluster of context {asked.context!r} ({asked.server}) does not accept its credentials."
            return failures.UnauthorizedError(problem, "Log in again, then retry.", status=401)
        case 403:
            return _forbidden(message, text, asked)
        case 404:
            kind, name = str(details.get("kind") or ""), str(details.get("name") or "")
            return failures.NotFoundError(text, kind=kind, name=name)
        case 409:
            return _conflict(reason, text, details)
        case 410:
            return failures.GoneError(text, status=410)
        case 408 | 429 | 503 | 504:
            busy = f"The API server of context {asked.context!r} has no time to {asked.verb} {asked.what}: {message}"
            return failures.UnavailableError(busy, "Retry in a minute.", status=status)
    return None


def _forbidden(message: str, text: str, asked: Asked) -> ClusterError:
    match = _FORBIDDEN.search(message)
    if not match:  # a 403 that is not about permissions comes from admission: quotas, policies, Pod Security
        return failures.DeniedError(text, "The cluster's own rules refuse it.", status=403)
    resource = _RESOURCE.search(match["rest"])
    problem = f"User {match['user']!r} of context {asked.context!r} may not {asked.verb} {asked.what}."
    if not resource:
        return failures.ForbiddenError(problem, f"Missing: {match['verb']} {match['rest']}.", status=403)
    group = f" of API group {resource['group']}" if resource["group"] else ""
    need = f"verb {match['verb']!r} on {resource['resource']}{group}{resource['place']}".replace('"', "'")
    return failures.ForbiddenError(problem, f"Ask the cluster's owner for: {need}.", status=403)


def _conflict(reason: str, text: str, details: Mapping[str, Any]) -> ClusterError:
    if reason == "AlreadyExists":
        return failures.AlreadyExistsError(text, status=409)
    return failures.ConflictError(text, status=409, causes=_causes(details))


def _causes(details: Mapping[str, Any]) -> tuple[Cause, ...]:
    return tuple(_cause(item) for item in details.get("causes") or [] if isinstance(item, dict))


def _cause(item: Mapping[str, Any]) -> Cause:
    message = str(item.get("message") or "")
    manager = _MANAGER.search(message)
    return Cause(str(item.get("field") or ""), message, manager["manager"] if manager else "")


def _strict(message: str) -> tuple[Cause, ...]:
    return tuple(Cause(match["field"], match["message"]) for match in _STRICT.finditer(message))


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _words(answer: Mapping[str, Any], body: bytes, status: int) -> str:
    said = str(answer.get("message") or "").strip()
    # Something else than an API server may have answered (a proxy's HTML page): a little of it is enough.
    return said or body[:200].decode("utf-8", "replace").strip() or f"HTTP {status}"


def _reason(error: BaseException) -> str:
    """The innermost cause in plain words: what carries the request wraps the operating system's error."""
    inner: BaseException = error
    while True:
        nested = inner.__cause__ or getattr(inner, "original_error", None) or getattr(inner, "reason", None)
        if not isinstance(nested, BaseException) or nested is inner:
            break
        inner = nested
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"certificate verify failed ({inner.verify_message.rstrip('.')})"
    if isinstance(inner, TimeoutError):
        return "timed out"
    said = getattr(inner, "strerror", None) or re.sub(r"^<?[\w.]+\(?.*?\)?>?: ", "", str(inner))
    return str(said or type(inner).__name__).rstrip(".").lower()
