from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jinja2
import pytest
from jinja2.exceptions import SecurityError

from mlstack.compose.engine import TemplateFailError, engine, library_path, path_of
from mlstack.compose.marks import without_marks
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError

MakePrototype = Callable[..., Prototype]

LIBRARY = {
    "pods.j2": "{% macro limits(n) %}{{ {'gpu': n} }}{% endmacro %}\n"
    "{% macro around(name) %}\n- name: {{ name }}\n  text: {{ caller() }}\n{% endmacro %}\n"
}
IMPORT = '{% import "lib/pods.j2" as pods %}'


@pytest.fixture
def write(make_prototype: MakePrototype) -> Callable[..., str]:
    """What a template writes, without marks."""

    def written(template: str, **context: Any) -> str:
        prototype = make_prototype({}, template, library=LIBRARY)
        return without_marks(engine(prototype).get_template("a.yaml").render(context))

    return written


@pytest.mark.parametrize(
    ("template", "written"),
    [
        ("{{ x }}", '"a<b"'),
        ('{{ "yes" }}', '"yes"'),
        ('{{ "a" "b" }}', '"ab"'),
        ('{{ x ~ "-" ~ 1 ~ true }}', '"a<b-1true"'),
        ('{{ "a" ~ true ~ 1e16 }}', '"atrue1.0e+16"'),
        ("{{ 1e16 }}", "1.0e+16"),
        ("{{ [x, 1, none, {x: true}] }}", '["a<b", 1, null, {"a<b": true}]'),
        ("{{ x | upper }}", '"A<B"'),
        ("{{ x[1:] }}", '"<b"'),
        ("{{ x.replace('a', 'b') }}", '"b<b"'),
        ('{{ "%s!" % x }}', '"a<b!"'),
        ('{{ "%s!" | format(x) }}', '"a<b!"'),
        ("{{ m.items }}", "1"),
        ("{{ m | length }}", "1"),
        ("{{ m.keys() | list }}", '["items"]'),
        ("{% for i in range(2) %}{{ i }},{% endfor %}", "0,1,"),
        ("{% if true %}\na\n{% endif %}\nb", "a\nb"),
        ("{% set n = namespace(a=1) %}{{ n.a }}", "1"),
        (f"{IMPORT}{{{{ pods.limits(2) }}}}", '{"gpu": 2}'),
        (f"{IMPORT}{{% set l = pods.limits(x) %}}a: {{{{ l }}}}", 'a: {"gpu": "a<b"}'),
        (f"{IMPORT}{{{{ pods.limits(x) | text }}}}", '"{\\"gpu\\": \\"a<b\\"}"'),
        (f"{IMPORT}{{% call pods.around(x) %}}{{{{ 1 }}}}{{% endcall %}}", '- name: "a<b"\n  text: 1\n'),
        ("{% set t %}a {{ x }}{% endset %}{{ t | text }}", '"a \\"a<b\\""'),
        ("{{ x if x else 1 }}", '"a<b"'),
        ("{{ nothing | default(3) }}", "3"),
    ],
)
def test_values_are_written_whole(write: Callable[..., str], template: str, written: str) -> None:
    assert write(template, x="a<b", m={"items": 1}) == written


@pytest.mark.parametrize(
    "expression",
    [
        "pods.limits(1) ~ x",
        "x ~ pods.limits(1)",
        "pods.limits(1) + x",
        "x + pods.limits(1)",
        "pods.limits(1) % x",
        "pods.limits(1) * 2",
        "pods.limits(1)[1:]",
        "pods.limits(x) | replace('g', x)",
        "x | replace('a', pods.limits(1))",
        "pods.limits(x) | trim('{')",
        "pods.limits(x) | list",
        "pods.limits(x).replace('g', x)",
        "pods.limits(x).format(x)",
        "pods.limits(x).join([x])",
        "pods.limits(x).upper()",
        "[pods.limits(x)] | map('replace', 'g', x) | list",
    ],
)
def test_rendered_text_cannot_be_joined_or_cut(write: Callable[..., str], expression: str) -> None:
    with pytest.raises(MlstackError, match="cannot be joined, cut or changed"):
        write(f"{IMPORT}{{{{ {expression} }}}}", x="\n- evil")


@pytest.mark.parametrize(
    "expression",
    [
        "x.__class__",
        "x.__class__.__mro__",
        "''.__class__.__base__.__subclasses__()",
        "pods.limits.__init__.__globals__",
        "pods.limits(x).__class__",
        "'{0.__class__}'.format(x)",
    ],
)
def test_no_way_to_what_lies_behind(write: Callable[..., str], expression: str) -> None:
    with pytest.raises(SecurityError):
        write(f"{IMPORT}{{{{ {expression} }}}}", x="evil")


@pytest.mark.parametrize(
    "expression", ["range", "pods", "pods.limits", "m.keys", "cycler", "joiner", "lipsum()", "x | safe", "self"]
)
def test_what_is_no_value_is_not_written(write: Callable[..., str], expression: str) -> None:
    with pytest.raises((MlstackError, jinja2.TemplateError)):
        write(f"{IMPORT}{{{{ {expression} }}}}", x="x", m={})


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("params.num_gpu", "there is no num_gpu. Did you mean num_gpus?"),
        ("params['num_gpu']", "there is no num_gpu. Did you mean num_gpus?"),
        ("param.num_gpus", "param is not known"),
        ("[params.num_gpu]", "there is no num_gpu"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(write: Callable[..., str], expression: str, message: str) -> None:
    with pytest.raises(jinja2.UndefinedError) as caught:
        write(f"{{{{ {expression} }}}}", params={"num_gpus": 1})
    assert str(caught.value).startswith(message)


def test_a_template_can_fail_on_purpose(write: Callable[..., str]) -> None:
    with pytest.raises(TemplateFailError, match="no, 1"):
        write('{{ fail("no, " ~ 1) }}')


def test_templates_are_compiled_once(make_prototype: MakePrototype) -> None:
    assert engine(make_prototype({}, "a")) is engine(make_prototype({}, "a"))
    assert engine(make_prototype({}, "a")) is not engine(make_prototype({}, "b"))


def test_paths_are_the_vendored_ones(make_prototype: MakePrototype) -> None:
    prototype = make_prototype()
    assert path_of(prototype, "job.yaml") == "vendor/kubeflow/tf-job/tf-cnn/templates/job.yaml"
    assert library_path(prototype, "pods.j2") == "vendor/kubeflow/tf-job/lib/pods.j2"
    assert library_path(prototype, "lib/pods.j2") == "vendor/kubeflow/tf-job/lib/pods.j2"
