"""Parameters that prototypes have in common: sets in their package's library, merged under their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlstack.compose.places import Place
from mlstack.compose.yamltext import load_documents
from mlstack.errors import MlstackError, did_you_mean

KIND = "Parameters"
_KEYS = frozenset({"apiVersion", "kind", "description", "parameters", "allOf"})


def declared_parameters(
    data: Mapping[str, Any], library: Mapping[str, str], source: str, api_version: str
) -> dict[str, tuple[Mapping[str, Any], str]]:
    """The schema of each parameter of a prototype.yaml and the file that says it, as errors name it.

    Later sets of `include` go over former ones and the prototype's own over all, key by key of a parameter's schema;
    null takes a parameter away. With sets the order is that of the names. Raises MlstackError by file.
    """
    where = f"{source}/prototype.yaml"
    names = data.get("include") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise MlstackError(f"{where}: include must be a list of names, each of a file lib/NAME.yaml.")
    found: dict[str, tuple[Mapping[str, Any], str]] = {}
    for name in names:
        path = f"{source.rpartition('/')[0]}/lib/{name}.yaml"
        _merge(found, _read_set(name, library, where, path, api_version).get("parameters") or {}, path)
    _merge(found, data.get("parameters") or {}, where)
    return dict(sorted(found.items())) if names else found


def declared_relations(
    data: Mapping[str, Any], library: Mapping[str, str], source: str, api_version: str
) -> Iterator[tuple[Any, str]]:
    """(allOf, the file that has it) of each set that a prototype.yaml includes, then its own."""
    where = f"{source}/prototype.yaml"
    for name in data.get("include") or ():
        path = f"{source.rpartition('/')[0]}/lib/{name}.yaml"
        yield _read_set(name, library, where, path, api_version).get("allOf") or [], path
    yield data.get("allOf") or [], where


def _read_set(name: str, library: Mapping[str, str], where: str, path: str, api_version: str) -> Any:
    text = library.get(f"lib/{name}.yaml")
    if text is None:
        known = [key.removeprefix("lib/").removesuffix(".yaml") for key in library if key.endswith(".yaml")]
        hint = f"{did_you_mean(name, known)} The library of its package.yaml must list {name}.yaml.".lstrip()
        raise MlstackError(f"{where}: include names {name}, and the package has no lib/{name}.yaml.", hint)
    documents = [value for _, value in load_documents(text, Place(path))]
    data = documents[0] if len(documents) == 1 else None
    if not isinstance(data, dict) or data.get("kind") != KIND or data.get("apiVersion") != api_version:
        raise MlstackError(f"{path}: this must be one mapping with apiVersion: {api_version} and kind: {KIND}.")
    for key in data:
        if key not in _KEYS:
            raise MlstackError(f"{path}: {key} is not known.", did_you_mean(str(key), _KEYS))
    return data


def _merge(found: dict[str, tuple[Mapping[str, Any], str]], declared: Any, where: str) -> None:
    if not isinstance(declared, Mapping) or not all(isinstance(s, Mapping | None) for s in declared.values()):
        raise MlstackError(f"{where}: parameters must map names to schemas.")
    for name, schema in declared.items():
        if schema is not None:
            found[name] = ({**found.get(name, ({}, ""))[0], **schema}, where)
        elif found.pop(name, None) is None:
            raise MlstackError(
                f"{where}: {name} is null, which takes an included parameter away, and no set has it.",
                did_you_mean(name, found),
            )
