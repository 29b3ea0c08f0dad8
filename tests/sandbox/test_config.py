"""kwokctl's configuration."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from mlstack.errors import MlstackError
from mlstack.sandbox import config, pages


def test_ports_are_free_different_and_below_the_ephemeral_ones() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert not config.is_free(taken.getsockname()[1])
    with ExitStack() as held:
        own, listeners = config.choose_ports(held)
    ports = [*own.values(), *listeners.values()]
    assert len(set(ports)) == len(ports) == 6 + 1 + len(pages.KNOWN_PORTS)
    assert all(port in config.PORTS and port < 32_768 for port in ports)


def test_who_chooses_at_the_same_time_gets_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "PORTS", range(20_000, 20_040))
    with ExitStack() as first, ExitStack() as second:
        some = config.free_ports(20, first)
        assert not set(some) & set(config.free_ports(10, second))
        with pytest.raises(MlstackError, match="no 30 free ports"):
            config.free_ports(30, second)
    with ExitStack() as held:
        assert len(config.free_ports(30, held)) == 30, "given back"


def test_only_loopback() -> None:
    options = config.kwokctl({"kubeApiserverPort": 20_001})["options"]
    assert options["bindAddress"] == "127.0.0.1"
    assert options["kubeApiserverPort"] == 20_001


def test_a_restarted_scheduler_waits_for_no_lease() -> None:
    patches = {patch["name"]: patch["extraArgs"] for patch in config.kwokctl({})["componentsPatches"]}
    # Not with kwokctl's `override`, which only changes an argument that is there already.
    assert patches["kube-scheduler"] == [{"key": "leader-elect", "value": "false"}]
    assert patches["kube-controller-manager"] == patches["kube-scheduler"]


def test_forwards_have_one_listener_for_all_other_ports(tmp_path: Path) -> None:
    text = config.text({}, {0: 20_000, 8000: 20_001}, tmp_path / "log")
    documents = {document["kind"]: document for document in yaml.safe_load_all(text)}
    assert documents["ClusterPortForward"]["spec"]["forwards"] == [
        {"target": {"address": "127.0.0.1", "port": 20_000}},
        {"ports": [8000], "target": {"address": "127.0.0.1", "port": 20_001}},
    ]
    assert documents["ClusterLogs"]["spec"]["logs"][0]["logsFile"] == str(tmp_path / "log")
    assert "Stage" in documents


def test_the_log_line_is_in_the_format_of_container_runtimes() -> None:
    line = config.LOG_LINE.format(time="2026-11-23T07:18:31.000000000Z", name="a")
    time, stream, tag, text = line.rstrip("\n").split(" ", 3)
    assert (stream, tag) == ("stdout", "F")
    assert time.endswith("Z")
    assert "sandbox a" in text
