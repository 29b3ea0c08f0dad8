"""Every definition is found, is of the kind that it stands for, and is the pinned module's."""

from __future__ import annotations

import pytest

from tests.upstream.crds import FILES, FOLDER, TRAINING, Upstream, folder


@pytest.mark.parametrize("kind", FILES)
def test_a_definition_is_that_of_its_kind(kind: str) -> None:
    assert Upstream()[kind]["spec"]["names"]["kind"] == kind


def test_modules_are_of_the_versions_that_are_pinned() -> None:
    pinned = dict(line.split() for line in (FOLDER / "go.mod").read_text().splitlines() if line.startswith("\t"))
    sources = {source for source, _ in FILES.values()} - {TRAINING}
    assert set(pinned) == sources
    for module, version in pinned.items():
        assert folder(module).name.endswith(f"@{version}"), module
