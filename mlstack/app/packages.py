"""Packages: folders of prototypes with a version, in a registry or vendored into an app."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack.compose.places import Place
from mlstack.compose.yamltext import load_documents
from mlstack.errors import MlstackError, did_you_mean

if TYPE_CHECKING:
    from jinja2 import BytecodeCache

    from mlstack.compose.prototypes import Prototype

API_VERSION = "mlstack.dev/v1"


@dataclass(frozen=True)
class Package:
    """A package. `folder` holds it, `shared` its registry's macros; `source` names the folder in messages."""

    registry: str
    name: str
    version: str
    description: str
    library: tuple[str, ...]
    folder: Path
    shared: Path
    source: str

    @property
    def qualified(self) -> str:
        """REGISTRY/PACKAGE."""
        return f"{self.registry}/{self.name}"

    @property
    def prototypes(self) -> tuple[str, ...]:
        """The names of its prototypes, sorted."""
        return tuple(sorted(found.parent.name for found in self.folder.glob("*/prototype.yaml")))


def read_package(folder: Path, registry: str, source: str) -> Package:
    """The package in `folder`: its package.yaml, its macros in `lib/` or, in a registry, in the registry's."""
    where = f"{source}/package.yaml"
    data = read_document(folder / "package.yaml", where, "Package")
    library = data.get("library") or []
    if not isinstance(library, list) or not all(isinstance(name, str) for name in library):
        raise MlstackError(f"{where}: library must be a list of file names.")
    own = folder / "lib"
    return Package(
        registry=registry,
        name=str(data.get("name", folder.name)),
        version=str(data.get("version", "0")),
        description=str(data.get("description", "")),
        library=tuple(library),
        folder=folder,
        shared=own if own.is_dir() else folder.parent / "lib",
        source=source,
    )


def read_prototype(package: Package, name: str) -> Prototype:
    """The package's prototype called `name`. Raises MlstackError for an unknown or broken one."""
    from mlstack.compose.prototypes import parse_prototype

    if name not in package.prototypes:
        raise MlstackError(f"{package.qualified} has no prototype {name}.", did_you_mean(name, package.prototypes))
    folder = package.folder / name
    source = f"{package.source}/{name}"
    return parse_prototype(
        data=read_document(folder / "prototype.yaml", f"{source}/prototype.yaml", "Prototype"),
        templates=_texts(folder / "templates", "*.yaml"),
        files=_texts(folder / "files", "*"),
        library={f"lib/{file}": _text(package.shared / file, package) for file in package.library},
        registry=package.registry,
        package=package.name,
        source=source,
        compiled=_compiled,
    )


def _compiled() -> BytecodeCache | None:
    from mlstack.app.compiled import compiled_templates  # Jinja2 only where something is rendered

    return compiled_templates()


def read_document(path: Path, where: str, kind: str) -> dict[str, Any]:
    """The one document of a package's or platform's file, whose apiVersion and `kind` must be right."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise MlstackError(f"{where} is missing.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise MlstackError(f"{where} could not be read: {error}.") from None
    documents = [value for _, value in load_documents(text, Place(where))]
    data = documents[0] if len(documents) == 1 else None
    if not isinstance(data, dict) or data.get("kind") != kind:
        raise MlstackError(f"{where}: this must be one mapping with kind: {kind}.")
    if data.get("apiVersion") != API_VERSION:
        raise MlstackError(
            f"{where}: apiVersion {data.get('apiVersion')} is not known; this mlstack reads {API_VERSION}.",
            "A newer mlstack may know it.",
        )
    return data


def package_files(package: Package) -> Iterator[tuple[str, bytes]]:
    """(path below the vendored folder, bytes) of everything that belongs to a package, its macros included."""
    for path in tree_files(package.folder):
        if not path.startswith("lib/"):
            yield path, (package.folder / path).read_bytes()
    for name in package.library:
        yield f"lib/{name}", _text(package.shared / name, package).encode("utf-8")


def tree_files(folder: Path) -> list[str]:
    """The files below `folder`, sorted; what editors, Finder and Python leave about is none of them."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if not any(map(_litter, path.parts)))


def _litter(part: str) -> bool:
    return part.startswith(".") or part.endswith(("~", ".pyc")) or part == "__pycache__"


def _texts(folder: Path, pattern: str) -> dict[str, str]:
    paths = [path for path in tree_files(folder) if Path(path).match(pattern)] if folder.is_dir() else []
    return {path: (folder / path).read_text("utf-8") for path in paths}


def _text(path: Path, package: Package) -> str:
    if not path.is_file():
        raise MlstackError(f"{package.source}/package.yaml: library lists {path.name}, and there is no such file.")
    return path.read_text("utf-8")
