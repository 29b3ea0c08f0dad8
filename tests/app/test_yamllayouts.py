"""Edits in files as people lay them out: what is not the entry stays, byte for byte, and an undone edit leaves nothing.

The layouts are made by chance from their seed; the quick test tries some of those that the slow one tries.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlstack.app import nested, yamlfile
from mlstack.app.yamlfile import YamlFile
from tests.app.layouts import VALUES, Layout

FILE = Path("/app/environments/gke.yaml")


@pytest.fixture(autouse=True)
def no_rewriting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is written anew as a whole loses its layout."""

    def refuse(text: str, _: Any) -> str:
        raise AssertionError(f"the whole file would be written anew:\n{text}")

    monkeypatch.setattr(yamlfile, "_rewritten", refuse)


def loaded(text: str) -> YamlFile:
    return YamlFile(FILE, "environments/gke.yaml", "Environment", text, text.encode())


def around(one: str, other: str) -> tuple[int, int]:
    """How long the same beginning and the same end of two texts are; together at most as long as the shorter."""
    most = min(len(one), len(other))
    first = next((at for at in range(most) if one[at] != other[at]), most)
    last = next((at for at in range(most - first) if one[-1 - at] != other[-1 - at]), most - first)
    return first, last


def own_comments(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines() if line.strip().startswith("# own")}


def try_layout(seed: int, keys: int) -> int:
    """Tries edits of `keys` entries in one layout; their number."""
    layout = Layout(seed)
    text = layout.bom + layout.text
    return sum(1 for _ in (*new_entries(layout, text, keys), *there_already(layout, text)))


def new_entries(layout: Layout, text: str, count: int) -> Iterator[None]:
    for path in layout.fresh(count):
        file = loaded(text)
        value = layout.chosen(*VALUES)
        file.set(path, value)
        assert nested.same(file.get(*path), value)
        first, last = around(text, file.text)
        assert first + last == len(text), f"more than an insertion of {path}:\n{text}\n=>\n{file.text}"
        again = loaded(file.text)
        assert again.unset(path)
        assert again.text == text, f"not undone, {path}:\n{text}\n=>\n{file.text}\n=>\n{again.text}"
        yield


def there_already(layout: Layout, text: str) -> Iterator[None]:
    for path in layout.leaves:
        file = loaded(text)
        former = file.get(*path)
        assert file.unset(path)
        assert not file.has(*path)
        first, last = around(text, file.text)
        assert first + last >= len(file.text), f"more than a removal of {path}:\n{text}\n=>\n{file.text}"
        assert own_comments(file.text) == own_comments(text), f"a comment went with {path}:\n{text}\n=>\n{file.text}"
        file = loaded(text)
        file.set(path, "other")
        assert file.get(*path) == "other" != former
        assert text.count("#") == file.text.count("#") + str(former).count("#")
        yield


@pytest.mark.parametrize("block", range(3))
def test_an_edit_leaves_all_else_as_it_stands(block: int) -> None:
    assert sum(try_layout(seed, 2) for seed in range(block * 10, block * 10 + 10)) > 60


@pytest.mark.slow
def test_thousands_of_edits_in_hundreds_of_layouts() -> None:
    tried = sum(try_layout(seed, 7) for seed in range(300))
    print(f"{tried} edits in 300 layouts, seeds 0 to 299")
    assert tried >= 2000
