from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from mlstack.app.yamltree import Branch, Leaf, parse
from mlstack.errors import MlstackError

EVERYTHING = """\
# comment
plain: 1   # trailing
absent:    # nothing
block: |
  hi
  there

anchored: &x {q: 'r', s: "t"}   # z
alias: *x
list:
  - 1
  -   z: 2
      y: 3
dashes:
- yes
- 2001
merged:
  <<: *x
  n: ~
empty: {}
folded: plain
  on two lines
ünï: "🚀"  # after astral characters
last: [ü, 1]
"""


def test_values_are_those_that_ruamel_reads() -> None:
    found = parse(EVERYTHING, "x.yaml")
    assert found is not None
    assert found.value == YAML(typ="safe", pure=True).load(EVERYTHING)


def test_every_key_and_value_knows_where_it_stands() -> None:
    found = parse(EVERYTHING, "x.yaml")
    assert isinstance(found, Branch)
    for name, (span, node) in found.entries.items():
        assert EVERYTHING[span.start : span.end] == name
        assert EVERYTHING.splitlines()[span.line].startswith(str(name))
        if isinstance(node, Leaf) and isinstance(node.value, int):
            assert EVERYTHING[node.span.start : node.span.end] == str(node.value)
    _, last = found.entries["last"]
    assert EVERYTHING[last.span.start : last.span.end] == "[ü, 1]"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_a_file_without_values(text: str) -> None:
    found = parse(text, "x.yaml")
    assert found is None or found.value is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\n\tb: 2\n", "x.yaml:2: a tab stands where YAML wants spaces."),
        ("a: 1\na: 2\n", "x.yaml:2: a stands twice in one mapping (first in line 1)."),
        ("p:\n  a: 1\n  'a': 2\n", "x.yaml:3: a stands twice in one mapping (first in line 2)."),
        ("a: [1\n", "x.yaml:2: this is not valid YAML: "),
        ("a: b: c\n", "x.yaml:1: this is not valid YAML: "),
        ("a: 1\n---\nb: 2\n", "x.yaml:2: this is not valid YAML: but found another document"),
        ('b: 1\na: "\x01"\n', "x.yaml:2: a control character"),
        ("a: *no\n", "x.yaml:1: this is not valid YAML: found undefined alias."),
        ("a: !foo 1\n", "x.yaml:1: the tag !foo is not known here"),
        ("a: !!set {}\n", "x.yaml:1: the tag tag:yaml.org,2002:set is not known here"),
        ("a: &x [*x]\n", "x.yaml:1: an anchor holds itself."),
        ("1: 2\n", "x.yaml:1: a key must be text; put it in quotes."),
        ("[a]: 2\n", "x.yaml:1: a key must be text; put it in quotes."),
        ("a:\n  <<: 1\n", "x.yaml:2: << takes a mapping."),
        ("a: " + "[" * 900 + "]" * 900 + "\n", "x.yaml: not readable as YAML: "),
        ("a: " + "[" * 9000 + "]" * 9000 + "\n", "x.yaml:"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(text: str, sentence: str) -> None:
    with pytest.raises(MlstackError) as caught:
        parse(text, "x.yaml")
    assert caught.value.message.startswith(sentence)
    assert "\n" not in caught.value.message


def test_the_version_directive_does_not_bring_yaml_1_1_back() -> None:
    found = parse("%YAML 1.1\n---\na: yes\n", "x.yaml")
    assert found is not None
    assert found.value == {"a": "yes"}


def test_an_explicit_tag_decides() -> None:
    found = parse("a: !!str 1\nb: !!int '3'\n", "x.yaml")
    assert found is not None
    assert found.value == {"a": "1", "b": 3}
