from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from mlstack.app.yamlfile import YamlFile, relative
from mlstack.compose.places import Place
from mlstack.errors import MlstackError

HEAD = "apiVersion: mlstack.dev/v1\nkind: Environment\n"


def load(tmp_path: Path, body: str, head: str = HEAD) -> YamlFile:
    path = tmp_path / "environments" / "gke.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((head + body).encode("utf-8"))
    return YamlFile.load(path, tmp_path, "Environment")


def test_values_and_their_places(tmp_path: Path) -> None:
    file = load(tmp_path, "# why\ncomponent_params:\n  cnn:\n    num_gpus: 1\nparams: {a: {b: 2}}\n")
    assert file.mapping("component_params", "cnn") == {"num_gpus": 1}
    assert file.get("component_params", "nope") is None
    assert file.has("params", "a", "b")
    assert str(file.place("component_params", "cnn", "num_gpus")) == "environments/gke.yaml:6"
    assert file.place("component_params", "cnn", "nope").line == 5
    assert file.place("nope") == Place("environments/gke.yaml")
    assert file.places("params") == {"a": Place("environments/gke.yaml", 7), "a.b": Place("environments/gke.yaml", 7)}
    assert file.places("nope") == {}


def test_what_is_read_cannot_be_changed_by_accident(tmp_path: Path) -> None:
    file = load(tmp_path, "params: {a: [1]}\n")
    file.get("params", "a").append(2)
    file.mapping("params")["b"] = 1
    assert file.data["params"] == {"a": [1]}


@pytest.mark.parametrize(
    "body",
    ["", "\n\n# end", "params:   {a:    1}\r\n", "x: 'q'\n\n\ny: \"z\"   # c\n", "a:\n-   1\n-   2\n", "ü: 🚀\n"],
)
def test_saving_without_a_change_writes_nothing(tmp_path: Path, body: str) -> None:
    file = load(tmp_path, body)
    before = file.path.stat()
    assert not file.changed
    assert not file.save()
    assert file.path.stat().st_ino == before.st_ino
    assert file.path.read_bytes() == (HEAD + body).encode("utf-8")


def test_a_byte_order_mark_stays(tmp_path: Path) -> None:
    file = load(tmp_path, "a: 1\n", "\ufeff" + HEAD)
    file.set(["a"], 2)
    file.save()
    assert file.path.read_bytes() == ("\ufeff" + HEAD + "a: 2\n").encode("utf-8")
    assert file.place("a").line == 3


def test_a_save_keeps_the_mode_and_a_symbolic_link(tmp_path: Path) -> None:
    file = load(tmp_path, "a: 1\n")
    target = tmp_path / "elsewhere.yaml"
    file.path.rename(target)
    file.path.symlink_to(target)
    target.chmod(0o640)
    file.set(["a"], 2)
    assert file.save()
    assert file.path.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert "a: 2" in target.read_text()


def test_an_interrupted_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = load(tmp_path, "a: 1\n")
    file.set(["a"], 2)

    def interrupted(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        file.save()
    assert file.path.read_text() == HEAD + "a: 1\n"
    assert [path.name for path in file.path.parent.iterdir()] == ["gke.yaml"]


def test_a_change_by_someone_else_is_not_overwritten(tmp_path: Path) -> None:
    file = load(tmp_path, "a: 1\n")
    file.set(["a"], 2)
    file.path.write_text(HEAD + "a: 3\n")
    with pytest.raises(MlstackError, match="changed by someone else meanwhile; nothing was written"):
        file.save()
    assert file.path.read_text() == HEAD + "a: 3\n"


def test_a_copy_is_edited_alone(tmp_path: Path) -> None:
    file = load(tmp_path, "a: 1\n")
    other = copy.copy(file)
    other.set(["a"], 2)
    assert (file.get("a"), other.get("a")) == (1, 2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- 1\n", "environments/gke.yaml:1: this must be a mapping"),
        ("text\n", "environments/gke.yaml:1: this must be a mapping"),
        ("", "environments/gke.yaml: apiVersion is missing; it must be mlstack.dev/v1."),
        ("a: 1\napiVersion: v1\n", "environments/gke.yaml:2: apiVersion is v1; it must be mlstack.dev/v1."),
        ("apiVersion: mlstack.dev/v2\n", "environments/gke.yaml:1: mlstack.dev/v2 is newer than this mlstack"),
        ("apiVersion: mlstack.dev/v1\nkind: App\n", "environments/gke.yaml:2: kind is App, and must be Environment"),
        ("apiVersion: mlstack.dev/v1\n", "environments/gke.yaml: kind is missing, and must be Environment"),
        ("a: 1\nb: [\n", "environments/gke.yaml:3: this is not valid YAML"),
    ],
)
def test_a_file_that_is_no_file_of_ours(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(MlstackError) as caught:
        load(tmp_path, text, "")
    assert caught.value.message.startswith(sentence)


def test_what_is_no_utf_8(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(MlstackError, match=r"x\.yaml:2: this is not UTF-8 text\."):
        YamlFile.load(tmp_path / "x.yaml", tmp_path, "App")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MlstackError, match="could not be read: Is a directory"):
        YamlFile.load(tmp_path, tmp_path.parent, "App")


@pytest.mark.parametrize(
    ("body", "read", "sentence"),
    [
        ("params: [1]\n", "mapping", "gke.yaml:3: params must be a mapping"),
        ("params: 1\n", "texts", "gke.yaml:3: params must be a list of names"),
        ("params: [a, 1]\n", "texts", "gke.yaml:3: params must be a list of names"),
        ("params: 1\n", "string", "gke.yaml:3: params must be text; put it in quotes"),
    ],
)
def test_a_value_of_another_shape(tmp_path: Path, body: str, read: str, sentence: str) -> None:
    with pytest.raises(MlstackError, match=sentence):
        getattr(load(tmp_path, body), read)("params")


@pytest.mark.parametrize(
    ("body", "keys", "value", "after"),
    [
        ("d: &x {q: 1}\nf:\n  <<: *x\n  g: 1\n", ["f", "h"], 2, "d: &x {q: 1}\nf:\n  <<: *x\n  g: 1\n  h: 2\n"),
        ("d: &x {q: 1}\ne: *x\n", ["e"], 2, "d: {q: 1}\ne: 2\n"),
        ("? a\n: 1\nb: 2\n", ["a"], 3, None),
    ],
)
def test_odd_layouts_are_edited_too(tmp_path: Path, body: str, keys: list[str], value: Any, after: str | None) -> None:
    file = load(tmp_path, body)
    file.set(keys, value)
    assert file.get(*keys) == value
    assert after is None or file.text == HEAD + after


def test_an_edit_that_would_change_something_else_is_refused(tmp_path: Path) -> None:
    file = load(tmp_path, "d: &x {q: 1}\ne: *x\n")
    with pytest.raises(MlstackError, match="only a person"):
        file.set(["d", "q"], 2)
    assert file.text == HEAD + "d: &x {q: 1}\ne: *x\n"


def test_a_value_below_a_scalar_is_refused(tmp_path: Path) -> None:
    file = load(tmp_path, "params: 1\n")
    with pytest.raises(MlstackError, match=r"gke\.yaml:3: params must be a mapping"):
        file.set(["params", "a"], 2)


def test_unset_says_whether_there_was_something(tmp_path: Path) -> None:
    file = load(tmp_path, "params: {a: 1}\n")
    assert file.unset(["params", "a"])
    assert not file.unset(["params", "a"])
    assert file.text == HEAD + "params: {}\n"


def test_rename(tmp_path: Path) -> None:
    file = load(tmp_path, "params:\n  a: 1 # c\n  b: 2\n")
    file.rename(["params", "a"], "z")
    assert file.text == HEAD + "params:\n  z: 1 # c\n  b: 2\n"


def test_a_new_file_has_header_and_comment(tmp_path: Path) -> None:
    file = YamlFile.new(tmp_path / "sub" / "x.yaml", tmp_path, "App", {"name": "yes"}, "Why\nand how")
    assert file.changed
    file.save()
    text = '# Why\n# and how\napiVersion: mlstack.dev/v1\nkind: App\nname: "yes"\n'
    assert (tmp_path / "sub" / "x.yaml").read_text() == text


def test_relative_names(tmp_path: Path) -> None:
    assert relative(tmp_path / "a" / "b", tmp_path) == "a/b"
    assert relative(Path("/else/b"), tmp_path) == "/else/b"


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_a_comment_in_an_emptied_map_stays_and_so_does_the_rest(tmp_path: Path, eol: str) -> None:
    path = tmp_path / "gke.yaml"
    text = "---\napiVersion: mlstack.dev/v1\nkind: Environment\nid:   x\ncomponent_params:\n  srv: # a\n    # why\n"
    path.write_bytes((text + '    cpu: "2"\n').replace("\n", eol).encode())
    file = YamlFile.load(path, tmp_path, "Environment")
    assert file.unset(["component_params", "srv", "cpu"])
    assert file.save()
    assert path.read_bytes() == text.replace("\n", eol).encode()
    assert YamlFile.load(path, tmp_path, "Environment").mapping("component_params", "srv") == {}
