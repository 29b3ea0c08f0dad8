from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from mlstack.compose.emit import emit
from mlstack.compose.layers import Layer
from mlstack.compose.places import Place
from mlstack.compose.render import Component, Target, render
from mlstack.compose.trees import SourceFile, Tree, key_of
from mlstack.compose.yamltext import load_documents
from tests.compose.conftest import MakePrototype

TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ name ~ "-" ~ (trees.code.digest if trees.code else "none") }} }
data: {{ trees.code.data if trees.code else {} }}
binaryData: {{ trees.code.binary if trees.code else {} }}
"""


def tree(**files: bytes) -> Tree:
    return Tree("x", {path.replace("__", "/"): SourceFile(data) for path, data in files.items()})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain\n",
        "Grüße, 世界 😀\n".encode(),
        b"a\r\nb\n",
        b"\ttab",
        b"{{ params }}: - #\n",
        b"---\nkind: Secret\n",
    ],
)
def test_text_travels_as_text(data: bytes) -> None:
    file = SourceFile(data)
    assert file.text is not None
    [(_, value)] = load_documents(emit({"a": file.carried}), Place("x"))
    assert value["a"].encode() == data


@pytest.mark.parametrize("data", [b"\x00", b"\xff\xfe", b"\xef\xbb\xbfbom", b"\x1b[0m", "\u2028".encode(), b"\x85"])
def test_all_else_travels_as_base64(data: bytes) -> None:
    file = SourceFile(data)
    assert file.text is None
    assert base64.b64decode(file.carried) == data


def test_keys_are_legal_readable_and_different() -> None:
    paths = ["train.py", "a/b.py", "a_b.py", "a b.py", "ä.py", "x" * 300, "y/" * 200 + "z.py"]
    keys = [key_of(path) for path in paths]
    assert keys[0] == "train.py"
    assert keys[1].startswith("a_b.py-")
    assert len(set(keys)) == len(paths)
    assert all(re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key) for key in keys)


def test_the_digest_tells_paths_contents_and_modes_apart() -> None:
    trees = [
        tree(a=b"1"),
        tree(a=b"2"),
        tree(b=b"1"),
        tree(a=b"", b=b"1"),
        tree(a=b"1", b=b""),
        Tree("x", {"a": SourceFile(b"1", executable=True)}),
    ]
    assert len({one.digest for one in trees}) == len(trees)
    assert Tree("elsewhere", {"a": SourceFile(b"1")}).digest == trees[0].digest


@pytest.mark.parametrize(
    ("files", "programs"),
    [
        (["train.py", "model.py"], ["train.py"]),
        (["main.py", "x.py"], ["main.py"]),
        (["train.py", "main.py"], ["train.py", "main.py"]),
        (["fit.py", "data.csv"], ["fit.py"]),
        (["a.py", "b.py"], ["a.py", "b.py"]),
        (["src/train.py"], []),
        (["run.sh"], []),
    ],
)
def test_what_a_job_may_run(files: list[str], programs: list[str]) -> None:
    assert Tree("x", {path: SourceFile(b"") for path in files}).programs == programs


def test_templates_see_the_files(make_prototype: MakePrototype, target: Target) -> None:
    parameters: dict[str, Any] = {"code": {"type": "string", "format": "path", "default": ""}}
    prototype = make_prototype(parameters, TEMPLATE)
    carried = Tree("c:1: code ./t", {"t.py": SourceFile(b"x\n"), "w/b": SourceFile(b"\0", executable=True)})
    layers = (Layer("c", {"code": "./t"}),)
    found = render(Component("cnn", prototype, layers, trees={"code": carried}), target)
    [config] = found.manifests
    assert config["metadata"]["name"] == f"cnn-{carried.digest}"
    assert config["data"] == {"t.py": "x\n"}
    assert config["binaryData"] == {key_of("w/b"): "AA=="}
    assert found.settings["code"].digest == carried.digest
    assert carried.context()["items"] == [
        {"key": "t.py", "path": "t.py"},
        {"key": key_of("w/b"), "path": "w/b", "mode": 0o755},
    ]
    [none] = render(Component("cnn", prototype), target).manifests
    assert none["metadata"]["name"] == "cnn-none"
