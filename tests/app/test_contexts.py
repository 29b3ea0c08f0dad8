from __future__ import annotations

import pytest

from mlstack.app.contexts import KubeContexts, on_this_machine


@pytest.mark.parametrize(
    ("server", "here"),
    [
        ("https://127.0.0.1:6443", True),
        ("https://localhost:6443", True),
        ("https://[::1]:6443", True),
        ("https://34.1.2.3", False),
        ("https://127.example.com", False),
        ("", False),
    ],
)
def test_a_server_on_this_machine(server: str, here: bool) -> None:
    assert on_this_machine(server) is here


def test_a_kubeconfig_may_be_empty() -> None:
    assert KubeContexts() == KubeContexts((), "", {}, {})
