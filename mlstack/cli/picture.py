"""A picture of a cluster's accelerators in the terminal: a letter for each holder, `+` where the job may go."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from .output import counted

if TYPE_CHECKING:
    from rich.text import Text

    from mlstack.plan.fit.picture import Group, Part, Picture

LETTERS = "ABCDEFGHIJ"  # holders that have one; what the others hold is #
NAMED = 3  # of the others that are named
COLOURS = ("yellow", "blue", "magenta", "cyan", "bright_yellow", "bright_blue", "bright_magenta", "bright_cyan")
SIGNS = {"held": "#", "taken": "+", "free": ".", "closed": "x"}
STYLES = {"held": "white", "taken": "bold green", "free": "dim", "closed": "dim"}
WIDE = 32  # devices of a node that have a sign each; of more, each sign is several

Cell = tuple[str, str]
"""A sign and its style."""


def picture_text(shown: Picture) -> Text:
    """The picture, with what the signs mean below it. Styles are for a terminal; the signs alone say the same."""
    from rich.text import Text

    letters = letters_of(shown)
    width = max(len(group.model) for group in shown.groups)
    named = max(len(group.title) for group in shown.groups)
    most = max(_signs(group) for group in shown.groups)
    lines = [
        Text.assemble(
            f"  {group.model.ljust(width)}  {group.title.ljust(named)}  ",
            *_strip(group, letters),
            f"{' ' * (most - _signs(group))}  {said(group)}",
        )
        for group in shown.groups
    ]
    return Text("\n").join([*lines, Text("  ") + Text("   ").join(_legend(shown, letters))])


def letters_of(shown: Picture) -> Mapping[tuple[str, str], Cell]:
    """A letter and a colour for each of the largest holders that the rows tell apart."""
    apart = {part.who for group in shown.groups for part in group.parts}
    named = zip(LETTERS, (who for who, _ in shown.holders if who in apart), strict=False)
    return {who: (letter, COLOURS[at % len(COLOURS)]) for at, (letter, who) in enumerate(named)}


def others(shown: Picture) -> str:
    """Who holds what has no letter, in words; "" where nobody does."""
    letters = letters_of(shown)
    rest = [one for one in shown.holders if one[0] not in letters]
    if not rest:
        return ""
    named = ", ".join(f"{name} (namespace {namespace}) {number}" for (namespace, name), number in rest[:NAMED])
    unnamed = rest[NAMED:]
    return named + (f" and {len(unnamed)} more {sum(number for _, number in unnamed)}" if unnamed else "")


def said(group: Group) -> str:
    """`3 of 8 free`; what the signs of a row of nodes come to."""
    from mlstack.plan.fit.picture import Use

    if not group.ready:
        return "no driver or device plugin ready"
    free = group.count(Use.FREE) + group.count(Use.CLOSED) + group.count(Use.TAKEN)
    total = sum(group.count(use) for use in Use)
    spot = ", spot" if group.spot else ""
    closed = group.count(Use.CLOSED)
    some = "" if closed in (0, free) else f"{closed} of them "
    return f"{free} of {total} free{f', {some}not for this job' if closed else ''}{spot}"


def _strip(group: Group, letters: Mapping[tuple[str, str], Cell]) -> Iterator[Cell | str]:
    yield "["
    for part, number in _scaled(group):
        sign, style = _sign(part, letters)
        yield sign * number, style
    yield "]"


def _signs(group: Group) -> int:
    return sum(number for _, number in _scaled(group))


def _scaled(group: Group) -> Iterable[tuple[Part, int]]:
    """How many signs each part has: none goes missing, however small."""
    if group.devices <= WIDE:
        return [(part, part.number) for part in group.parts]
    return [(part, max(1, part.number * WIDE // group.devices)) for part in group.parts]


def _sign(part: Part, letters: Mapping[tuple[str, str], Cell]) -> Cell:
    return letters.get(part.who) or (SIGNS[part.use], STYLES[part.use])


def _legend(shown: Picture, letters: Mapping[tuple[str, str], Cell]) -> Iterator[Text]:
    from rich.text import Text

    from mlstack.plan.fit.picture import Use

    for who, number in shown.holders:
        if who in letters:
            yield Text.assemble(letters[who], f" {who[1]} (namespace {who[0]}) {number}")
    if rest := others(shown):
        yield Text.assemble(("#", STYLES["held"]), f" {rest}")
    if shown.count(Use.TAKEN):
        yield Text.assemble(("+", STYLES["taken"]), f" {going(shown)}")
    if shown.count(Use.FREE):
        yield Text.assemble((".", STYLES["free"]), " free")
    if shown.count(Use.CLOSED):
        yield Text.assemble(("x", STYLES["closed"]), f" free, not for {shown.job}")


def going(shown: Picture) -> str:
    """`cnn may go here (3 of 4 pods)`."""
    some = f"{shown.placed} of " if shown.placed < shown.asked else ""
    return f"{shown.job} may go here ({some}{counted(shown.asked, 'pod')})"


def coloured() -> bool:
    """Whether a person sees standard output, and has not asked for no colour."""
    import sys

    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
