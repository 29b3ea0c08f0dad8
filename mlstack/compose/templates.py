"""A prototype's templates to objects; what goes wrong is said with template, line, component and parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import jinja2

from mlstack.compose.documents import parse_manifests
from mlstack.compose.engine import TemplateFailError, engine, library_path, path_of
from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Manifest
from mlstack.compose.marks import misplaced, spans, without_marks
from mlstack.compose.places import Place, PlacedError
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError

# What an expression of a template can raise: Jinja's own, Python's on wrong operands, and ours.
_EXPRESSION_ERRORS = (
    jinja2.TemplateError,
    MlstackError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
)
_PARAMETER = re.compile(r"params(?:\.|\[[\"'])(\w+)")
_MISPLACED = "a value must be a whole YAML value, outside quotes and other text"
_MISPLACED_HINT = 'Write key: {{ "text-" ~ value }}, without quotes around it.'


def render_templates(
    prototype: Prototype, settings: Mapping[str, Setting], component: str, context: Mapping[str, Any]
) -> list[Manifest]:
    """The objects of all templates: by the templates' names, then in the order of their documents.

    `context` is what templates see beside `params`, `name`, `namespace`, `component` and `files`.
    """
    params = {name: setting.value for name, setting in settings.items()}
    own = {"params": params, "name": params["name"], "namespace": params["namespace"]}
    rest = {"component": component, "files": prototype.files}
    rendering = _Rendering(prototype, settings, component, {**context, **own, **rest})
    return [manifest for name in sorted(prototype.templates) for manifest in rendering.manifests(name)]


@dataclass(frozen=True)
class _Rendering:
    prototype: Prototype
    settings: Mapping[str, Setting]
    component: str
    context: Mapping[str, Any]

    def manifests(self, name: str) -> list[Manifest]:
        text = self._text(name)
        clean = without_marks(text)
        path = path_of(self.prototype, name)
        try:
            found = parse_manifests(clean, Place(path))
            strange = misplaced(clean, spans(text))
            if strange is not None:
                line = clean.count("\n", 0, strange[0]) + 1
                raise PlacedError(Place(path, line), _MISPLACED, _MISPLACED_HINT)
        except PlacedError as error:
            raise self._unreadable(name, clean, error) from error
        return found

    def _text(self, name: str) -> str:
        try:
            return engine(self.prototype).get_template(name).render(self.context)
        except TemplateFailError as error:
            raise MlstackError(f"{self.component} ({self.prototype.name}): {error.message}", error.hint) from error
        except jinja2.TemplateSyntaxError as error:
            path, line = error.filename or path_of(self.prototype, name), error.lineno
            raise self._failure(path, line, "", error.message or "broken template") from error
        except _EXPRESSION_ERRORS as error:
            path, line = _deepest_line(error.__traceback__, self._sources()) or (path_of(self.prototype, name), 0)
            source = self._sources().get(path, "").splitlines()[line - 1 : line]
            hint = error.hint if isinstance(error, MlstackError) else ""
            raise self._failure(path, line, "".join(source), _said(error), hint) from error

    def _sources(self) -> dict[str, str]:
        found = {path_of(self.prototype, name): text for name, text in self.prototype.templates.items()}
        return found | {library_path(self.prototype, n): text for n, text in self.prototype.library.items()}

    def _unreadable(self, name: str, rendered: str, error: PlacedError) -> MlstackError:
        """The error of a rendered line, told by the template's line that it came from where that is clear."""
        line = error.place.line or 1
        written = rendered.splitlines()[line - 1 : line]
        shown = written[0].strip() if written else ""
        source = self.prototype.templates[name].splitlines()
        origins = [n for n, text in enumerate(source, 1) if _may_render(text, shown)]
        origin = origins[0] if len(origins) == 1 else None
        about = source[origin - 1] if origin else ""
        problem = f"{error.problem}: {shown}" if shown else error.problem
        said = problem if origin else f"line {line} of what it renders: {problem}"
        return self._failure(error.place.file, origin, about, said, error.hint)

    def _failure(self, path: str, line: int | None, source: str, problem: str, hint: str = "") -> MlstackError:
        named = dict.fromkeys(name for name in _PARAMETER.findall(source) if name in self.settings)
        values = "".join(f"; {_shown(self.settings[name])}" for name in named)
        about = f"component {self.component}, prototype {self.prototype.qualified}{values}"
        return MlstackError(f"{Place(path, line)}: {problem.rstrip('.')} ({about}).", hint)


def _deepest_line(trace: TracebackType | None, paths: Mapping[str, str]) -> tuple[str, int] | None:
    """(path, line) of the innermost template; Jinja puts the templates' own lines into tracebacks."""
    found = None
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        found = (path, trace.tb_lineno) if path in paths else found
        trace = trace.tb_next
    return found


def _said(error: BaseException) -> str:
    if isinstance(error, MlstackError):
        return error.message
    if isinstance(error, jinja2.TemplateError):
        return error.message or type(error).__name__
    return f"{type(error).__name__}: {error}"


def _shown(setting: Setting) -> str:
    at = f" at {setting.place}" if setting.place else ""
    return f"{setting.name} = {json.dumps(setting.value, ensure_ascii=False)[:80]}{at}"


def _may_render(source: str, rendered: str) -> bool:
    """Whether a template's line begins like a rendered one."""
    start = re.split(r"\{[{%#]", source, maxsplit=1)[0].strip()
    return bool(start) and rendered.startswith(start) and ("{" in source or source.strip() == rendered)
