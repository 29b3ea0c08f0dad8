"""Edits of YAML text that touch nothing but the entry they are about: comments, order, quotes, blank lines,
indentation and line ends elsewhere stay byte for byte. Pure: text in, text out.

Positions come from the tree of `yamltree`; the caller reads the result again and compares (`yamlfile`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mlstack.app.yamlscalars import write_block, write_entry, write_flow, write_scalar
from mlstack.app.yamltree import Branch, Leaf, Node, Span

Keys = Sequence[str | int]

_COMMA = re.compile(r"\s*,")


class NotEditableError(Exception):
    """This stretch of text is beyond small edits (a complex key, an alias): the caller writes the file anew."""


def walk(root: Node | None, keys: Keys) -> list[Node]:
    """The nodes along `keys`, root first, as far as they exist."""
    nodes: list[Node] = [root] if root else []
    for key in keys:
        if not nodes or not isinstance(nodes[-1], Branch) or key not in nodes[-1].entries:
            break
        nodes.append(nodes[-1].entries[key][1])
    return nodes


def content_end(node: Node, text: str) -> int:
    """Where the node's own text ends: before the comments and blank lines that follow it."""
    if isinstance(node, Branch) and not node.flow and node.entries:
        return content_end(list(node.entries.values())[-1][1], text)
    return node.span.start + len(text[node.span.start : node.span.end].rstrip())


def line_end(text: str, index: int) -> int:
    """The index of the line break after `index` (its `\\r` if there is one), or the text's length."""
    at = text.find("\n", index)
    if at < 0:
        return len(text)
    return at - 1 if at > index and text[at - 1] == "\r" else at


def line_start(text: str, index: int) -> int:
    """The index of the first character of the line that `index` is in."""
    return text.rfind("\n", 0, index) + 1


def indent_step(root: Node | None) -> int:
    """By how much this file indents a mapping in a mapping; 2 where it shows none."""
    waiting: list[Node] = [root] if root else []
    while waiting:
        node = waiting.pop(0)
        if not isinstance(node, Branch) or node.flow:
            continue
        for key, below in node.entries.values():
            nested = isinstance(below, Branch) and not below.flow and isinstance(below.value, dict)
            if nested and isinstance(node.value, dict) and below.span.column > key.column:
                return below.span.column - key.column
            waiting.append(below)
    return 2


def nested(keys: Keys, value: Any) -> Any:
    """`value` below `keys`: nested(["a", "b"], 1) == {"a": {"b": 1}}."""
    for key in reversed(keys):
        value = {key: value}
    return value


class Edit:
    """One edit of one text: `set` and `unset` give the new text."""

    def __init__(self, text: str, root: Node | None) -> None:
        self.text, self.root = text, root
        self.step = indent_step(root)
        self.eol = "\r\n" if "\r\n" in text else "\n"

    def set(self, keys: Keys, value: Any) -> str:
        """The text with `value` at `keys`; mappings on the way that are missing (or empty) are made."""
        nodes = walk(self.root, keys)
        if not nodes:
            return self._append(nested(keys, value))
        depth = len(nodes) - 1
        last = nodes[-1]
        if depth == len(keys):
            return self._replace(nodes[-2], keys[-1], value)
        if isinstance(last, Branch) and isinstance(last.value, dict) and last.entries:
            return self._insert(last, str(keys[depth]), nested(keys[depth + 1 :], value))
        if depth and last.value in (None, {}):
            return self._fill(nodes[-2], keys[depth - 1], last, nested(keys[depth:], value))
        raise NotEditableError

    def unset(self, keys: Keys) -> str:
        """The text without the entry at `keys`, and without the mappings that `set` would have made for it.

        A mapping that it leaves empty stays where a comment is in it, where it was written as `{}`, and where its key
        stood there without a value (`_fill` marks that).
        """
        nodes = walk(self.root, keys)
        if len(nodes) != len(keys) + 1:
            return self.text
        depth = len(keys)
        if isinstance(keys[-1], int) and len(_branch(nodes[-2]).entries) == 1:
            return self.set(keys[:-1], [])  # an empty list says something else than none
        while depth > 1 and self._made_for(nodes, keys, depth):
            depth -= 1
        text = self._remove(nodes[depth - 1], keys[depth - 1])
        return self._without_mark(nodes, keys, depth, text) if depth > 1 else text

    def rename(self, keys: Keys, new: str) -> str:
        """The text with the last of `keys` called `new`."""
        nodes = walk(self.root, keys)
        span, _ = _branch(nodes[len(keys) - 1]).entries[keys[-1]]
        return self._splice(span.start, span.end, write_scalar(new))

    def _splice(self, start: int, end: int, new: str) -> str:
        return self.text[:start] + new + self.text[end:]

    def _lines(self, lines: list[str]) -> str:
        return self.eol.join(lines)

    def _append(self, value: dict[str, Any]) -> str:
        lines = self._lines(write_block(value, 0, self.step))
        if self.text and not self.text.endswith("\n"):
            return self.text + self.eol + lines
        return self.text + lines + self.eol

    def _fill(self, parent: Node, key: str | int, node: Node, value: dict[str, Any]) -> str:
        """The text with an empty mapping filled, so that `unset` gives back what stood there.

        `{}` is filled as it stands; in a flow mapping a comma after the entry marks that it was there. In block style
        a key without a value gets a space after its colon.
        """
        parent = _branch(parent)
        if isinstance(node, Branch) and self.text.startswith("{", node.span.start):
            at = node.span.start + 1
            return self._splice(at, at, write_flow(value)[1:-1] + ("," if parent.flow else ""))
        span, _ = parent.entries[key]
        filled = self._replace(parent, key, value)
        if parent.flow or isinstance(key, int) or node.span.start != node.span.end:
            return filled
        end = line_end(filled, self._colon(span) + 1)
        if filled[self._colon(span) + 1 : end].strip():
            return filled  # a comment
        blanks = self.text[self._colon(span) + 1 : line_end(self.text, self._colon(span) + 1)]
        return filled[: self._colon(span) + 1] + blanks + " " + filled[end:]

    def _insert(self, parent: Branch, key: str, value: Any) -> str:
        last_key, last = list(parent.entries.values())[-1]
        end = self._end(last_key, last)
        if parent.flow:
            return self._splice(end, end, f", {write_scalar(key)}: {write_flow(value)}")
        at = line_end(self.text, end)
        lines = write_entry(key, value, last_key.column, self.step)
        return self._splice(at, at, self.eol + self._lines(lines))

    def _end(self, key: Span, node: Node) -> int:
        """Where the entry's text ends: an absent value's at the colon."""
        if isinstance(node, Leaf) and node.span.start == node.span.end:
            return self._colon(key) + 1
        if node.span.start < key.start:  # an alias: its anchor stands above
            raise NotEditableError
        return content_end(node, self.text)

    def _colon(self, key: Span) -> int:
        at = key.end
        while self.text[at : at + 1] in (" ", "\t"):
            at += 1
        if self.text[at : at + 1] != ":":
            raise NotEditableError
        return at

    def _replace(self, parent: Node, key: str | int, value: Any) -> str:
        parent = _branch(parent)
        span, node = parent.entries[key]
        start, end = node.span.start, self._end(span, node)
        if isinstance(key, int):
            return self._splice(start, end, write_flow(value, _quote(node)))
        if parent.flow:
            return self._splice(self._colon(span) + 1, end, " " + write_flow(value, _quote(node)))
        return self._replace_block(span, node, end, self._new_value(span, node, key, value))

    def _new_value(self, key_span: Span, node: Node, key: str, value: Any) -> list[str]:
        """What follows the colon: the rest of its line, then the lines below."""
        if isinstance(node, Branch) and isinstance(node.value, list) and not node.flow and isinstance(value, list):
            return ["", *write_block(value, node.span.column, self.step)] if value else [" []"]
        if not isinstance(value, dict | list):
            return [" " + write_scalar(value, _quote(node))]
        head, *below = write_entry(key, value, key_span.column, self.step)
        return [head.strip()[len(write_scalar(key)) + 1 :], *below]

    def _replace_block(self, key: Span, node: Node, end: int, new: list[str]) -> str:
        colon = self._colon(key) + 1
        key_line = line_end(self.text, colon)
        gap = " "
        if node.span.start == node.span.end:
            stop, comment = key_line, self.text[colon:key_line]
        elif node.span.start > key_line:
            stop, comment = end, self.text[colon:key_line]
        else:
            stop = line_end(self.text, end)
            gap, comment = self.text[colon : node.span.start], self.text[end:stop]
        inline = gap + new[0].lstrip() if new[0] else ""
        return self._splice(colon, stop, self._lines([(inline + comment).rstrip(), *new[1:]]))

    def _remove(self, parent: Node, key: str | int) -> str:
        parent = _branch(parent)
        return self._remove_flow(parent, key) if parent.flow else self._remove_lines(parent, key)

    def _remove_flow(self, parent: Branch, key: str | int) -> str:
        names = list(parent.entries)
        at = names.index(key)
        span, node = parent.entries[key]
        end = self._end(span, node)
        comma = _COMMA.match(self.text, end)
        after = comma.end() if comma else end
        if at + 1 < len(names):
            following = parent.entries[names[at + 1]][0].start
            if "#" not in self.text[after:following]:
                return self._splice(span.start, following, "")
            return self._remove_flow_line(span.start, after)
        if not at:
            return self._splice(span.start, after, "")
        before = self._end(*parent.entries[names[at - 1]])
        if "#" in self.text[before : span.start]:
            return self._remove_flow_line(span.start, after)
        return self._splice(before, end, "")

    def _remove_flow_line(self, start: int, end: int) -> str:
        """The text without an entry of a flow mapping over several lines: without its line, if it has one."""
        first, last = line_start(self.text, start), line_end(self.text, end)
        rest = self.text[end:last].strip()
        if self.text[first:start].strip() or (rest and not rest.startswith("#")):
            return self._splice(start, end, "")
        return self._splice(first, self._next_line(last), "")

    def _remove_lines(self, parent: Branch, key: str | int) -> str:
        span, node = parent.entries[key]
        start = line_start(self.text, span.start)
        before = self.text[start : span.start].strip(" ")
        if before != ("-" if isinstance(key, int) else ""):
            raise NotEditableError
        stop = self._next_line(line_end(self.text, self._end(span, node)))
        if stop == len(self.text) and not self.text.endswith("\n"):  # the last line has no end: nor has the new last
            start -= 2 if self.text.endswith("\r\n", 0, start) else min(start, 1)
        return self._splice(start, stop, "")

    def _next_line(self, end: int) -> int:
        for eol in ("\r\n", "\n"):
            if self.text.startswith(eol, end):
                return end + len(eol)
        return end

    def _made_for(self, nodes: list[Node], keys: Keys, depth: int) -> bool:
        """Whether the mapping that holds entry `depth` holds nothing else and is one that `set` would have made."""
        parent = _branch(nodes[depth - 1])
        if len(parent.entries) > 1 or isinstance(parent.value, list):
            return False
        outside = _branch(nodes[depth - 2])
        holder, _ = outside.entries[keys[depth - 2]]
        only, value = parent.entries[keys[depth - 1]]
        if parent.flow:
            beside = self.text[parent.span.start : only.start] + self.text[self._end(only, value) : parent.span.end]
            return outside.flow and "#" not in beside and "," not in beside
        return self.text[self._colon(holder) + 1 : line_start(self.text, only.start)].strip("\r\n") == ""

    def _without_mark(self, nodes: list[Node], keys: Keys, depth: int, text: str) -> str:
        """`text` without the space that marks a key which had no value, where it has none again."""
        parent = _branch(nodes[depth - 1])
        if len(parent.entries) > 1 or parent.flow or isinstance(parent.value, list):
            return text
        holder, _ = _branch(nodes[depth - 2]).entries[keys[depth - 2]]
        at = self._colon(holder) + 1
        blank = text[at : line_end(text, at)]
        return text[:at] + text[at + 1 :] if blank and not blank.strip() else text


def _branch(node: Node) -> Branch:
    if not isinstance(node, Branch):
        raise NotEditableError
    return node


def _quote(node: Node) -> str:
    return node.style if isinstance(node, Leaf) and node.style in {"'", '"'} else ""
