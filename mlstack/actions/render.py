"""show, validate, and the offline comparison of two environments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mlstack.actions.omitted import is_generated, omission_notes
from mlstack.app.assemble import assemble, assemble_each, chosen
from mlstack.app.project import LOCAL, Project
from mlstack.compose.dump import dump_documents
from mlstack.compose.manifests import Key, Manifest, group_of, key_of
from mlstack.compose.render import Rendered, Target, render_all
from mlstack.errors import MlstackError
from mlstack.plan.scopes import defined_kinds, unknown_notes

if TYPE_CHECKING:
    from mlstack.actions.paramview import ParamDifference
    from mlstack.compose.compare import Difference
    from mlstack.compose.schemas import Problem


@dataclass(frozen=True)
class ObjectDifference:
    """An object that differs between two environments. `only`: the environment that alone has it, else ""."""

    component: str
    key: Key
    only: str
    fields: tuple[Difference, ...] = field(hash=False)


@dataclass(frozen=True)
class EnvironmentDifference:
    """How two environments differ: their parameters, and what comes of it in the objects."""

    left: str
    right: str
    params: tuple[ParamDifference, ...]
    objects: tuple[ObjectDifference, ...]

    @property
    def differs(self) -> bool:
        """Whether there is any difference."""
        return bool(self.params or self.objects)


def render_environment(
    project: Project, env: str, components: Sequence[str] | None = None, sets: Sequence[str] = ()
) -> tuple[Target, tuple[Rendered, ...]]:
    """Everything that the environment's components render to, generated Secrets and Namespaces included."""
    target, assembled = assemble(project, env, sets, components)
    return target, render_all(assembled, target)


def show(
    project: Project, env: str, components: Sequence[str] | None = None, sets: Sequence[str] = ()
) -> tuple[Rendered, ...]:
    """What `show` prints: all but generated Secrets and Namespaces, which are apply's (decisions.md 19)."""
    _, rendered = render_environment(project, env, components, sets)
    defined = defined_kinds(_manifests(rendered))
    return tuple(
        replace(
            one,
            manifests=tuple(filter(is_shown, one.manifests)),
            notes=(*one.notes, *omission_notes(one.manifests), *unknown_notes(one.manifests, defined)),
        )
        for one in rendered
    )


def local_note(project: Project, env: str) -> tuple[str, ...]:
    """The parameters that hold on this machine only, in a sentence; none where there are none."""
    given = project.environment(env).local_params
    if not given:
        return ()
    return (f"Note: {LOCAL} sets {', '.join(given)} for {env} on this machine only; --no-local leaves it out.",)


def is_shown(manifest: Manifest) -> bool:
    """Whether `show` prints an object."""
    if group_of(manifest):
        return True
    return manifest["kind"] != "Namespace" and not is_generated(manifest)


def manifests_yaml(manifests: Iterable[Manifest]) -> str:
    """Manifests as one YAML text, a document each, that every reader takes for the same values."""
    return dump_documents(manifests)


def validate(
    project: Project, env: str, components: Sequence[str] | None = None, sets: Sequence[str] = ()
) -> list[Problem]:
    """All that is wrong with the rendered objects under Kubernetes' and the app's CRDs' schemas, offline.

    With `components` given, the CRDs of the environment's others are still known.
    """
    return checked(project, env, components, sets)[0]


def checked(
    project: Project, env: str, components: Sequence[str] | None = None, sets: Sequence[str] = ()
) -> tuple[list[Problem], int]:
    """What `validate` finds, and the number of objects that `show` prints. A component that does not render is a
    problem like others, and the rest is checked all the same.
    """
    from mlstack.compose.apirules import broken_rules
    from mlstack.compose.schemas import Problem
    from mlstack.compose.schemas import validate as check

    asked = chosen(project, project.environment(env), components)
    rendered, problems = _render_each(project, env, sets)
    every = _manifests(rendered)
    mine = [one for one in rendered if one.component in asked]
    found = [
        Problem(one.component, key_of(manifest), path, message)
        for one in mine
        for manifest in one.manifests
        for path, message in broken_rules(manifest)
    ]
    crds = [one for one in every if one["kind"] == "CustomResourceDefinition"]
    wrong = [problem for problem in problems if not problem.component or problem.component in asked]
    shown = sum(1 for manifest in _manifests(mine) if is_shown(manifest))
    names = {key_of(manifest): one.component for one in mine for manifest in one.manifests}
    schemas = [replace(one, component=names[one.key]) for one in check(_manifests(mine), crds)]
    return [*wrong, *schemas, *found], shown


def _render_each(project: Project, env: str, sets: Sequence[str]) -> tuple[tuple[Rendered, ...], list[Problem]]:
    """What renders of the environment's components, and a problem for each that does not."""
    target, assembled, broken = assemble_each(project, env, sets)
    try:
        return render_all(assembled, target), [_broken(name, error) for name, error in broken.items()]
    except MlstackError as error:
        together = error
    sound = []
    for component in assembled:
        try:
            render_all([component], target)
            sound.append(component)
        except MlstackError as error:
            broken[component.name] = error
    try:
        rendered = render_all(sound, target)
    except MlstackError:  # two components that make the same object: each alone is sound
        rendered = tuple(one for component in sound for one in render_all([component], target))
        broken[""] = together
    return rendered, [_broken(name, error) for name, error in broken.items()]


def _broken(component: str, error: MlstackError) -> Problem:
    from mlstack.compose.schemas import Problem

    hint = f" {error.hint}" if error.hint else ""
    return Problem(component, Key("", "Component", "", component), "", f"{error.message}{hint}")


def diff_environments(
    project: Project, left: str, right: str, components: Sequence[str] | None = None
) -> EnvironmentDifference:
    """Two environments compared offline: parameters with their places, then objects field by field."""
    from mlstack.actions.paramview import diff_params

    every = diff_params(project, left, right)
    params = [row for row in every if not components or row.component in components]
    sides = [_by_key(render_environment(project, env, components)[1]) for env in (left, right)]
    keys = [*sides[0], *(key for key in sides[1] if key not in sides[0])]
    compared = (_object(key, sides[0].get(key), sides[1].get(key), (left, right)) for key in keys)
    return EnvironmentDifference(left, right, tuple(params), tuple(one for one in compared if one))


def _by_key(rendered: Iterable[Rendered]) -> dict[tuple[str, Key], tuple[str, Manifest]]:
    """Objects by component and key, without the namespace where it is the environment's own business."""
    return {
        (one.component, replace(key_of(manifest), namespace="")): (one.component, manifest)
        for one in rendered
        for manifest in one.manifests
    }


def _object(key: tuple[str, Key], left: Any, right: Any, names: tuple[str, str]) -> ObjectDifference | None:
    from mlstack.compose.compare import differences

    component, found = key
    if left is None or right is None:
        return ObjectDifference(component, found, names[0] if right is None else names[1], ())
    # The namespace is the environments' own and stands among the parameters: not once more in every object.
    fields = tuple(one for one in differences(left[1], right[1]) if one.path != "metadata.namespace")
    return ObjectDifference(component, found, "", fields) if fields else None


def _manifests(rendered: Iterable[Rendered]) -> list[Manifest]:
    return [manifest for one in rendered for manifest in one.manifests]
