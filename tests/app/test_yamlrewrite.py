from __future__ import annotations

from ruamel.yaml import YAML

from mlstack.app.yamlrewrite import rewrite


def test_values_become_what_is_wanted_and_comments_stay() -> None:
    text = "# top\na: 1 # one\nb:\n  c: 'q' # see\n  d: [1, 2]\n"
    wanted = {"a": 2, "b": {"c": "q", "e": {"f": 1}}, "g": "yes"}
    after = rewrite(text, wanted)
    assert YAML(typ="safe", pure=True).load(after) == wanted
    assert [comment in after for comment in ("# top", "# one", "# see", "'q'")] == [True] * 4


def test_an_empty_text_gets_the_values() -> None:
    assert rewrite("", {"a": {"b": 1}}) == "a:\n  b: 1\n"
