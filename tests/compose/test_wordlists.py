from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack.compose.wordlists import NotSplitError, comma_list, command_line


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a,b, c", ["a", "b", "c"]),
        ("a,,b", ["a", "", "b"]),
        ("transformers[torch,vision]==4.0,six==1.0", ["transformers[torch,vision]==4.0", "six==1.0"]),
        ("python,-c,'print(1,2)'", ["python", "-c", "print(1,2)"]),
        ('--x={"a":1,"b":2}', ['--x={"a":1,"b":2}']),
        ("a{b,c", ["a{b", "c"]),
        ("don't,do", ["don't", "do"]),
    ],
)
def test_commas_separate_but_in_brackets_and_quotes(text: str, parts: list[str]) -> None:
    assert comma_list(text) == parts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("python train.py --epochs 3", ["python", "train.py", "--epochs", "3"]),
        ("torchrun,train.py", ["torchrun", "train.py"]),
        ("mpirun, -np, 4", ["mpirun", "-np", "4"]),
        ('--x={"a":1,"b":2}', ['--x={"a":1,"b":2}']),
        ('--x={"a": 1, "b": 2}', ['--x={"a": 1, "b": 2}']),
        ('train.py --x={"a": 1, "b": 2} --y', ["train.py", '--x={"a": 1, "b": 2}', "--y"]),
        ('python -c "print(1, 2)"', ["python", "-c", "print(1, 2)"]),
        ("--lr 0.1,0.2", ["--lr", "0.1,0.2"]),
        ("a\\ b ''", ["a b", ""]),
        ("echo '&&' x", ["echo", "&&", "x"]),
    ],
)
def test_a_command_line_is_split_as_a_shell_does(text: str, words: list[str]) -> None:
    assert command_line(text) == words


@pytest.mark.parametrize("text", ["cd /x && python y", "a | b", "a b; c", "a > b", "say 'a b", 'say "a b'])
def test_what_only_a_shell_can_do_is_refused(text: str) -> None:
    with pytest.raises(NotSplitError):
        command_line(text)


@given(st.lists(st.text(st.sampled_from("ab \"'\\-=.:/{}[]()$&|;>"), max_size=8), min_size=2))
def test_words_quoted_for_a_shell_are_read_back(words: list[str]) -> None:
    assert command_line(" ".join(shlex.quote(word) for word in words)) == words
