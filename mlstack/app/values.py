"""The values in an app's files as they are remembered with each revision, and how they are brought back."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from mlstack.app import nested
from mlstack.app.assemble import chosen
from mlstack.app.project import APP, COMPONENTS, ENVIRONMENTS, Project
from mlstack.app.yamlfile import YamlFile

# The keys of each kind of file that make what renders; all else in it is about the app, not about a revision.
APP_VALUES = ("params",)
COMPONENT_VALUES = ("prototype", "version", "params", "patches")
ENVIRONMENT_VALUES = ("components", "params", "component_params", "patches")


def file_values(project: Project, environment: str) -> dict[str, dict[str, Any]]:
    """{file: {key: value}} of the app's file, the environment's, and those of its components."""
    env = project.environment(environment)
    found = {APP: _values(project.app, APP_VALUES), env.file.file: _values(env.file, ENVIRONMENT_VALUES)}
    for name in chosen(project, env):
        file = project.component(name).file
        if file is not None:
            found[file.file] = _values(file, COMPONENT_VALUES)
    return found


def _values(file: YamlFile, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key in keys if (value := file.get(key)) is not None}


def brought_back(
    project: Project, environment: str, former: Mapping[str, Mapping[str, Any]]
) -> tuple[list[YamlFile], list[str]]:
    """The files to save so that `file_values` gives `former` again, and a sentence on each that only a person may
    mend. Nothing is written here; comments stay, also on what goes back."""
    files, notes = [], []
    for name, values in former.items():
        file = _file(project, environment, name, values)
        if file is None:
            notes.append(f"{name} is not there any more: take it from git.")
            continue
        keys = _keys(name)
        for path, value in _edits({key: file.get(key) for key in keys}, {key: values.get(key) for key in keys}):
            if value is None:
                file.unset(path)
            else:
                file.set(path, value)
        files += [file] if file.changed else []
    return files, [*notes, *_newer(project, environment, former)]


def _keys(name: str) -> tuple[str, ...]:
    if name == APP:
        return APP_VALUES
    return COMPONENT_VALUES if name.startswith(f"{COMPONENTS}/") else ENVIRONMENT_VALUES


def _file(project: Project, environment: str, name: str, values: Mapping[str, Any]) -> YamlFile | None:
    """The file to edit; a component's that went is made anew."""
    if name == APP:
        return copy.copy(project.app)
    stem = name.rpartition("/")[2].removesuffix(".yaml")
    if name.startswith(f"{ENVIRONMENTS}/"):
        return copy.copy(project.environment(environment).file) if stem == environment else None
    if stem in project.component_names:
        return copy.copy(project.component(stem).file)
    return YamlFile.new(project.root / name, project.root, "Component", values)


def _edits(now: Any, former: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(keys, value) of the smallest edits that lead from one mapping to the other; None: the entry goes."""
    for key in [*former, *(key for key in now if key not in former)]:
        before, after = now.get(key), former.get(key)
        if nested.same(before, after):
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _edits(before, after, (*path, key))
        else:
            yield (*path, key), after


def _newer(project: Project, environment: str, former: Mapping[str, Any]) -> list[str]:
    """Components that the revision did not have: their files are left."""
    there = set(chosen(project, project.environment(environment)))
    files = {name: project.component(name).file for name in sorted(there)}
    return [
        f"{file.file} did not exist then and is left: `mlstack component rm {name}` removes it."
        for name, file in files.items()
        if file is not None and file.file not in former
    ]
