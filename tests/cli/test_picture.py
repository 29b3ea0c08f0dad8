"""The picture as text and as SVG."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from mlstack.cli.picture import coloured, picture_text
from mlstack.cli.svg import description, svg
from mlstack.plan.fit.picture import Group, Part, Picture, Use

A, B = ("vision", "training-b"), ("ml", "<probe>")
GROUPS = (
    Group(("a100-0",), "a100", False, True, (Part(Use.HELD, 3, A), Part(Use.HELD, 1, B), Part(Use.TAKEN, 4))),
    Group(("l4-0", "l4-1"), "l4", True, True, (Part(Use.CLOSED, 2),)),
    Group(("l4-2",), "l4", False, True, (Part(Use.TAKEN, 1), Part(Use.FREE, 1))),
    Group(("l4-3",), "l4", False, False, ()),
)
PICTURE = Picture("nvidia.com/gpu", "cnn", 6, 5, GROUPS, ((A, 3), (B, 1)))
LARGE = Picture(
    "nvidia.com/gpu",
    "cnn",
    1,
    0,
    (Group(("a", "b"), "l4", False, True, (Part(Use.HELD, 1), Part(Use.FREE, 199)), summed=True),),
    tuple((("ml", f"train-{number}"), 1) for number in range(5)),
)
TEXT = """\
  a100  a100-0                 [AAAB++++]  4 of 8 free
  l4    l4-0 … l4-1 (2 nodes)  [xx]        4 of 4 free, not for this job, spot
  l4    l4-2                   [+.]        2 of 2 free
  l4    l4-3                   []          no driver or device plugin ready
  A training-b (namespace vision) 3   B <probe> (namespace ml) 1   + cnn may go here (5 of 6 pods)   . free   \
x free, not for cnn"""


def test_text() -> None:
    assert picture_text(PICTURE).plain == TEXT


def test_of_many_devices_each_sign_is_several_and_none_goes_missing() -> None:
    row, legend = picture_text(LARGE).plain.splitlines()
    assert row == f"  l4  a … b (2 nodes)  [#{'.' * 31}]  199 of 200 free"
    named = ", ".join(f"train-{number} (namespace ml) 1" for number in range(3))
    assert legend == f"  # {named} and 2 more 2   . free"


def test_svg_is_accessible_and_runs_nothing() -> None:
    text = svg(PICTURE, "gke & cnn")
    root = ET.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    assert [child.tag.removeprefix(space) for child in root][:2] == ["title", "desc"]
    assert root.findtext(f"{space}title") == "gke & cnn"
    assert root.findtext(f"{space}desc") == description(PICTURE)
    assert {node.tag.removeprefix(space) for node in root.iter()} == {"svg", "title", "desc", "rect", "text", "g"}
    rows = root.findall(f"{space}g")
    assert [len(row.findall(f"{space}rect")) for row in rows] == [8, 2, 2, 0]
    assert rows[0].findtext(f"{space}title") == "a100 a100-0: 4 of 8 free"
    width = float(root.get("width", "0"))
    assert all(float(node.get("x", "0")) < width for node in root.iter(f"{space}text"))


def test_description_says_all_of_it() -> None:
    assert "training-b (namespace vision) holds 3" in description(PICTURE)
    assert "l4 l4-0 … l4-1 (2 nodes): 4 of 4 free, not for this job, spot" in description(PICTURE)


@pytest.mark.parametrize(
    ("no_color", "terminal", "expected"), [("", True, True), ("1", True, False), ("", False, False)]
)
def test_colour(monkeypatch: pytest.MonkeyPatch, no_color: str, terminal: bool, expected: bool) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert coloured() is expected
