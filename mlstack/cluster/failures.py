"""What a cluster can answer instead of what was asked for, as errors that a caller can tell apart."""

from __future__ import annotations

from dataclasses import dataclass

from mlstack.errors import MlstackError


@dataclass(frozen=True)
class Cause:
    """One cause of a refusal: the field (".spec.replicas"), the server's words, and who owns the field, if told."""

    field: str
    message: str
    manager: str = ""


class KubeconfigError(MlstackError):
    """The kubeconfig or the context in it cannot be used."""


class ClusterError(MlstackError):
    """The API server did not do what was asked.

    `status` is its HTTP code (0: no answer), `causes` are its reasons field by field. `retryable` says that the same
    request may succeed a little later without anybody doing anything.
    """

    retryable = False

    def __init__(self, message: str, hint: str = "", *, status: int = 0, causes: tuple[Cause, ...] = ()) -> None:
        super().__init__(message, hint)
        self.status = status
        self.causes = causes


class UnreachableError(ClusterError):
    """No answer: refused, unknown host, timed out, or a certificate that is not trusted."""


class UnauthorizedError(ClusterError):
    """401: the server does not accept the credentials of the context."""


class ForbiddenError(ClusterError):
    """403: the context's user may not do this."""


class DeniedError(ClusterError):
    """An admission check refused the object: a webhook, a policy, a quota, Pod Security."""


class NotFoundError(ClusterError):
    """404. `kind` and `name` are what is missing (a namespace, say); no `kind`: the kind itself is not served."""

    def __init__(self, message: str, hint: str = "", *, status: int = 404, kind: str = "", name: str = "") -> None:
        super().__init__(message, hint, status=status)
        self.kind = kind
        self.name = name


class AlreadyExistsError(ClusterError):
    """409 to a create: an object of that name is there."""


class ConflictError(ClusterError):
    """409: other managers own the fields in `causes`, or (no causes) the object changed or was replaced meanwhile."""


class InvalidError(ClusterError):
    """400, 422, or the 500 of server-side apply for an unknown field: the object itself is wrong. Never retried."""


class GoneError(ClusterError):
    """410: the resource version is too old; list again."""


class TooLargeError(ClusterError):
    """413, or etcd's limit: the object is too large to be stored."""


class WebhookError(ClusterError):
    """The server could not call an admission or conversion webhook; usually because it is still starting."""

    retryable = True


class UnavailableError(ClusterError):
    """429, 503, 504 and other passing troubles of the server, after the retries that it asked for."""

    retryable = True


class UnservedError(MlstackError):
    """A kind that the cluster does not serve: its CRD is missing, or its aggregated API is down."""
