"""The kubeconfig as data: which contexts there are, and what each one says. Sends nothing, imports nothing heavy."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mlstack.cluster.failures import KubeconfigError
from mlstack.errors import did_you_mean

_SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}


@dataclass(frozen=True)
class Entry:
    """One named cluster, user or context. Relative paths in it are relative to `folder`."""

    name: str
    data: Mapping[str, Any]
    folder: Path


@dataclass(frozen=True)
class Context:
    """A context: its cluster's server, and the namespace it names ("" where it names none)."""

    name: str
    server: str
    namespace: str
    cluster: Entry
    user: Entry


@dataclass(frozen=True)
class Kubeconfig:
    """All kubeconfig files merged as kubectl does: the first file that names a thing wins."""

    paths: tuple[Path, ...]
    current: str = ""
    clusters: Mapping[str, Entry] = field(default_factory=dict)
    users: Mapping[str, Entry] = field(default_factory=dict)
    contexts: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all contexts, sorted."""
        return tuple(sorted(self.contexts))

    @property
    def where(self) -> str:
        """The files, as a person names them."""
        return os.pathsep.join(str(path) for path in self.paths)

    def context(self, name: str) -> Context:
        """The context of that name; KubeconfigError lists those that there are."""
        if name not in self.contexts:
            raise KubeconfigError(f"There is no context {name!r} in {self.where}.", self._offer(name))
        data = self.contexts[name].data
        cluster = self._part("cluster", self.clusters, data, name)
        user = self._part("user", self.users, data, name) if data.get("user") else _nobody(cluster)
        server = str(cluster.data.get("server") or "")
        if not server:
            raise KubeconfigError(f"Cluster {cluster.name!r} of context {name!r} in {self.where} has no server.")
        return Context(name, server.rstrip("/"), str(data.get("namespace") or ""), cluster, user)

    def _part(self, word: str, known: Mapping[str, Entry], data: Mapping[str, Any], context: str) -> Entry:
        name = str(data.get(word) or "")
        if name not in known:
            problem = f"Context {context!r} names the {word} {name!r}, which is not in {self.where}."
            raise KubeconfigError(problem, did_you_mean(name, known))
        return known[name]

    def _offer(self, name: str) -> str:
        if not self.contexts:
            return "There are no contexts in it: `mlstack sandbox up` makes a cluster to try, or pass --kubeconfig."
        near = did_you_mean(name, self.names)
        listed = f"There are: {', '.join(self.names)}."
        return listed if near == listed else f"{near} {listed}"


def load(kubeconfig: str | None = None) -> Kubeconfig:
    """Reads `kubeconfig` if given, else the files of $KUBECONFIG, else ~/.kube/config.

    A file that was asked for by name must be there; one of several in $KUBECONFIG, or the default one, may be missing
    (no contexts then). Raises KubeconfigError for what cannot be read.
    """
    paths = _paths(kubeconfig)
    if kubeconfig and not paths[0].is_file():
        raise KubeconfigError(f"There is no kubeconfig file {paths[0]}.", "Check the path of --kubeconfig.")
    return _merge(paths, [(path, _read(path)) for path in paths if path.is_file()])


def _paths(kubeconfig: str | None) -> tuple[Path, ...]:
    if kubeconfig:
        return (Path(kubeconfig).expanduser(),)
    listed = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return tuple(Path(part).expanduser() for part in listed) or (Path.home() / ".kube" / "config",)


def _read(path: Path) -> Mapping[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        data = yaml.load(path.read_text("utf-8"), Loader=loader)
    except (OSError, UnicodeDecodeError) as error:
        raise KubeconfigError(f"The kubeconfig {path} cannot be read: {_cause(error)}.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        # The parser's own words would quote the line, which may hold a token.
        raise KubeconfigError(f"{place}: the kubeconfig is not valid YAML.", "Mend it there.") from None
    if not isinstance(data or {}, dict):
        raise KubeconfigError(f"{path}: a kubeconfig is a mapping with clusters, users and contexts.")
    return data or {}


def _cause(error: Exception) -> str:
    return str(getattr(error, "strerror", "") or "it is not UTF-8 text")


def _merge(paths: tuple[Path, ...], files: Iterable[tuple[Path, Mapping[str, Any]]]) -> Kubeconfig:
    merged: dict[str, dict[str, Entry]] = {section: {} for section in _SECTIONS}
    current = ""
    for path, data in files:
        current = current or str(data.get("current-context") or "")
        for section, word in _SECTIONS.items():
            for entry in _entries(path, data, section, word):
                merged[section].setdefault(entry.name, entry)
    return Kubeconfig(paths, current, **merged)


def _entries(path: Path, data: Mapping[str, Any], section: str, word: str) -> Iterable[Entry]:
    for item in data.get(section) or []:
        if not isinstance(item, dict) or not isinstance(item.get(word) or {}, dict) or "name" not in item:
            raise KubeconfigError(f"{path}: each item of {section} needs a name and a {word}.")
        yield Entry(str(item["name"]), item.get(word) or {}, path.parent.absolute())


def _nobody(cluster: Entry) -> Entry:
    return Entry("", {}, cluster.folder)
