"""Processes are told apart, found by program and folder, and ended for good."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlstack.sandbox import processes

STUBBORN = "trap '' TERM; while :; do sleep 0.1; done"


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process called etcd that mentions the sandbox's folder: a copy of sleep would not take its words, so of sh."""
    program = tmp_path / "etcd"
    shutil.copy(shutil.which("sh") or "/bin/sh", program)
    process = subprocess.Popen([program, "-c", STUBBORN, f"--data-dir={tmp_path}/box/etcd"])
    yield process
    process.kill()
    process.wait()


def test_lookup_of_ourselves() -> None:
    found = processes.lookup(os.getpid())
    assert found is not None
    assert found.alive()
    assert not dataclasses.replace(found, started="another time").alive()


def test_a_process_that_ended_is_none() -> None:
    process = subprocess.Popen(["true"])
    assert processes.wait_until(lambda: processes.lookup(process.pid) is None, 5)  # a zombie: not waited for yet
    process.wait()
    assert processes.lookup(process.pid) is None


def test_owned_by_program_and_folder(etcd: subprocess.Popen[bytes], tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60", "--", f"{tmp_path}/box/x"]) as stranger:
        assert [found.pid for found in processes.owned(tmp_path / "box")] == [etcd.pid]
        assert processes.owned(tmp_path / "bo") == []
        assert processes.owned(tmp_path / "other") == []
        stranger.kill()


def test_end_is_for_good(etcd: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GONE_S", 0.3)
    processes.end_all(tmp_path / "box")
    assert processes.owned(tmp_path / "box") == []
    assert etcd.wait() == -signal.SIGKILL


def test_end_leaves_another_process_with_the_same_number(etcd: subprocess.Popen[bytes]) -> None:
    found = processes.lookup(etcd.pid)
    assert found is not None
    processes.kill([dataclasses.replace(found, started="long ago")])
    assert etcd.poll() is None


def test_a_python_goes_by_its_module() -> None:
    command = ("/usr/bin/python3", "-m", processes.SUPERVISOR, "/x")
    assert processes.Process(1, "0", command).program == processes.SUPERVISOR
    assert processes.Process(1, "0", ("/x/bin/kube-apiserver", "--a")).program == "kube-apiserver"


def test_ps_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("ps") is None:
        monkeypatch.setattr(processes, "PROC", Path("/proc"))
    found = processes._from_ps(os.getpid()) if shutil.which("ps") else processes._from_proc(os.getpid())
    assert found is not None
    assert found.pid == os.getpid()


def test_spawn_outlives_and_logs(tmp_path: Path) -> None:
    process = processes.spawn(
        ["sh", "-c", "echo hello; ps -o sid= -p $$ 2>/dev/null"], tmp_path / "l" / "log", tmp_path
    )
    assert process.wait() == 0 or (tmp_path / "l" / "log").exists()
    assert (tmp_path / "l" / "log").read_text().startswith("hello\n")
