"""Random layouts of an app's files, and the edits that are tried in them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

WORDS = ["cpu", "memory", "num_gpus", "labels", "env", "x.y/z", "ünï", "team", "image", "args", "with space", "1"]
VALUES: list[Any] = [
    1,
    True,
    1.5,
    "text",
    "two words",
    "a: b",
    "# no",
    "",
    "ünï 🚀",
    [1, 2],
    ["a", "b, c"],
    {"k": {"l": 1}},
]


class Layout:
    """The text of a file, made by chance: `leaves` and `maps` are the paths of what is in it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.eol = self.chosen("\n", "\n", "\r\n")
        self.step = self.chosen(2, 2, 3, 4)
        self.leaves: list[list[str]] = []
        self.maps: list[list[str]] = []
        self.comments = 0
        head = self.chosen([], [], ["---"], ["# own0 file", "---"], ["--- # own0"], ["", "# own0", ""])
        lines = [
            *head,
            "apiVersion: mlstack.dev/v1",
            self.chosen("kind: Environment", 'kind:   "Environment"  # tail0'),
        ]
        for name in ("params", "component_params"):
            lines += self.entry([name], 0, 0)
        self.text = self.eol.join(lines) + self.chosen(self.eol, self.eol, "", self.eol * 2, f"{self.eol}# own0 end")
        self.bom = self.chosen("", "", "", "\ufeff")

    def chosen(self, *of: Any) -> Any:
        return self.random.choice(of)

    def comment(self, kind: str) -> str:
        self.comments += 1
        return f"# {kind}{self.comments}"

    def key(self, name: str) -> str:
        plain = name.replace("_", "a").isalpha()
        return str(self.chosen(*([name, name] if plain else []), f"'{name}'", f'"{name}"'))

    def names(self) -> list[str]:
        return self.random.sample(WORDS, self.random.randint(1, 4))

    def scalar(self) -> str:
        return str(
            self.chosen("1", "text", '"2"', "'it''s'", "1.50", "[1, 2]", "[a,b ,]", "true", "two words", '"a # b"')
        )

    def entry(self, path: list[str], indent: int, depth: int) -> list[str]:
        """The lines of an entry in block style, with what stands above it."""
        above = [self.chosen("", " " * indent + self.comment("own"))] if self.random.random() < 0.3 else []
        head = " " * indent + self.key(path[-1]) + ":"
        tail = self.chosen("", "", "  " + self.comment("tail"))
        kind = self.random.random()
        if depth == 0 or (kind < 0.35 and depth < 3):
            self.maps.append(path)
            if self.random.random() < 0.3:
                return [*above, head + " " * self.chosen(1, 2) + self.flow(path, indent) + tail]
            below = [line for name in self.names() for line in self.entry([*path, name], indent + self.step, depth + 1)]
            return [*above, head + tail, *below]
        if kind < 0.42:
            self.maps.append(path)
            return [*above, head + self.chosen("", " {}", "  { }", " ") + tail]
        self.leaves.append(path)
        if kind < 0.5:
            return [*above, f"{head} |-", *(" " * (indent + self.step) + word for word in ("one", "  two", "three"))]
        return [*above, head + " " * self.chosen(1, 1, 3) + self.scalar() + tail]

    def flow(self, path: list[str], indent: int) -> str:
        names = self.names()
        if self.random.random() < 0.4 and not path[2:]:
            pad = self.eol + " " * (indent + self.step)
            lines = [f"{pad}{self.pair([*path, name])},{self.chosen('', ' ' + self.comment('tail'))}" for name in names]
            above = f"{pad}{self.comment('own')}" if self.random.random() < 0.3 else ""
            return f"{{{above}{''.join(lines)}{self.eol}{' ' * (indent + 1)}}}"
        pairs = ", ".join(self.pair([*path, name]) for name in names)
        return f"{{{self.chosen('', ' ')}{pairs}{self.chosen('', ',', ' ')}}}"

    def pair(self, path: list[str]) -> str:
        written: str = self.key(path[-1]) + ":" + self.chosen(" ", " ", "  ")
        if len(path) < 4 and self.random.random() < 0.3:
            self.maps.append(path)
            return written + str(self.flow(path, 99) if len(path) > 2 and self.random.random() < 0.3 else "{}")
        self.leaves.append(path)
        return written + str(self.chosen("1", '"2"', "'x'", "[1, 2]", "true", "text"))

    def fresh(self, count: int) -> Iterator[list[str]]:
        """Paths at which there is nothing, below what is there and below nothing."""
        for at in range(count):
            below = self.chosen(*self.maps, ["new"])
            yield [*below, f"fresh{at}", *(["deeper"] if self.random.random() < 0.3 else [])]
