from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlstack.compose.layers import Layer, resolve
from mlstack.compose.places import Place
from mlstack.compose.prototypes import Prototype
from mlstack.compose.templates import render_templates
from mlstack.errors import MlstackError

MakePrototype = Callable[..., Prototype]

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ name }}}\n"
FILE = "vendor/kubeflow/tf-job/tf-cnn/templates/a.yaml"
ANY = ["string", "integer", "number", "boolean", "array", "object"]
LIBRARY = {"pods.j2": "{% macro broken(n) %}\n{{ n.missing }}\n{% endmacro %}\n"}


def rendered(prototype: Prototype, x: Any = 3) -> list[dict[str, Any]]:
    layers = [Layer("environments/gke.yaml", {"x": x}, {"x": Place("environments/gke.yaml", 9)})]
    return render_templates(prototype, resolve(prototype, layers, "cnn"), "cnn", {"app": "demo"})


@pytest.fixture
def failure(make_prototype: MakePrototype) -> Callable[..., str]:
    """The whole error of a prototype with one parameter x and this template."""

    def of(template: str, x: Any = 3) -> str:
        prototype = make_prototype({"x": {"type": ANY, "default": None}}, template, library=LIBRARY)
        with pytest.raises(MlstackError) as caught:
            rendered(prototype, x)
        return str(caught.value)

    return of


ABOUT = "(component cnn, prototype kubeflow/tf-job/tf-cnn)."
ABOUT_X = "(component cnn, prototype kubeflow/tf-job/tf-cnn; x = 3 at environments/gke.yaml:9)."


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (HEAD + "a: {{ params.y }}", f"{FILE}:4: there is no y. There are: name, namespace, x {ABOUT}"),
        (HEAD + "a: {{ params.x.y }}", f"{FILE}:4: 'int object' has no attribute 'y' {ABOUT_X}"),
        (HEAD + "a: {{ params.x + 'a' }}", f"{FILE}:4: TypeError: unsupported operand type(s) for +: 'int' and"),
        (HEAD + "a: {{ params['x'] / 0 }}", f"{FILE}:4: ZeroDivisionError: division by zero {ABOUT_X}"),
        (HEAD + "a: {{ nope }}", f"{FILE}:4: nope is not known {ABOUT}"),
        (HEAD + "a: {{ x | upper }}", f"{FILE}:4: x is not known {ABOUT}"),
        (HEAD + "\na: {% if %}", f"{FILE}:5: Expected an expression, got 'end of statement block' {ABOUT}"),
        (HEAD + "a: {{ 1 | safe }}", f"{FILE}:4: No filter named 'safe' {ABOUT}"),
        (
            HEAD + "a: 1\na: {{ params.x }}",
            f"{FILE}:5: broken YAML: the key a stands twice in the same map: a: 3 {ABOUT_X}",
        ),
        (HEAD + "a: '{{ params.x }}'", f"{FILE}:4: a value must be a whole YAML value, outside quotes and other text"),
        (HEAD + "a: {{ params.x }}Gi", f"{FILE}:4: a value must be a whole YAML value, outside quotes and other text"),
        ("kind: A\nmetadata: {}", f"{FILE}:1: a Kubernetes object needs apiVersion: kind: A {ABOUT}"),
        ("{{ [1] }}", f"{FILE}: line 1 of what it renders: this is a list, not a Kubernetes object: [1] {ABOUT}"),
        ('{% import "lib/pod.j2" as p %}', f"{FILE}:1: there is no lib/pod.j2. Did you mean lib/pods.j2? {ABOUT}"),
        (
            '{% import "lib/pods.j2" as p %}\n' + HEAD + "a: {{ p.broken(params) }}",
            f"vendor/kubeflow/tf-job/lib/pods.j2:2: there is no missing. There are: name, namespace, x {ABOUT}",
        ),
        ('{{ fail("x must be even") }}', "cnn (tf-cnn): x must be even"),
    ],
)
def test_an_error_names_template_line_component_and_parameters(
    failure: Callable[..., str], template: str, message: str
) -> None:
    assert failure(template).startswith(message)


def test_a_rendered_line_is_told_as_such_where_its_origin_is_not_clear(failure: Callable[..., str]) -> None:
    template = HEAD + "{% for i in range(2) %}\n{{ 'a' }}: {{ i }}\n{% endfor %}"
    assert failure(template).startswith(f"{FILE}: line 5 of what it renders: broken YAML: the key a stands twice")


def test_a_hint_tells_what_to_write(failure: Callable[..., str]) -> None:
    assert failure(HEAD + 'a: "{{ params.x }}"', "#").endswith(
        'Write key: {{ "text-" ~ value }}, without quotes around it.'
    )


def test_objects_come_by_file_name_then_document(make_prototype: MakePrototype) -> None:
    def named(*names: str) -> str:
        return "\n---\n".join(f"{{apiVersion: v1, kind: A, metadata: {{name: {n}}}}}" for n in names)

    prototype = make_prototype(
        {"x": {"type": "integer", "default": 0}}, {"b.yaml": named("c", "a"), "a.yaml": named("b"), "c.yaml": " \n\n"}
    )
    assert [m["metadata"]["name"] for m in rendered(prototype)] == ["b", "c", "a"]


def test_templates_see_what_the_contract_names(make_prototype: MakePrototype) -> None:
    template = (
        HEAD + 'seen: {{ [params.x, name, namespace, component, app, files["f.py"], params.name, params.namespace] }}'
    )
    prototype = make_prototype({"x": {"type": "integer", "default": 0}}, template, files={"f.py": "text"})
    [found] = rendered(prototype)
    assert found["seen"] == [3, "cnn", "default", "cnn", "demo", "text", "cnn", "default"]
