"""An app's folder: its files by name, found from any folder below it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mlstack.app.lock import read_lock
from mlstack.app.manifestfiles import holds_manifests
from mlstack.app.names import LABEL_VALUE, check_component_name
from mlstack.app.packages import Package
from mlstack.app.registries import Registry, open_registry
from mlstack.app.yamlfile import YamlFile
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError, did_you_mean
from mlstack.plan.fit.pools import Growth, growth

APP = "mlstack.yaml"
COMPONENTS = "components"
ENVIRONMENTS = "environments"
LOCAL = ".mlstack/local.yaml"
APP_KEYS = frozenset({"apiVersion", "kind", "name", "id", "registries", "packages", "params", "conflicts"})
COMPONENT_KEYS = frozenset({"apiVersion", "kind", "prototype", "version", "params", "patches"})
ENVIRONMENT_KEYS = frozenset(
    {"apiVersion", "kind", "id", "platform", "context", "server", "cluster", "namespace", "protected", "autoscaling"}
    | {"components", "params", "component_params", "patches"}
)
LOCAL_KEYS = frozenset({"apiVersion", "kind", "environments"})


class AppNotFoundError(MlstackError):
    """No folder from here upwards holds an app."""


@dataclass(frozen=True)
class ComponentFile:
    """A component: `file` (a prototype and values), or `folder` (plain manifests of the user's own)."""

    name: str
    file: YamlFile | None = None
    folder: Path | None = None

    @property
    def prototype(self) -> str:
        """REGISTRY/PACKAGE/PROTOTYPE, "" for plain manifests."""
        return self.file.string("prototype") if self.file else ""

    @property
    def params(self) -> Mapping[str, Any]:
        """The values in its file."""
        return self.file.mapping("params") if self.file else {}


@dataclass(frozen=True)
class Environment:
    """An environment's own file, and what this person's local file says instead of it or beside it."""

    name: str
    file: YamlFile
    local: YamlFile | None

    def _mine_first(self, key: str) -> str:
        mine = self.local.string("environments", self.name, key) if self.local else ""
        return mine or self.file.string(key)

    @property
    def id(self) -> str:
        """Its immutable id: renaming the environment orphans nothing in the cluster."""
        return self.file.string("id") or self.name

    @property
    def platform(self) -> str:
        """The platform's name."""
        return self.file.string("platform") or "generic"

    @property
    def context(self) -> str:
        """The kubeconfig context, the local file's first."""
        return self._mine_first("context")

    @property
    def server(self) -> str:
        """The API server's address when the environment was made or pinned; "" if not known."""
        return self._mine_first("server")

    @property
    def cluster(self) -> str:
        """The UID of the cluster that it is pinned to; "" before first contact."""
        return self._mine_first("cluster")

    @property
    def namespace(self) -> str:
        """The namespace."""
        return self.file.string("namespace") or "default"

    @property
    def local_params(self) -> tuple[str, ...]:
        """The names of the parameters that the local file sets here: NAME, or COMPONENT.NAME."""
        own = self.local.mapping("environments", self.name) if self.local else {}
        wide = [str(name) for name in own.get("params") or {}]
        parts = (own.get("component_params") or {}).items()
        return (*wide, *(f"{component}.{name}" for component, given in parts for name in given))

    @property
    def protected(self) -> bool:
        """Whether changes are asked for first."""
        return bool(self.file.get("protected"))

    @property
    def autoscaling(self) -> Any:
        """none, unknown, or a list of pools; None where the file says nothing (the platform decides)."""
        return self.file.get("autoscaling")

    def grows(self, platform: Mapping[str, Any]) -> Growth:
        """Which nodes may still come: as its file says, else as the platform does.

        Raises MlstackError, with file and line, for what is no pool.
        """
        try:
            return growth(self.autoscaling or platform.get("autoscaling"), platform.get("node_labels") or ())
        except MlstackError as error:
            raise MlstackError(f"{self.file.place('autoscaling')}: {error.message}.", error.hint) from None

    @property
    def components(self) -> list[str] | None:
        """The components that it takes; None: all."""
        return self.file.texts("components")


@dataclass(frozen=True)
class Project:
    """An app as its files stand when they are first asked for. After an edit, load it anew.

    `edited`: files that are taken as they are here instead of from the disk (`with_file`).
    """

    root: Path
    app: YamlFile
    edited: Mapping[Path, YamlFile] = field(default_factory=dict)

    @classmethod
    def find(cls, start: Path) -> Project:
        """The app that `start` or a folder above it holds. Raises MlstackError if there is none."""
        folder = start.resolve()
        for candidate in (folder, *folder.parents):
            if (candidate / APP).is_file():
                return cls.load(candidate)
        raise AppNotFoundError(f"There is no app in {start} or above it (no {APP}).", "Make one: mlstack init NAME")

    @classmethod
    def load(cls, root: Path) -> Project:
        """The app in `root` itself."""
        if not (root / APP).is_file():
            raise AppNotFoundError(f"{root} is no app: it has no {APP}.", "Make one: mlstack init NAME")
        return cls(root, _load(root / APP, root, "App", APP_KEYS))

    def with_file(self, file: YamlFile) -> Project:
        """The app as it would be with `file` as edited: to look at the effect before anything is written."""
        app = file if file.kind == "App" else self.app
        return replace(self, app=app, edited={**self.edited, file.path: file})

    def _read(self, path: Path, kind: str, keys: Iterable[str]) -> YamlFile:
        return self.edited.get(path) or _load(path, self.root, kind, keys)

    @property
    def name(self) -> str:
        """The app's name."""
        return self.app.string("name") or self.root.name

    @property
    def id(self) -> str:
        """The app's id, made by init: part of its field manager's name."""
        return self.app.string("id") or self.name

    @cached_property
    def lock(self) -> YamlFile:
        """mlstack.lock."""
        return read_lock(self.root)

    @cached_property
    def local(self) -> YamlFile | None:
        """This person's own file, which git ignores; None if there is none."""
        path = self.root / LOCAL
        there = path in self.edited or path.exists()
        return self._read(path, "Local", LOCAL_KEYS) if there else None

    def without_local(self) -> Project:
        """The app as everybody else has it: without this person's own file."""
        shared = replace(self)
        shared.__dict__["local"] = None
        return shared

    def local_to_edit(self) -> YamlFile:
        """A copy of the local file, to edit; an empty one, not yet saved, where there is none."""
        if self.local:
            return copy.copy(self.local)
        comment = "One person's own, ignored by git: contexts and pins of clusters that only this machine has."
        return YamlFile.new(self.root / LOCAL, self.root, "Local", {}, comment)

    @cached_property
    def registries(self) -> dict[str, Registry]:
        """The registries that the app knows."""
        known = self.app.mapping("registries")
        return {name: open_registry(name, str(address), self.root) for name, address in known.items()}

    def registry(self, name: str) -> Registry:
        """The registry called `name`."""
        if name not in self.registries:
            raise MlstackError(f"This app knows no registry {name}.", did_you_mean(name, self.registries))
        return self.registries[name]

    @cached_property
    def component_names(self) -> tuple[str, ...]:
        """The names of its components, sorted."""
        folder = self.root / COMPONENTS
        visible = [path for path in folder.glob("*") if not path.name.startswith(".")]
        files = {path.stem for path in visible if path.suffix == ".yaml" and not path.is_dir()}
        folders = {path.name for path in visible if path.is_dir() and holds_manifests(path)}
        for path in visible:
            if path.suffix in (".yml", ".json") and not path.is_dir():
                problem = f"{COMPONENTS}/{path.name}: a component's file is called NAME.yaml."
                raise MlstackError(problem, f"Rename it, or put manifests into a directory: {COMPONENTS}/{path.stem}/")
        if both := sorted(files & folders):
            raise MlstackError(f"{COMPONENTS}/{both[0]}.yaml and {COMPONENTS}/{both[0]}/ are both there: keep one.")
        return tuple(sorted(files | folders))

    @cached_property
    def environment_names(self) -> tuple[str, ...]:
        """The names of its environments, sorted."""
        return _stems(self.root / ENVIRONMENTS)

    @cached_property
    def vendored(self) -> dict[str, Package]:
        """The vendored packages that were read and checked already, by REGISTRY/PACKAGE."""
        return {}

    @cached_property
    def platforms(self) -> dict[str, dict[str, Any]]:
        """Platforms to take instead of the vendored ones, by name: to look at the effect of an update."""
        return {}

    @cached_property
    def known_names(self) -> dict[str, set[str]]:
        """The names of parameters that were gathered already, by what they were gathered from."""
        return {}

    @cached_property
    def prototypes(self) -> dict[str, Prototype]:
        """The prototypes that were read already, by component."""
        return {}

    @cached_property
    def _files(self) -> dict[str, ComponentFile]:
        return {}

    def component(self, name: str) -> ComponentFile:
        """The component called `name`. Raises MlstackError for an unknown one, with the nearest name."""
        if name not in self._files:
            self._files[name] = self._component(name)
        return self._files[name]

    def _component(self, name: str) -> ComponentFile:
        if name not in self.component_names:
            raise unknown("component", name, self.component_names, "Make one: mlstack generate PROTOTYPE NAME")
        path = self.root / COMPONENTS / f"{name}.yaml"
        check_component_name(name, f"{COMPONENTS}/{name}{'.yaml' if path.is_file() else '/'}")
        if path.is_file():
            return ComponentFile(name, self._read(path, "Component", COMPONENT_KEYS))
        return ComponentFile(name, folder=self.root / COMPONENTS / name)

    def environment(self, name: str) -> Environment:
        """The environment called `name`. Raises MlstackError for an unknown one, with the nearest name."""
        if name not in self.environment_names:
            raise unknown("environment", name, self.environment_names, "Make one: mlstack env add NAME")
        path = self.root / ENVIRONMENTS / f"{name}.yaml"
        return Environment(name, self._read(path, "Environment", ENVIRONMENT_KEYS), self.local)


def unknown(what: str, name: str, known: Iterable[str], otherwise: str) -> MlstackError:
    """The error for a name that this app does not have."""
    shown = name if LABEL_VALUE.match(name) else repr(name)
    return MlstackError(f"This app has no {what} {shown}.", did_you_mean(name, known) or otherwise)


def _stems(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in folder.glob("*.yaml") if not path.name.startswith(".")))


def _load(path: Path, root: Path, kind: str, keys: Iterable[str]) -> YamlFile:
    file = YamlFile.load(path, root, kind)
    for key in file.data:
        if key not in keys:
            raise MlstackError(
                f"{file.place(key)}: {key} is not known in {'an' if kind[0] in 'AE' else 'a'} {kind} file.",
                did_you_mean(key, keys),
            )
    return file
