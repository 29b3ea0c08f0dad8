"""Prototypes: parametrised templates of components, read from what their folders hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mlstack.compose.includes import declared_parameters, declared_relations
from mlstack.compose.parameters import Parameter
from mlstack.compose.places import Place
from mlstack.compose.relations import Relation, parse_relations
from mlstack.errors import MlstackError, did_you_mean

if TYPE_CHECKING:
    from jinja2 import BytecodeCache

API_VERSION = "mlstack.dev/v1"

_KEYS = frozenset(
    {"apiVersion", "kind", "name", "version", "summary", "description", "lifecycle"}
    | {"required", "include", "parameters", "allOf", "aliases", "retired", "examples"}
    | {"pod_security", "grants", "endpoints"}
)
_TOLD = ("default", "unit", "description", "examples")  # for people, not part of the schema
_LEVELS = ("", "restricted", "baseline", "privileged")
_IMPLICIT = {
    "name": Parameter(
        "name", {"type": "string", "format": "name"}, help="Name of the objects; by default the component's."
    ),
    "namespace": Parameter(
        "namespace", {"type": "string", "format": "name"}, help="Namespace; by default the environment's."
    ),
}


@dataclass(frozen=True)
class Prototype:
    """A parametrised template.

    `templates`, `files` and `library` map paths below their folders to text (the library's are lib/NAME);
    `parameters` are its own over those of the sets that it includes, `relations` the rules between them; `source` is
    the prototype's folder as errors name it; `endpoints` maps a verb to what it opens, as
    "8501 /v1/models/{model_name}"; `lifecycle` is "service" or "run". `compiled` says where compiled templates are
    kept from one process to the next, if anywhere.
    """

    registry: str
    package: str
    name: str
    version: str
    summary: str = ""
    description: str = ""
    lifecycle: str = "service"
    parameters: Mapping[str, Parameter] = field(default_factory=dict, hash=False)
    relations: tuple[Relation, ...] = field(default=(), hash=False)
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    retired: Mapping[str, str] = field(default_factory=dict, hash=False)
    examples: tuple[Mapping[str, str], ...] = field(default=(), hash=False)
    pod_security: str = ""
    grants: Mapping[str, str] = field(default_factory=dict, hash=False)
    endpoints: Mapping[str, str] = field(default_factory=dict, hash=False)
    templates: Mapping[str, str] = field(default_factory=dict, hash=False)
    files: Mapping[str, str] = field(default_factory=dict, hash=False)
    library: Mapping[str, str] = field(default_factory=dict, hash=False)
    source: str = ""
    compiled: Callable[[], BytecodeCache | None] | None = field(default=None, compare=False, repr=False)

    @property
    def qualified(self) -> str:
        """REGISTRY/PACKAGE/PROTOTYPE."""
        return f"{self.registry}/{self.package}/{self.name}"

    def parameter(self, name: str) -> Parameter:
        """The parameter called `name` (or by an alias); an unknown one raises MlstackError."""
        found = self.parameters.get(self.aliases.get(name, name))
        if found is None:
            raise self.unknown(name)
        return found

    def unknown(self, name: str) -> MlstackError:
        """The error for a parameter that this prototype does not have."""
        describe = f"(mlstack prototype describe {self.name})"
        if name in self.retired:
            reason = f"has no effect any more: {self.retired[name]}."
            return MlstackError(f"{self.name}'s parameter {name} {reason}", describe)
        hint = f"{did_you_mean(name, [*self.parameters, *self.aliases])} {describe}".lstrip()
        return MlstackError(f"{self.name} has no parameter {name}.", hint)


def parse_prototype(
    data: Mapping[str, Any],
    templates: Mapping[str, str],
    files: Mapping[str, str],
    library: Mapping[str, str],
    registry: str,
    package: str,
    source: str,
    compiled: Callable[[], BytecodeCache | None] | None = None,
) -> Prototype:
    """The prototype that a prototype.yaml (`data`, plain values) and the folders beside it describe.

    Raises MlstackError that names `source`/prototype.yaml for what is missing, unknown or of a wrong type.
    """
    where = f"{source}/prototype.yaml"
    _check_head(data, where)
    parameters = _parameters(data, library, source)
    aliases = _texts(data, "aliases", where)
    for old, new in aliases.items():
        if new not in parameters or old in parameters:
            raise MlstackError(f"{where}: alias {old} must map a former name to a parameter; {new} is none.")
    return Prototype(
        registry=registry,
        package=package,
        name=data["name"],
        version=str(data.get("version", "0")),
        summary=str(data.get("summary", "")),
        description=str(data.get("description", "")),
        lifecycle=data.get("lifecycle", "service"),
        parameters=parameters,
        relations=tuple(
            relation
            for declared, file in declared_relations(data, library, source, API_VERSION)
            for relation in parse_relations(declared, parameters, file)
        ),
        aliases=aliases,
        retired=_texts(data, "retired", where),
        examples=tuple(data.get("examples") or ()),
        pod_security=data.get("pod_security", ""),
        grants=_texts(data, "grants", where),
        endpoints=_texts(data, "endpoints", where),
        templates=templates,
        files=files,
        library=library,
        source=source,
        compiled=compiled,
    )


def check_prototype(prototype: Prototype) -> None:
    """Raises MlstackError where a default or an example does not fit its own schema; for installing and for tests.

    A null default fits always: it means that there is no value until somebody gives one.
    """
    where = Place(f"{prototype.source}/prototype.yaml")
    for parameter in prototype.parameters.values():
        parameter.problem(None)  # compiles the schema
        if parameter.default is not None:
            parameter.check(parameter.default, where)
        for value in parameter.examples:
            parameter.check(value, where)
    defaults = {parameter.name: parameter.default for parameter in prototype.parameters.values()}
    for relation in prototype.relations:
        if not relation.holds(defaults) and all(defaults[name] is not None for name in relation.names):
            raise MlstackError(f"{where}: the defaults do not fit: {relation.told(defaults)}.")


def _check_head(data: Mapping[str, Any], where: str) -> None:
    if not isinstance(data, Mapping) or data.get("kind") != "Prototype" or not data.get("name"):
        raise MlstackError(f"{where}: a prototype needs kind: Prototype and a name.")
    if data.get("apiVersion") != API_VERSION:
        hint = f"This mlstack knows {API_VERSION}: a newer mlstack may know it."
        raise MlstackError(f"{where}: apiVersion {data.get('apiVersion')} is not known.", hint)
    for key in data:
        if key not in _KEYS:
            raise MlstackError(f"{where}: {key} is not known.", did_you_mean(str(key), _KEYS))
    if data.get("lifecycle", "service") not in ("service", "run"):
        raise MlstackError(f"{where}: lifecycle is {data['lifecycle']}, but must be service or run.")
    if data.get("pod_security", "") not in _LEVELS:
        raise MlstackError(f"{where}: pod_security is {data['pod_security']}, but must be one of {_LEVELS[1:]}.")


def _texts(data: Mapping[str, Any], key: str, where: str) -> dict[str, str]:
    found = data.get(key) or {}
    if not isinstance(found, Mapping) or not all(isinstance(text, str) for text in found.values()):
        raise MlstackError(f"{where}: {key} must map names to texts.")
    return dict(found)


def _parameters(data: Mapping[str, Any], library: Mapping[str, str], source: str) -> dict[str, Parameter]:
    required = data.get("required") or []
    found = dict(_IMPLICIT)
    for name, (schema, file) in declared_parameters(data, library, source, API_VERSION).items():
        if name in _IMPLICIT:
            found[name] = replace(found[name], schema={**found[name].schema, **_checked_part(schema)})
        else:
            found[name] = _parameter(name, schema, name in required, file)
    for name in required:
        if name not in found:
            hint = did_you_mean(name, found)
            raise MlstackError(f"{source}/prototype.yaml: required {name} is no parameter.", hint)
    return found


def _checked_part(declared: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in declared.items() if key not in _TOLD}


def _parameter(name: str, declared: Mapping[str, Any], required: bool, where: str) -> Parameter:
    if not name.isidentifier():
        raise MlstackError(f"{where}: {name} is no name for a parameter: letters, digits and _ only.")
    if not required and "default" not in declared:
        raise MlstackError(f"{where}: {name} needs a default (null is one), or must be listed in required.")
    schema = _checked_part(declared)
    help_, unit = str(declared.get("description", "")), str(declared.get("unit", ""))
    plain = Parameter(name, schema)
    examples = tuple(plain.normal(value) for value in declared.get("examples") or ())
    return Parameter(name, schema, plain.normal(declared.get("default")), unit, help_, required, examples)
