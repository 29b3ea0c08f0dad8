from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlstack.app.yamledit import Edit, NotEditableError, content_end, indent_step, line_end, line_start, nested, walk
from mlstack.app.yamltree import parse

SETS: list[tuple[str, list[str | int], Any, str]] = [
    ("", ["a", "b"], 1, "a:\n  b: 1\n"),
    ("# only\n", ["a"], 1, "# only\na: 1\n"),
    ("a: 1", ["b"], 2, "a: 1\nb: 2"),
    ("a: 1   # one\n\nb: 2\n", ["a"], 3, "a: 3   # one\n\nb: 2\n"),
    ("a:   1\n", ["a"], 2, "a:   2\n"),
    ("a: 'x'  # q\n", ["a"], "y", "a: 'y'  # q\n"),
    ('a: "x"\n', ["a"], "y", 'a: "y"\n'),
    ("p:  # none\n\n# end\n", ["p", "a"], 1.5, "p:  # none\n  a: 1.5\n\n# end\n"),
    ("p: {}  # none\nq: 1\n", ["p", "a"], 1, "p: {a: 1}  # none\nq: 1\n"),
    ("p: { }\n", ["p", "a", "b"], 1, "p: {a: {b: 1} }\n"),
    ("p: {s: {}}\n", ["p", "s", "a"], 1, "p: {s: {a: 1,}}\n"),
    ("p:\nq: 1\n", ["p", "a"], 1, "p: \n  a: 1\nq: 1\n"),
    ("p: null\nq: 1\n", ["p", "a"], 1, "p:\n  a: 1\nq: 1\n"),
    ("p: {a: 1}  # one\n", ["p", "b"], {"c": [1]}, "p: {a: 1, b: {c: [1]}}  # one\n"),
    ("p: {a: 1,\n  b: 2, # two\n}\n", ["p", "c"], 3, "p: {a: 1,\n  b: 2, c: 3, # two\n}\n"),
    ("p: {a: 1}\n", ["p", "a"], "x: y", 'p: {a: "x: y"}\n'),
    (
        "p:\n    a: 1\n\n    # two\n    b: 2\n",
        ["p", "c", "d"],
        3,
        "p:\n    a: 1\n\n    # two\n    b: 2\n    c:\n        d: 3\n",
    ),
    ("p:\n  a: |\n    text\n    more\n\n  b: 1\n", ["p", "a"], "short", "p:\n  a: short\n\n  b: 1\n"),
    ("l:\n- a\n- b  # bee\nm: 1\n", ["l"], ["x"], "l:\n- x  # bee\nm: 1\n"),
    ("l:\n- a\n- b\n", ["l"], [], "l: []\n"),
    ("l:\n- a\n- b\n", ["l", 1], "c", "l:\n- a\n- c\n"),
    ("x: 1 # keep\n", ["x"], {"a": {"b": 1}}, "x: # keep\n  a:\n    b: 1\n"),
    ("x: # keep\n  a: 1\ny: 2\n", ["x"], 7, "x: 7 # keep\ny: 2\n"),
    ("x:\r\n  a: 1\r\ny: 2\r\n", ["x", "b"], 2, "x:\r\n  a: 1\r\n  b: 2\r\ny: 2\r\n"),
    ("x:\n  - name: a\n    v: 1\n", ["x"], [{"name": "b", "w": [1]}], "x:\n  - name: b\n    w: [1]\n"),
    ("x: plain\n  folded\ny: 1\n", ["x"], "z", "x: z\ny: 1\n"),
    ("ünï: 🚀 # c\ny: 1\n", ["y"], 2, "ünï: 🚀 # c\ny: 2\n"),
]
UNSETS: list[tuple[str, list[str | int], str]] = [
    ("a: 1\nb: 2  # two\nc: 3\n", ["b"], "a: 1\nc: 3\n"),
    ("a: 1\n\n# two\nb: 2\n\nc: 3\n", ["b"], "a: 1\n\n# two\n\nc: 3\n"),
    ("p:\n  a:\n    b: 1\nq: 1\n", ["p", "a", "b"], "q: 1\n"),
    ("p:\n  # why\n  a: 1\nq: 1\n", ["p", "a"], "p:\n  # why\nq: 1\n"),
    ("p:  # why\n  a: 1\nq: 1\n", ["p", "a"], "p:  # why\nq: 1\n"),
    ("p: {a: 1}\nq: 1\n", ["p", "a"], "p: {}\nq: 1\n"),
    ("p: {s: {a: 1}, t: 2}\n", ["p", "s", "a"], "p: {t: 2}\n"),
    ('p: {c: {d: "1",}, s: {d: "2"},}\n', ["p", "s", "d"], 'p: {c: {d: "1",},}\n'),
    ('p: {c: {d: "1",}, s: {d: "2"},}\n', ["p", "c", "d"], 'p: {c: {}, s: {d: "2"},}\n'),
    ("p: {\n  a: 1,\n  # two\n  b: 2,\n}\n", ["p", "a"], "p: {\n  # two\n  b: 2,\n}\n"),
    ("p: {\n  a: 1, # one\n  b: 2,\n}\n", ["p", "b"], "p: {\n  a: 1, # one\n}\n"),
    ("---\r\np:\r\n  s: # note\r\n    a: 1\r\n", ["p", "s", "a"], "---\r\np:\r\n  s: # note\r\n"),
    ("p:\n  s:\n    # because\n    a: 1\n", ["p", "s", "a"], "p:\n  s:\n    # because\n"),
    ("p: {a: 1}  # why\nq: 1\n", ["p", "a"], "p: {}  # why\nq: 1\n"),
    ("p: {a: 1, b: 2, c: 3}\n", ["p", "b"], "p: {a: 1, c: 3}\n"),
    ("p: {a: 1, b: 2}\n", ["p", "b"], "p: {a: 1}\n"),
    ("l: [a, b, c]\n", ["l", 0], "l: [b, c]\n"),
    ("l:\n- a\n- b  # bee\n- c\n", ["l", 1], "l:\n- a\n- c\n"),
    ("l:\n- a\nm: 1\n", ["l", 0], "l: []\nm: 1\n"),
    ("a: 1\nb: |\n  x\n  y\n\nc: 2\n", ["b"], "a: 1\n\nc: 2\n"),
    ("a: 1\r\nb: 2\r\n", ["b"], "a: 1\r\n"),
    ("a: 1\nb: 2", ["b"], "a: 1"),
    ("a: 1\r\nb: 2", ["b"], "a: 1"),
    ("a: 1\n", ["x"], "a: 1\n"),
]


@pytest.mark.parametrize(("text", "keys", "value", "after"), SETS)
def test_set_changes_its_entry_and_nothing_else(text: str, keys: list[str | int], value: Any, after: str) -> None:
    assert Edit(text, parse(text, "x")).set(keys, value) == after


@pytest.mark.parametrize(("text", "keys", "after"), UNSETS)
def test_unset_takes_the_entry_and_what_it_leaves_empty(text: str, keys: list[str | int], after: str) -> None:
    assert Edit(text, parse(text, "x")).unset(keys) == after


def test_rename_keeps_place_value_and_comment() -> None:
    text = "e:\n  mini: # mine\n    a: 1\n  gke: {}\n"
    assert Edit(text, parse(text, "x")).rename(["e", "mini"], "kube") == text.replace("mini:", "kube:")


@pytest.mark.parametrize(
    ("text", "keys"),
    [("x: &a {q: 1}\ny: *a\n", ["y", "z"]), ("a: 1\n", ["a", "b"]), ("? a\n: 1\n", ["a"])],
)
def test_what_is_beyond_small_edits_is_left_to_the_caller(text: str, keys: list[str | int]) -> None:
    before = parse(text, "x")
    try:
        after = Edit(text, before).set(keys, 2)
    except NotEditableError:
        return
    # Where it tries all the same, the caller's comparison is what protects the file.
    found = parse(after, "x")
    assert found is None or found.value != {}


KEYS = st.sampled_from(["a", "b", "num_gpus", "yes", "1", "with space", "ünï", "x.y/z"])
VALUES = st.one_of(
    st.integers(), st.booleans(), st.text("ab# :'\"\n,[]{}é🚀", max_size=8), st.lists(st.integers(), max_size=3)
)
LINES = st.sampled_from(["", "# note", "   # indented note", "# a: 1"])


@st.composite
def documents(draw: st.DrawFn, indent: int = 0) -> str:
    """A mapping in block style with comments, blank lines and, somewhere, mappings in it."""
    lines = []
    for key in draw(st.lists(KEYS, unique=True, min_size=1, max_size=4)):
        lines += draw(st.lists(LINES, max_size=2))
        head = " " * indent + (key if key.isidentifier() and key != "yes" else f'"{key}"')
        if indent < 4 and draw(st.booleans()):
            lines += [f"{head}:{draw(st.sampled_from(['', '  # why']))}", draw(documents(indent + 2)).rstrip("\n")]
        else:
            lines.append(f"{head}: {draw(st.sampled_from(['1', 'text', '[1, 2]', '{q: 1}', '~', '']))}")
    return "\n".join(lines) + "\n"


@given(documents(), st.lists(KEYS, min_size=1, max_size=3), VALUES)
@example("a:\n", ["a"], [])
def test_set_then_unset_gives_back_the_same_bytes_where_there_was_nothing(
    text: str, keys: list[str | int], value: Any
) -> None:
    root = parse(text, "x")
    nodes = walk(root, keys)
    if len(nodes) > len(keys) or nodes[-1].value in (None, {}) or not isinstance(nodes[-1].value, dict):
        return  # something stands there, or an empty mapping would not come back as it was written
    edited = Edit(text, root).set(keys, value)
    after = parse(edited, "x")
    assert after is not None
    assert walk(after, keys)[-1].value == value
    assert [line for line in text.splitlines() if line not in edited.splitlines()] in ([], [_flow_line(text, edited)])
    assert Edit(edited, after).unset(keys) == text


def _flow_line(text: str, edited: str) -> str:
    """The one line of a flow mapping that an insertion may change."""
    return next((line for line in text.splitlines() if line not in edited.splitlines() and "{" in line), "")


def test_small_helpers() -> None:
    text = "a:\r\n   b: 1  # c\r\n"
    root = parse(text, "x")
    assert root is not None
    assert indent_step(root) == 3
    assert indent_step(None) == 2
    assert line_end(text, 0) == 2
    assert line_start(text, 8) == 4
    assert text[: content_end(root, text)].endswith("b: 1")
    assert nested(["a", "b"], 1) == {"a": {"b": 1}}
