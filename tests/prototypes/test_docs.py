"""docs/prototypes/ is what the prototypes themselves say and make. MLSTACK_UPDATE_DOCS=1 writes it anew."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from mlstack.compose.manifests import Manifest, is_namespaced
from mlstack.compose.parameters import Parameter
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError
from tests.prototypes.checked import how
from tests.prototypes.pairs import IMPLICIT, variants
from tests.prototypes.showing import FULLEST, PROTOTYPES, catalogue, show

DOCS = Path(__file__).parents[2] / "docs" / "prototypes"
UPDATE = bool(os.environ.get("MLSTACK_UPDATE_DOCS"))
ROLES = ("Role", "ClusterRole")
VERBS = "create, get, list, watch, patch and delete"


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def coded(value: Any) -> str:
    return f"`{cell(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))}`"


def default(parameter: Parameter) -> str:
    if parameter.required:
        return "required"
    return "" if parameter.default in (None, "", [], {}) else coded(parameter.default)


def row(parameter: Parameter, former: Iterable[str]) -> str:
    help_ = parameter.help
    help_ += f"; for example {', '.join(map(coded, parameter.examples))}" if parameter.examples else ""
    help_ += f"; formerly {', '.join(map(coded, former))}" if former else ""
    return f"| `{parameter.name}` | {cell(parameter.allowed)} | {default(parameter)} | {cell(help_)} |"


def parameters(one: Prototype) -> list[str]:
    named = [parameter for name, parameter in one.parameters.items() if name not in IMPLICIT]
    rows = [
        row(parameter, [old for old, new in one.aliases.items() if new == parameter.name])
        for parameter in sorted(named, key=lambda parameter: not parameter.required)
    ]
    gone = [f"- `{name}`: {why}." for name, why in sorted(one.retired.items())]
    head = ["## Parameters", "", "| name | takes | default | |", "|---|---|---|---|"]
    return [*head, *rows, "", *rules(one), *(["Accepted without effect:", "", *gone, ""] if gone else [])]


def shortened(value: re.Match[str]) -> str:
    """A value's place in a rule, left out where its parameter's name stands before it."""
    named = value.string[: value.start()].endswith(value[1])
    return "" if named else value[0].replace("{", "").replace("}", "")


def rules(one: Prototype) -> list[str]:
    """What is refused of several parameters together, with their names where an error has values."""
    told = [re.sub(r" ?\(?\{(\w+)\}\)?", shortened, relation.message) for relation in one.relations]
    lines = [f"- {' '.join(text.split())}." for text in told]
    return ["Refused, as each value alone is right but not all together:", "", *lines, ""] if lines else []


def examples(one: Prototype) -> list[str]:
    shown = [(found["title"], found["command"]) for found in one.examples]
    return [
        line for title, command in shown for line in (f"{title}:", "", f"    {command}", "", how(one.name, title), "")
    ]


def identity(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


@lru_cache
def singly(name: str) -> list[Manifest]:
    """What each other value of each parameter alone makes, of a component called as the prototype."""
    found: list[Manifest] = []
    for parameter in catalogue()[name].parameters.values():
        for value in variants(parameter) if parameter.name not in IMPLICIT else ():
            with suppress(MlstackError):  # some values need others beside them
                found += show(name, FULLEST, **{"name": name, parameter.name: value}).manifests
    return found


def objects(name: str) -> tuple[list[Manifest], list[Manifest]]:
    """What the defaults make, and what other parameters make besides, of a component called as the prototype."""
    plain = list(show(name, name=name).manifests)
    known = {identity(manifest) for manifest in plain}
    kinds = {manifest["kind"] for manifest in plain}
    rest: dict[str, Manifest] = {}
    for manifest in singly(name):
        if identity(manifest) not in known and manifest["kind"] not in kinds:
            rest.setdefault(manifest["kind"], manifest)
    return plain, list(rest.values())


def made(name: str) -> list[str]:
    plain, more = objects(name)
    rows = [f"| {manifest['kind']} | `{manifest['metadata']['name']}` | |" for manifest in plain]
    rows += [f"| {manifest['kind']} | `{manifest['metadata']['name']}` | with some parameters |" for manifest in more]
    head = ["## Objects", "", f"Of a component called `{name}`, with the defaults:", "", "| kind | name | |"]
    return [*head, "|---|---|---|", *rows, ""]


def needed(name: str) -> list[str]:
    plain, more = objects(name)
    wide = sorted({manifest["kind"] for manifest in plain + more if not is_namespaced(manifest)})
    inside = sorted({manifest["kind"] for manifest in plain + more if is_namespaced(manifest)})
    lines = [f"Whoever applies it may {VERBS} these kinds in the namespace: {', '.join(inside)}."]
    lines += [f"In the whole cluster: {', '.join(wide)}."] if wide else ["It needs no right beyond the namespace."]
    if any(kind in ROLES for kind in inside + wide):
        lines += ["Kubernetes lets nobody grant a right that they do not have: those granted below are needed, too."]
    return ["## Rights", "", *lines, ""]


def granted(one: Prototype) -> list[str]:
    plain, more = objects(one.name)
    found = [manifest for manifest in plain + more if manifest["kind"] in ROLES]
    lines = []
    for manifest in found:
        kind, name = identity(manifest)
        why = one.grants[granting(one, manifest)]
        lines += [f"It grants, by {kind} `{name}`. {why}:", ""]
        lines += [f"- {rule_text(rule)}" for rule in manifest["rules"]] + [""]
    return lines


def granting(one: Prototype, role: Manifest) -> str:
    """How a prototype's `grants` call a role: by its name, or with NAME for the component's."""
    kind, name = identity(role)
    return f"{kind}/{name}" if f"{kind}/{name}" in one.grants else f"{kind}/{name.replace(one.name, 'NAME', 1)}"


def rule_text(rule: dict[str, Any]) -> str:
    groups = ", ".join(group or "core" for group in rule["apiGroups"])
    only = f" called {', '.join(rule['resourceNames'])}" if "resourceNames" in rule else ""
    return f"{', '.join(rule['verbs'])}: {', '.join(rule['resources'])} ({groups}){only}"


def security(one: Prototype) -> list[str]:
    if not one.pod_security:
        return []
    return ["## Pod Security", "", f"Its pods meet the standard `{one.pod_security}`.", ""]


def page(name: str) -> str:
    one = catalogue()[name]
    kind = "A job: it runs once per change." if one.lifecycle == "run" else "A service: it is kept as described."
    head = [f"# {name}", "", f"{one.summary}.", "", f"{kind} Package {one.package}.", "", one.description.strip(), ""]
    rest = [*examples(one), *parameters(one), *made(name), *needed(name), *granted(one), *security(one)]
    return "\n".join([*head, *rest]).rstrip() + "\n"


LIMITS = [
    "Below each example its page states how that example is known to work: run by a test with its real program, read",
    "by the program's own parser, or only rendered and checked by Kubernetes' schemas.",
    "",
    "Images are named by tag. No registry was asked for their digests: to pin an image, set its parameter to",
    "`NAME@sha256:DIGEST`.",
]


def index() -> str:
    rows = [f"| [{name}]({name}.md) | {cell(catalogue()[name].summary)} |" for name in PROTOTYPES]
    text = "What `mlstack generate` knows. Each page says the parameters, the objects and the rights of one prototype;"
    lines = ["# Prototypes", "", f"{text}", "[Writing a prototype](../prototypes.md) is a page of its own.", ""]
    return "\n".join([*lines, "| prototype | |", "|---|---|", *rows, "", *LIMITS]) + "\n"


def held(path: Path, expected: str) -> None:
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(expected, "utf-8")
    assert path.exists(), f"MLSTACK_UPDATE_DOCS=1 writes {path.name}"
    assert path.read_text("utf-8") == expected, "MLSTACK_UPDATE_DOCS=1 writes it anew"


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_a_page_says_what_its_prototype_does(prototype: str) -> None:
    held(DOCS / f"{prototype}.md", page(prototype))


def test_the_index_names_every_prototype() -> None:
    held(DOCS / "README.md", index())
    assert {path.stem for path in DOCS.glob("*.md")} == {*PROTOTYPES, "README"}


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_every_role_has_a_reason(prototype: str) -> None:
    one = catalogue()[prototype]
    roles = [manifest for manifest in singly(prototype) if manifest["kind"] in ROLES]
    assert {granting(one, manifest) for manifest in roles} == set(one.grants)
