"""The global options, from the command line and the environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlstack.cli.settings import Settings

Typed = Callable[..., Any]


def test_the_app_is_found_from_a_folder_inside(sample: Any) -> None:
    assert Settings(app=str(sample.root / "components")).project().root == sample.root


def test_the_app_can_be_named_from_anywhere(
    typed: Typed, sample: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert typed("component", "list").code == 1
    assert typed("component", "list", "--app", str(sample.root)).code == 0
    monkeypatch.setenv("MLSTACK_APP", str(sample.root))
    assert typed("component", "list").code == 0


def test_the_kubeconfig_can_be_named(typed: Typed, sample: Any, tmp_path: Path) -> None:
    seen = typed("env", "pin", "gke", "--kubeconfig", str(tmp_path / "none"))
    assert (seen.code, str(tmp_path / "none") in seen.err) == (1, True)
