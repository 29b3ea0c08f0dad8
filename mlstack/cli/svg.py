"""The picture of a cluster's accelerators as SVG: squares in rows of nodes; readable without colours, no script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from .picture import SIGNS, WIDE, going, letters_of, others, said

if TYPE_CHECKING:
    from mlstack.plan.fit.picture import Group, Part, Picture

CELL, GAP, ROW, EDGE, HEAD = 18, 3, 28, 20, 64  # pixels
LETTER = 7.3  # pixels a letter of the text is wide
FONT = {"font-family": "DejaVu Sans Mono, Menlo, Consolas, monospace", "font-size": "12"}
# Okabe and Ito's colours, which people with any colour vision tell apart; green is the job's own.
PALETTE = ("#e69f00", "#56b4e9", "#cc79a7", "#0072b2", "#d55e00", "#f0e442")
FILLS = {"held": "#999999", "taken": "#009e73", "free": "#ffffff", "closed": "#eeeeee"}
DARK = frozenset({"#0072b2", "#009e73", "#d55e00"})  # a light letter stands on these

Who = tuple[str, str]


def svg(shown: Picture, title: str) -> str:
    """The picture as the text of an SVG file, headed by `title`; each row and sign is said in words too."""
    legend = _legend(shown)
    models = max(len(group.model) for group in shown.groups) * LETTER
    names = models + EDGE + max(len(group.title) for group in shown.groups) * LETTER
    cells = max(min(group.devices, WIDE) for group in shown.groups) * (CELL + GAP)
    words = max(len(said(group)) for group in shown.groups) * LETTER
    longest = max(len(text) for _, _, text in legend) * LETTER + CELL + GAP
    width = round(2 * EDGE + max(names + EDGE + cells + EDGE + words, longest, len(title) * 10))
    height = HEAD + len(shown.groups) * ROW + EDGE // 2 + len(legend) * ROW + EDGE
    root = _root(title, width, height, shown)
    left = EDGE + names + EDGE
    columns = (2 * EDGE + models, left, left + cells + EDGE)
    for at, group in enumerate(shown.groups):
        _row(root, shown, group, HEAD + at * ROW, columns)
    top = HEAD + len(shown.groups) * ROW + EDGE // 2
    for at, (sign, fill, text) in enumerate(legend):
        _cell(root, EDGE, top + at * ROW, sign, fill)
        _text(root, EDGE + CELL + 2 * GAP, top + at * ROW + 14, text)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _root(title: str, width: int, height: int, shown: Picture) -> ET.Element:
    sizes = {"width": str(width), "height": str(height), "viewBox": f"0 0 {width} {height}"}
    named = {"role": "img", "aria-labelledby": "title description"}
    root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **sizes, **named, **FONT})
    ET.SubElement(root, "title", id="title").text = title
    ET.SubElement(root, "desc", id="description").text = description(shown)
    ET.SubElement(root, "rect", width="100%", height="100%", fill="#ffffff")
    heading = {"x": str(EDGE), "y": "36", "font-size": "16", "font-weight": "bold"}
    ET.SubElement(root, "text", heading).text = title
    return root


def description(shown: Picture) -> str:
    """The whole picture in words."""
    rows = [f"{group.model} {group.title}: {said(group)}" for group in shown.groups]
    held = [f"{name} (namespace {namespace}) holds {number}" for (namespace, name), number in shown.holders]
    return ". ".join(text.strip() for text in [*rows, *held]) + "."


def _row(root: ET.Element, shown: Picture, group: Group, top: int, columns: tuple[float, float, float]) -> None:
    """Model, names, squares and words; `columns` are where the last three begin."""
    row = ET.SubElement(root, "g")
    ET.SubElement(row, "title").text = f"{group.model} {group.title}: {said(group)}".strip()
    _text(row, EDGE, top + 14, group.model)
    _text(row, columns[0], top + 14, group.title)
    at = columns[1]
    for part in group.parts:
        number = part.number if group.devices <= WIDE else max(1, part.number * WIDE // group.devices)
        for _ in range(number):
            _cell(row, at, top, *_look(shown, part))
            at += CELL + GAP
    _text(row, columns[2], top + 14, said(group))


def _look(shown: Picture, part: Part) -> tuple[str, str]:
    """The sign and the colour of a part's squares."""
    signs = _holders(shown)
    return signs.get(part.who) or (SIGNS[part.use].replace(".", ""), FILLS[part.use])


def _holders(shown: Picture) -> Mapping[Who, tuple[str, str]]:
    letters = letters_of(shown).items()
    return {who: (letter, PALETTE[at % len(PALETTE)]) for at, (who, (letter, _)) in enumerate(letters)}


def _legend(shown: Picture) -> list[tuple[str, str, str]]:
    """Sign, colour and words."""
    from mlstack.plan.fit.picture import Use

    signs = _holders(shown)
    numbers = dict(shown.holders)
    found = [(*look, f"{who[1]} (namespace {who[0]}) holds {numbers[who]}") for who, look in signs.items()]
    if rest := others(shown):
        found.append((SIGNS["held"], FILLS["held"], rest))
    said_of = {Use.TAKEN: going(shown), Use.FREE: "free"}
    said_of[Use.CLOSED] = f"free, not for {shown.job}"
    for use, text in said_of.items():
        if shown.count(use):
            found.append((SIGNS[use].replace(".", ""), FILLS[use], text))
    return found or [("", FILLS["free"], "free")]


def _cell(parent: ET.Element, left: float, top: int, sign: str, fill: str) -> None:
    size = {"width": str(CELL), "height": str(CELL), "rx": "3"}
    place = {"x": f"{left:.0f}", "y": str(top)}
    ET.SubElement(parent, "rect", {**place, **size, "fill": fill, "stroke": "#666666"})
    if sign:
        ink = "#ffffff" if fill in DARK else "#222222"
        middle = {"x": f"{left + CELL / 2:.0f}", "y": str(top + 14), "text-anchor": "middle", "fill": ink}
        ET.SubElement(parent, "text", middle).text = sign


def _text(parent: ET.Element, left: float, base: int, text: str) -> None:
    ET.SubElement(parent, "text", x=f"{left:.0f}", y=str(base), fill="#222222").text = text
