"""Compiled templates kept between commands; what goes wrong with them costs time only."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from mlstack.app.compiled import CompiledTemplates, compiled_templates


def rendered(cache: jinja2.BytecodeCache | None, text: str) -> str:
    loader = jinja2.DictLoader({"a": text})
    return jinja2.Environment(loader=loader, bytecode_cache=cache, autoescape=True).get_template("a").render(x=1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLSTACK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_they_are_kept_by_their_text(folder: Path) -> None:
    assert [rendered(compiled_templates(), text) for text in ("{{ x }}", "{{ x }}!", "{{ x }}")] == ["1", "1!", "1"]
    assert len(list(folder.rglob("*.cache"))) == 1  # one file per template, its text's digest inside


def test_a_file_that_is_broken_is_compiled_anew(folder: Path) -> None:
    rendered(compiled_templates(), "{{ x }}")
    for path in folder.rglob("*.cache"):
        path.write_bytes(b"nonsense")
    assert rendered(compiled_templates(), "{{ x }}") == "1"


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MLSTACK_CACHE_DIR", str(tmp_path / "file" / "below"))
    assert compiled_templates() is None
    assert rendered(None, "{{ x }}") == "1"


def test_a_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    assert rendered(CompiledTemplates(str(tmp_path / "gone")), "{{ x }}") == "1"
