"""A component's objects: resolve the parameters, render the templates, patch, place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlstack.compose import objects, placement
from mlstack.compose.documents import parse_manifests
from mlstack.compose.layers import Layer, Setting, check_relations, resolve, retired_notes
from mlstack.compose.manifests import Manifest, cluster_kinds_of
from mlstack.compose.patches import Patch, apply_patches
from mlstack.compose.places import Place
from mlstack.compose.prototypes import Prototype
from mlstack.compose.serverset import without_server_fields
from mlstack.compose.trees import Tree


@dataclass(frozen=True)
class Target:
    """Where a render goes: the app, the environment, its namespace and its platform file's mapping."""

    app: str
    app_id: str
    environment: str
    namespace: str
    platform: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Component:
    """A named use of a prototype with its layers (the nearest last), or plain manifests (place, text).

    `trees`: the files that parameters of format `path` name, by parameter; `notes`: sentences for the user.
    """

    name: str
    prototype: Prototype | None
    layers: tuple[Layer, ...] = ()
    plain: tuple[tuple[Place, str], ...] = ()
    patches: tuple[Patch, ...] = ()
    trees: Mapping[str, Tree] = field(default_factory=dict, hash=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rendered:
    """A component's objects, with the settings they came from and notes for the user, a sentence each."""

    component: str
    prototype: str
    lifecycle: str
    settings: Mapping[str, Setting] = field(hash=False)
    manifests: tuple[Manifest, ...] = field(hash=False)
    notes: tuple[str, ...] = ()


def render(component: Component, target: Target, cluster_kinds: Collection[tuple[str, str]] = ()) -> Rendered:
    """The objects of one component. `cluster_kinds`: custom kinds without namespace, its own CRDs' apart.

    Raises MlstackError for a wrong parameter, template, patch or object, each with its place.
    """
    return _placed(_composed(component, target), target, cluster_kinds)


def render_all(components: Sequence[Component], target: Target) -> tuple[Rendered, ...]:
    """The objects of several components in order. Raises MlstackError where two make the same object."""
    composed = [_composed(component, target) for component in components]
    kinds = cluster_kinds_of([manifest for rendered in composed for manifest in rendered.manifests])
    found = tuple(_placed(rendered, target, kinds) for rendered in composed)
    objects.refuse_duplicates({rendered.component: rendered.manifests for rendered in found})
    return found


def _composed(component: Component, target: Target) -> Rendered:
    prototype = component.prototype
    return _from_plain(component) if prototype is None else _from_prototype(component, prototype, target)


def _from_plain(component: Component) -> Rendered:
    manifests: list[Manifest] = []
    notes: list[str] = []
    for place, text in component.plain:
        read = [without_server_fields(manifest) for manifest in parse_manifests(text, place)]
        found = [manifest for manifest, _ in read]
        notes += [_left_out(place, manifest, dropped) for manifest, dropped in read if dropped]
        objects.refuse_secret_data(found, str(place))
        manifests.extend(found)
    patched = tuple(apply_patches(manifests, component.patches))
    return Rendered(component.name, "", "service", {}, patched, (*component.notes, *notes))


def _left_out(place: Place, manifest: Manifest, dropped: Sequence[str]) -> str:
    name = f"{manifest['kind']}/{manifest['metadata']['name']}"
    return f"{place.file}: {name} comes from a cluster; left out what its server set: {', '.join(dropped)}."


def _from_prototype(component: Component, prototype: Prototype, target: Target) -> Rendered:
    from mlstack.compose.templates import render_templates  # Jinja2 is 60 ms: not for plain manifests

    settings = resolve(prototype, component.layers, component.name, target.namespace)
    check_relations(prototype, settings, component.name)
    for name, tree in component.trees.items():
        settings[name] = replace(settings[name], digest=tree.digest)
    context = {"app": target.app, "environment": target.environment, "platform": target.platform}
    context["trees"] = _trees(component, prototype)
    manifests = render_templates(prototype, settings, component.name, context)
    patched = tuple(apply_patches(manifests, component.patches))
    where = f"{component.name} ({prototype.qualified})"
    objects.refuse_secret_data(patched, where)
    objects.refuse_bad_names(patched, where, settings["name"])
    notes = retired_notes(prototype, component.layers)
    return Rendered(component.name, prototype.qualified, prototype.lifecycle, settings, patched, notes)


def _trees(component: Component, prototype: Prototype) -> dict[str, Any]:
    """What templates see of the files that parameters name; None for a parameter that names none."""
    names = [parameter.name for parameter in prototype.parameters.values() if parameter.format == "path"]
    return {name: component.trees[name].context() if name in component.trees else None for name in names}


def _placed(rendered: Rendered, target: Target, cluster_kinds: Collection[tuple[str, str]]) -> Rendered:
    setting = rendered.settings.get("namespace")
    namespace = str(setting.value) if setting else target.namespace
    kinds = frozenset(cluster_kinds) | cluster_kinds_of(rendered.manifests)
    labels = placement.labels(rendered.prototype.rpartition("/")[2], rendered.component, target.app)
    manifests, notes = placement.place(rendered.manifests, labels, namespace, kinds)
    objects.refuse_duplicates({rendered.component: manifests})
    if namespace != target.namespace and setting:
        where = f" ({setting.place})" if setting.place else ""
        notes = (f"goes to namespace {namespace}, not {target.environment}'s {target.namespace}{where}.", *notes)
    return replace(rendered, manifests=manifests, notes=(*rendered.notes, *notes))
