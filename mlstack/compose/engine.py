"""Jinja2 for templates of YAML: sandboxed, strict, and every `{{ value }}` written as one YAML value.

How no value breaks out: autoescape is on, so that Jinja keeps apart what is text of a template (Markup) and what
is a value; `finalize` turns each value into Markup by `emit`; and nothing here joins or cuts Markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import Namespace, missing
from markupsafe import Markup

from mlstack.compose.emit import emit
from mlstack.compose.filters import plain, refuse_rendered, template_filters, text
from mlstack.compose.marks import marked
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError, did_you_mean


class TemplateFailError(MlstackError):
    """What a template says by `fail("…")`."""


class _Missing(jinja2.StrictUndefined):
    """Says which name is missing, and the nearest that there is."""

    @property
    def _undefined_message(self) -> str:
        name = str(self._undefined_name)
        if isinstance(self._undefined_obj, Mapping):
            return f"there is no {name}. {did_you_mean(name, map(str, self._undefined_obj))}".rstrip()
        plain_name = self._undefined_obj is missing and not self._undefined_hint
        return f"{name} is not known" if plain_name else super()._undefined_message


class _Generator(CodeGenerator):
    """Sends `a ~ b` and `a[1:2]`, which Jinja compiles past its sandbox, through the environment."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802  Jinja's name
        self.write("environment.joined((")
        for argument in node.nodes:
            self.visit(argument, frame)
            self.write(", ")
        self.write("))")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802  Jinja's name
        if not isinstance(node.arg, nodes.Slice):
            super().visit_Getitem(node, frame)
            return
        self.write("environment.sliceable(")
        self.visit(node.node, frame)
        self.write(")[")
        self.visit(node.arg, frame)
        self.write("]")


class Engine(SandboxedEnvironment):
    """One prototype's templates and its package's library, ready to render."""

    code_generator_class = _Generator
    intercepted_binops = frozenset({"+", "*", "%"})

    def __init__(self, loader: jinja2.BaseLoader, compiled: jinja2.BytecodeCache | None = None) -> None:
        # Folded constants would not pass through `joined` and `finalize`.
        super().__init__(
            loader=loader,
            bytecode_cache=compiled,
            undefined=_Missing,
            autoescape=True,
            finalize=_write,
            optimized=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.filters = template_filters()
        self.globals = {"range": self.globals["range"], "dict": dict, "namespace": Namespace}
        self.globals["fail"] = _fail

    def joined(self, values: Iterable[Any]) -> str:
        """What `a ~ b` gives."""
        found = tuple(values)
        refuse_rendered(*found)
        return "".join(text(value) for value in found)

    def sliceable(self, value: Any) -> Any:
        """`value`, unless it is rendered text."""
        refuse_rendered(value)
        return value

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A map's key comes before its methods: `params.items` is the parameter of that name."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """No attribute of rendered text: its methods join and cut."""
        return not isinstance(obj, Markup) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Jinja looks here for `.format` before it asks `is_safe_attribute`."""
        refuse_rendered(getattr(value, "__self__", None))
        return super().wrap_str_format(value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """`+`, `*` and `%` on anything but rendered text."""
        refuse_rendered(left, right)
        return super().call_binop(context, operator, left, right)


# A function that wants the context is one that Jinja does not call while it compiles.
@jinja2.pass_context
def _write(_context: Any, value: Any) -> Markup:
    return value if isinstance(value, Markup) else Markup(marked(emit(plain(value))))


def _fail(message: Any) -> None:
    raise TemplateFailError(text(message))


@lru_cache(maxsize=64)
def engine(prototype: Prototype) -> Engine:
    """The engine of a prototype; templates are compiled once."""
    sources = {name: (source, path_of(prototype, name)) for name, source in prototype.templates.items()}
    for name, source in prototype.library.items():
        sources[f"lib/{name.removeprefix('lib/')}"] = (source, library_path(prototype, name))
    return Engine(_Sources(sources), prototype.compiled() if prototype.compiled else None)


def path_of(prototype: Prototype, template: str) -> str:
    """A template's path as errors name it."""
    return f"{prototype.source}/templates/{template}"


def library_path(prototype: Prototype, name: str) -> str:
    """The path of a file of the package's library as errors name it."""
    package = prototype.source.rpartition("/")[0]
    return f"{package}/lib/{name.removeprefix('lib/')}"


class _Sources(jinja2.BaseLoader):
    def __init__(self, sources: Mapping[str, tuple[str, str]]) -> None:
        self._sources = sources

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, None]:
        if template not in self._sources:
            hint = did_you_mean(template, self._sources)
            raise jinja2.TemplateNotFound(template, f"there is no {template}. {hint}")
        return (*self._sources[template], None)
