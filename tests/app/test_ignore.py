from __future__ import annotations

import pytest

from mlstack.app.ignore import read_patterns
from mlstack.errors import MlstackError

# pattern, path, whether it is a folder, whether it is left out
CASES = [
    ("*.ckpt", "a.ckpt", False, True),
    ("*.ckpt", "deep/er/a.ckpt", False, True),
    ("*.ckpt", "a.ckpt.py", False, False),
    ("data", "data", True, True),
    ("data", "src/data", True, True),
    ("data", "mydata", True, False),
    ("data/", "data", False, False),
    ("data/", "data", True, True),
    ("/data", "data", True, True),
    ("/data", "src/data", True, False),
    ("src/*.txt", "src/a.txt", False, True),
    ("src/*.txt", "src/b/a.txt", False, False),
    ("src/**/a.txt", "src/b/c/a.txt", False, True),
    ("src/**/a.txt", "src/a.txt", False, True),
    ("src/**", "src/b/c", False, True),
    ("**/x", "x", False, True),
    ("a?.py", "ab.py", False, True),
    ("a?.py", "a/.py", False, False),
    ("run[0-9].log", "run3.log", False, True),
    ("run[!0-9].log", "run3.log", False, False),
    ("a.b", "axb", False, False),
    ("# a.py", "a.py", False, False),
    ("  a.py  ", "a.py", False, True),
    ("(a|b).py", "a.py", False, False),
    ("", "a.py", False, False),
]


@pytest.mark.parametrize(("pattern", "path", "folder", "out"), CASES)
def test_a_pattern(pattern: str, path: str, folder: bool, out: bool) -> None:
    assert read_patterns(f"other\n{pattern}\n", "train/.mlstackignore")(path, folder) is out


def test_taking_back_in_is_refused_with_the_line() -> None:
    with pytest.raises(MlstackError, match=r"train/\.mlstackignore:2: ! \(taking files back in\) is not supported"):
        read_patterns("*.bin\n!a.bin\n", "train/.mlstackignore")
