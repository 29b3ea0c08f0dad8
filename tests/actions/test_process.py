from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mlstack.actions import process


def test_this_process_is_alive_and_says_who_it_is() -> None:
    me = process.this_process()
    assert (me.pid, process.alive(me)) == (os.getpid(), bool(me.machine))
    assert f"(pid {os.getpid()}, mlstack " in process.who()


@pytest.mark.skipif(not process.PROC.exists(), reason="no /proc")
def test_one_that_ended_is_gone_also_as_a_zombie_or_with_a_follower() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        found = replace(process.this_process(), pid=child.pid, started=process.started(child.pid))
        assert process.alive(found)
        assert not process.alive(replace(found, started="1"))  # its id belongs to a later process now
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and nobody has asked yet how
        assert not process.alive(found)
    assert not process.alive(found)


def test_without_proc_nobody_can_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "PROC", tmp_path)
    assert (process.machine(), process.started(os.getpid())) == ("", "")
