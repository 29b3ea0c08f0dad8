"""The pages that stand for simulated pods."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from mlstack.sandbox import config, pages


@pytest.fixture
def ports() -> Iterator[dict[int, int]]:
    with ExitStack() as held:
        other, known = config.free_ports(2, held)
    servers = pages.serve("gke", {0: other, 8000: known}, lambda port: ["ml/<hub>"] if port == 8000 else [])
    yield {0: other, 8000: known}
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(port: int, method: str = "GET", path: str = "/", **headers: str) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path, b"body" if method == "POST" else None, headers)
    answer = connection.getresponse()
    return answer, answer.read().decode()


def test_a_known_port_names_its_pods(ports: dict[int, int]) -> None:
    answer, text = ask(ports[8000])
    assert answer.status == 200
    assert "port 8000" in text
    assert "ml/&lt;hub&gt;" in text
    assert "gke" in text


def test_any_other_port_answers_too(ports: dict[int, int]) -> None:
    assert "a port of a simulated pod" in ask(ports[0])[1]


@pytest.mark.parametrize(("path", "headers"), [("/v1/models/a", {}), ("/", {"Accept": "application/json"})])
def test_json(path: str, headers: dict[str, str], ports: dict[int, int]) -> None:
    answer, text = ask(ports[8000], path=path, **headers)
    facts = json.loads(text)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert (facts["simulated"], facts["port"], facts["pods"], facts["path"]) == (True, 8000, ["ml/<hub>"], path)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_every_answer_has_a_length_and_keeps_the_connection(method: str, ports: dict[int, int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", ports[8000], timeout=5)
    for _ in range(2):
        connection.request(method, "/hub", b"body" if method in ("POST", "PUT") else None)
        answer = connection.getresponse()
        assert answer.status == 200
        assert int(answer.headers["Content-Length"]) > 100
        assert bool(answer.read()) == (method != "HEAD")
