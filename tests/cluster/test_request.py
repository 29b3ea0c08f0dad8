"""The words for a request."""

from __future__ import annotations

import pytest

from mlstack.cluster.request import APPLY_PATCH, Request


@pytest.mark.parametrize(
    ("request_", "label", "action", "what"),
    [
        (Request("GET", "/api/v1/pods"), "LIST pods", "list", "pods"),
        (Request("GET", "/api/v1/namespaces/a/pods"), "LIST pods", "list", "pods in namespace a"),
        (Request("GET", "/api/v1/namespaces/a/pods/b"), "GET pods", "read", "pods/b in namespace a"),
        (Request("GET", "/api/v1/namespaces/a"), "GET namespaces", "read", "namespaces/a"),
        (Request("GET", "/api/v1/namespaces"), "LIST namespaces", "list", "namespaces"),
        (Request("GET", "/apis/apps/v1/deployments", {"watch": "true"}), "WATCH deployments", "watch", "deployments"),
        (Request("GET", "/api/v1/namespaces/a/pods/b/log"), "GET pods/log", "read", "pods/b/log in namespace a"),
        (Request("POST", "/apis/batch/v1/namespaces/a/jobs"), "POST jobs", "create", "jobs in namespace a"),
        (Request("PATCH", "/api/v1/nodes/n", body=b"{}"), "PATCH nodes", "change", "nodes/n"),
        (Request("PATCH", "/api/v1/nodes/n", {}, b"{}", APPLY_PATCH), "PATCH nodes", "apply", "nodes/n"),
        (Request("DELETE", "/api/v1/nodes/n"), "DELETE nodes", "delete", "nodes/n"),
        (Request("GET", "/api"), "GET /api", "read", "/api"),
        (Request("GET", "/version"), "GET /version", "read", "/version"),
    ],
)
def test_words(request_: Request, label: str, action: str, what: str) -> None:
    assert (request_.label, request_.action, request_.what) == (label, action, what)


def test_target_and_repeats() -> None:
    assert Request("GET", "/api/v1/pods", {"labelSelector": "a=b,c", "limit": 5}).target == (
        "/api/v1/pods?labelSelector=a%3Db%2Cc&limit=5"
    )
    assert Request("GET", "/api").target == "/api"
    assert [Request(method, "/x").may_repeat for method in ("GET", "PATCH", "DELETE", "POST")] == [True] * 3 + [False]
    assert Request("POST", "/x", repeatable=True).may_repeat
