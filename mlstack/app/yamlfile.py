"""One YAML file of an app: read with line numbers, edited with everything else left as it stands, saved atomically."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlstack.app import nested
from mlstack.app.atomic import write_atomic
from mlstack.app.yamledit import Edit, Keys, NotEditableError, walk
from mlstack.app.yamlscalars import write_block
from mlstack.app.yamltree import Branch, Node, parse
from mlstack.compose.places import Place
from mlstack.errors import MlstackError

API_VERSION = "mlstack.dev/v1"
BOM = "\ufeff"


class YamlFile:
    """A file of the app. `data` holds its plain values, `file` its name relative to the app's root."""

    def __init__(self, path: Path, file: str, kind: str, text: str, original: bytes | None) -> None:
        self.path, self.file, self.kind = path, file, kind
        self._original = original
        self._bom = BOM if text.startswith(BOM) else ""
        body = text.removeprefix(BOM)
        self._adopt(body, parse(body, file))

    def _adopt(self, text: str, root: Node | None) -> None:
        if root is not None and not isinstance(root.value, dict):
            if root.value is not None:
                raise MlstackError(f"{self.file}:{root.span.line + 1}: this must be a mapping (name: value lines).")
            root = None
        self._text, self._root = text, root
        self.data: dict[str, Any] = dict(root.value) if isinstance(root, Branch) else {}

    @classmethod
    def load(cls, path: Path, root: Path, kind: str) -> YamlFile:
        """Reads `path`, a file of the app in `root` whose `kind` must be this one.

        Raises MlstackError with file and line for what cannot be read, and for a newer apiVersion.
        """
        file = relative(path, root)
        raw = _read(path, file)
        made = cls(path, file, kind, raw.decode("utf-8"), raw)
        made._check_header()
        return made

    @classmethod
    def new(cls, path: Path, root: Path, kind: str, values: Mapping[str, Any], comment: str = "") -> YamlFile:
        """A file that is not there yet, with its header and `values`; `save` writes it."""
        lines = write_block({"apiVersion": API_VERSION, "kind": kind, **values}, 0, 2)
        comments = [f"# {line}" for line in comment.splitlines()]
        text = "\n".join([*comments, *lines]) + "\n"
        return cls(path, relative(path, root), kind, text, None)

    def _check_header(self) -> None:
        version, kind = self.data.get("apiVersion"), self.data.get("kind")
        if version != API_VERSION:
            raise _wrong_version(self, version)
        if kind != self.kind:
            raise MlstackError(
                f"{self.place('kind')}: kind is {kind or 'missing'}, and must be {self.kind} in this file."
            )

    @property
    def text(self) -> str:
        """The file's text as `save` would write it."""
        return self._bom + self._text

    @property
    def changed(self) -> bool:
        """Whether `save` would write something."""
        return self._original is None or self.text.encode("utf-8") != self._original

    def get(self, *keys: str | int) -> Any:
        """The value at `keys`, None where there is none."""
        nodes = walk(self._root, keys)
        return nested.copied(nodes[-1].value) if nodes and len(nodes) == len(keys) + 1 else None

    def has(self, *keys: str | int) -> bool:
        """Whether there is an entry at `keys`, be it null."""
        return len(walk(self._root, keys)) == len(keys) + 1

    def mapping(self, *keys: str) -> dict[str, Any]:
        """The mapping at `keys`; {} where there is none. Raises MlstackError if something else stands there."""
        value = self.get(*keys)
        if value is not None and not isinstance(value, dict):
            raise MlstackError(f"{self.place(*keys)}: {keys[-1]} must be a mapping (name: value lines).")
        return value or {}

    def texts(self, *keys: str) -> list[str] | None:
        """The list of strings at `keys`, None where there is none. Raises MlstackError for anything else."""
        value = self.get(*keys)
        if value is None or (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            return value
        raise MlstackError(f"{self.place(*keys)}: {keys[-1]} must be a list of names.")

    def string(self, *keys: str) -> str:
        """The text at `keys`, "" where there is none. Raises MlstackError if something else stands there."""
        value = self.get(*keys)
        if value is not None and not isinstance(value, str):
            raise MlstackError(f"{self.place(*keys)}: {keys[-1]} must be text; put it in quotes.")
        return value or ""

    def place(self, *keys: str | int) -> Place:
        """Where the entry at `keys` stands; its nearest parent's line where there is none."""
        nodes = walk(self._root, keys)
        depth = len(nodes) - 1
        if depth < 1 or not isinstance(nodes[depth - 1], Branch):
            return Place(self.file)
        span, _ = nodes[depth - 1].entries[keys[depth - 1]]  # type: ignore[union-attr]
        return Place(self.file, span.line + 1)

    def places(self, *keys: str) -> dict[str, Place]:
        """The places of all entries below `keys`, nested ones by dotted path."""
        nodes = walk(self._root, keys)
        return dict(_places(nodes[-1], self.file, "")) if len(nodes) == len(keys) + 1 else {}

    def set(self, keys: Keys, value: Any) -> None:
        """Puts `value` at `keys`; mappings on the way that are missing are made."""
        wanted = nested.copied(self.data)
        if not nested.put(wanted, keys, nested.copied(value)):
            raise MlstackError(f"{self.place(*keys)}: {keys[0]} must be a mapping (name: value lines).")
        self._edit(lambda edit: edit.set(keys, value), wanted)

    def unset(self, keys: Keys) -> bool:
        """Removes the entry at `keys` and the mappings that this leaves empty; whether there was one."""
        if not self.has(*keys):
            return False
        wanted = nested.copied(self.data)
        nested.drop(wanted, keys)
        self._edit(lambda edit: edit.unset(keys), wanted)
        return True

    def rename(self, keys: Keys, new: str) -> None:
        """Calls the entry at `keys` `new`; its place and value stay."""
        wanted = nested.copied(self.data)
        holder = nested.at(wanted, keys[:-1])
        items = [(new if key == keys[-1] else key, value) for key, value in holder.items()]
        holder.clear()
        holder.update(items)
        self._edit(lambda edit: edit.rename(keys, new), wanted)

    def _edit(self, change: Callable[[Edit], str], wanted: dict[str, Any]) -> None:
        """Takes the smallest edit if it reads back as what is wanted; else the file is written anew by ruamel."""
        text, root = self._text, self._root
        attempts: tuple[Callable[[], str], ...] = (lambda: change(Edit(text, root)), lambda: _rewritten(text, wanted))
        for attempt in attempts:
            try:
                edited = attempt()
                read = parse(edited, self.file)
            except (NotEditableError, MlstackError):
                continue
            if nested.same(read.value if read else {}, wanted):
                self._adopt(edited, read)
                return
        raise MlstackError(
            f"{self.file} could not be edited: it uses YAML (anchors, several keys on a line) that only a person "
            "should change.",
            "Edit it by hand.",
        )

    def save(self) -> bool:
        """Writes the file atomically if it changed; whether it did. Raises MlstackError if someone else changed it
        since it was read.
        """
        if not self.changed:
            return False
        now = self.path.read_bytes() if self.path.exists() else None
        if now != self._original:
            problem = f"{self.file} was changed by someone else meanwhile; nothing was written."
            raise MlstackError(problem, "Run it again.")
        data = self.text.encode("utf-8")
        write_atomic(self.path, data)
        self._original = data
        return True


def relative(path: Path, root: Path) -> str:
    """`path` as it is called in messages: relative to the app's root."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _rewritten(text: str, wanted: dict[str, Any]) -> str:
    from mlstack.app.yamlrewrite import rewrite  # ruamel is 20 ms, and seldom needed

    return rewrite(text, wanted)


def _read(path: Path, file: str) -> bytes:
    try:
        raw = path.read_bytes()
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise MlstackError(f"{file}:{line}: this is not UTF-8 text.") from None
    except OSError as error:
        raise MlstackError(f"{file} could not be read: {error.strerror}.") from None
    return raw


def _wrong_version(file: YamlFile, version: Any) -> MlstackError:
    place = file.place("apiVersion")
    if isinstance(version, str) and version.startswith("mlstack.dev/"):
        return MlstackError(
            f"{place}: {version} is newer than this mlstack, which reads {API_VERSION}.", "Upgrade mlstack."
        )
    found = f"is {version}" if version else "is missing"
    return MlstackError(f"{place}: apiVersion {found}; it must be {API_VERSION}.")


def _places(node: Node, file: str, path: str) -> Iterator[tuple[str, Place]]:
    if isinstance(node, Branch) and isinstance(node.value, dict):
        for key, (span, below) in node.entries.items():
            dotted = f"{path}.{key}" if path else str(key)
            yield dotted, Place(file, span.line + 1)
            yield from _places(below, file, dotted)
