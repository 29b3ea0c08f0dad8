"""The completion scripts are the shell's own language."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_for_mlstack(typed: Callable[..., Any], shell: str) -> None:
    assert "_MLSTACK_COMPLETE" in typed("completion", shell).out


def test_bash_reads_it(typed: Callable[..., Any]) -> None:
    script = typed("completion", "bash").out
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
