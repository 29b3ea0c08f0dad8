"""Answers of the API server as errors: those that a test server does not give on demand."""

from __future__ import annotations

import json
import ssl

import pytest

from mlstack.cluster import failures
from mlstack.cluster.translate import Asked, from_status, from_transport
from mlstack.cluster.wire import NoAnswerError

ASKED = Asked("apply", "deployments/web in namespace a", "gke", "https://gke:6443")
SECRET = Asked("apply", "secrets/web in namespace a", "gke", "https://gke:6443", secret=True)
QUOTA = 'pods "a" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
FORBIDDEN = 'deployments.apps "web" is forbidden: User "eve" cannot patch resource "deployments" in API group "apps"'


@pytest.mark.parametrize(
    ("status", "message", "kind", "retryable"),
    [
        (401, "Unauthorized", failures.UnauthorizedError, False),
        (403, FORBIDDEN + ' in the namespace "a"', failures.ForbiddenError, False),
        (403, QUOTA, failures.DeniedError, False),
        (422, 'admission webhook "x.y" denied the request: no', failures.DeniedError, False),
        (404, "the server could not find the requested resource", failures.NotFoundError, False),
        (410, "too old resource version", failures.GoneError, False),
        (413, "Request entity too large", failures.TooLargeError, False),
        (500, "etcdserver: request is too large", failures.TooLargeError, False),
        (500, 'failed calling webhook "x": connect: connection refused', failures.WebhookError, True),
        (500, 'failed calling webhook "x": expected response.uid="1", got ""', failures.WebhookError, False),
        (500, ".spec.replicaz: field not declared in schema", failures.InvalidError, False),
        (500, "something else", failures.UnavailableError, True),
        (503, "the server is currently unable to handle the request", failures.UnavailableError, True),
        (418, "I am a teapot", failures.ClusterError, False),
    ],
)
def test_kind_of_error(status: int, message: str, kind: type[failures.ClusterError], retryable: bool) -> None:
    error = from_status(status, json.dumps({"kind": "Status", "message": message}).encode(), ASKED)
    assert (type(error), error.status, error.retryable) == (kind, status, retryable)


def test_forbidden_says_who_and_what_is_missing() -> None:
    body = json.dumps({"message": FORBIDDEN + ' in the namespace "a"'}).encode()
    assert str(from_status(403, body, ASKED)) == (
        "User 'eve' of context 'gke' may not apply deployments/web in namespace a. "
        "Ask the cluster's owner for: verb 'patch' on deployments of API group apps in the namespace 'a'."
    )


def test_values_of_a_secret_are_hidden() -> None:
    message = 'Secret "web" is invalid: data[key]: Invalid value: "hunter2": bad; type: Invalid value: hunter2'
    error = from_status(422, json.dumps({"message": message}).encode(), SECRET)
    assert "hunter2" not in str(error)
    assert "data[key]" in str(error)


def test_causes_of_a_secret_are_hidden_too() -> None:
    cause = {"field": "data[key]", "message": 'Invalid value: "hunter2": bad'}
    error = from_status(422, json.dumps({"message": "no", "details": {"causes": [cause]}}).encode(), SECRET)
    assert [(item.field, "hunter2" in item.message) for item in error.causes] == [("data[key]", False)]


def test_an_answer_that_is_not_of_an_api_server() -> None:
    error = from_status(502, b"<html>" + b"x" * 5000, ASKED)
    assert len(str(error)) < 500


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "does not answer: connection refused."),
        (TimeoutError("x"), "does not answer: timed out."),
        (ssl.SSLError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"), "not trusted"),
    ],
)
def test_no_answer(cause: OSError, said: str) -> None:
    wrapped = NoAnswerError("Connection aborted.")
    wrapped.__cause__ = cause
    error = from_transport(wrapped, ASKED)
    assert isinstance(error, failures.UnreachableError)
    assert said in error.message
    assert "'gke' (https://gke:6443)" in error.message
