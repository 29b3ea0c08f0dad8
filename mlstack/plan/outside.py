"""What an app's objects refer to and the app does not bring: Secrets, claims, classes, accounts, queues, kinds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Manifest, group_of, key_of, pod_templates

DEFAULT_CLASS = ""  # the name of a StorageClass that a claim leaves to the cluster
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
KUEUE = "kueue.x-k8s.io"  # a group instead of a version: which one is served, discovery knows
SPARK = "SparkApplication"  # the one workload whose pods do not stand in templates
EVERYWHERE = frozenset({"system-cluster-critical", "system-node-critical"})  # every API server makes these itself
PULL = "from which images are pulled"

Components = Mapping[str, Sequence[Manifest]]


@dataclass(frozen=True, order=True)
class Need:
    """An object that has to be there already. `part`: the key that it must hold, "" for none; `use`: what it is for.

    `version` is its apiVersion; the group alone for kinds of which any version will do.
    """

    component: str
    version: str
    kind: str
    namespace: str
    name: str
    part: str = ""
    use: str = ""


@dataclass(frozen=True)
class _Reference:
    version: str
    kind: str
    name: str
    part: str = ""
    use: str = ""


def needs(asked: Components, everything: Components, settings: Mapping[str, Mapping[str, Setting]]) -> list[Need]:
    """What the objects of `asked` refer to and nothing of `everything` is or makes, each once, in order.

    `settings`: the components' values, for what stands in a program's own configuration.
    """
    brought = _brought(everything)
    found = [
        need
        for component, manifests in asked.items()
        for manifest in manifests
        for need in _of_manifest(component, manifest, settings.get(component, {}))
        if (need.kind, need.namespace, need.name) not in brought and need.name not in EVERYWHERE
    ]
    made = _mentioned(everything)
    return sorted({need for need in found if need.kind not in ("Secret", "ConfigMap") or need.name not in made})


def custom_kinds(asked: Components, everything: Components, known: Collection[tuple[str, str]]) -> list[Need]:
    """The kinds (apiVersion and kind; no name) that no CRD of the app brings and no API server serves by itself.

    `known`: the (apiVersion, kind) of those that every API server serves.
    """
    crds = [m["spec"] for manifests in everything.values() for m in manifests if _is_crd(m)]
    coming = {(spec["group"], spec["names"]["kind"]) for spec in crds}
    return sorted(
        {
            Need(component, manifest["apiVersion"], manifest["kind"], "", "")
            for component, manifests in asked.items()
            for manifest in manifests
            if (manifest["apiVersion"], manifest["kind"]) not in known
            and (group_of(manifest), manifest["kind"]) not in coming
        }
    )


def _is_crd(manifest: Manifest) -> bool:
    return bool(manifest["kind"] == "CustomResourceDefinition")


def _brought(everything: Components) -> set[tuple[str, str, str]]:
    own = [manifest for manifests in everything.values() for manifest in manifests]
    keys = {(key.kind, key.namespace, key.name) for key in map(key_of, own)}
    # A volume that somebody made serves the claims of its class, whether or not that class exists as an object.
    volumes = [manifest.get("spec") or {} for manifest in own if manifest["kind"] == "PersistentVolume"]
    return keys | {("StorageClass", "", spec["storageClassName"]) for spec in volumes if spec.get("storageClassName")}


def _mentioned(everything: Components) -> set[str]:
    """Words of objects that may make Secrets and ConfigMaps: an ExternalSecret, a Certificate and their like."""
    makers = (m for manifests in everything.values() for m in manifests if _may_make(m))
    return {word for manifest in makers for word in _words([manifest.get("spec"), manifest["metadata"]["name"]])}


def _may_make(manifest: Manifest) -> bool:
    own = "." not in group_of(manifest) or group_of(manifest).endswith(".k8s.io")
    return not own and not any(pod_templates(manifest))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (word for item in value.values() for word in _words(item))
    elif isinstance(value, list):
        yield from (word for item in value for word in _words(item))


def _of_manifest(component: str, manifest: Manifest, settings: Mapping[str, Setting]) -> Iterator[Need]:
    key = key_of(manifest)
    for found in (*_in_pods(manifest), *_in_claims(manifest), *_own(manifest), *_configured(manifest, settings)):
        placed = key.namespace if found.kind not in CLUSTER_KINDS else ""
        yield Need(component, found.version, found.kind, placed, found.name, found.part, found.use)


CLUSTER_KINDS = frozenset({"StorageClass", "PriorityClass", "RuntimeClass", "IngressClass", "ClusterTrainingRuntime"})


def _in_pods(manifest: Manifest) -> Iterator[_Reference]:
    for _, template in pod_templates(manifest):
        yield from _references(template["spec"])
    if manifest["kind"] in ("Pod", SPARK):
        yield from _references(manifest.get("spec") or {})


def _in_claims(manifest: Manifest) -> Iterator[_Reference]:
    spec = manifest.get("spec") or {}
    if manifest["kind"] == "PersistentVolumeClaim":
        yield from _claim({"spec": spec}, "")
    if manifest["kind"] == "StatefulSet":
        for template in spec.get("volumeClaimTemplates") or []:
            yield from _claim(template, "")


def _own(manifest: Manifest) -> Iterator[_Reference]:
    """What kinds other than pods and claims refer to."""
    spec = manifest.get("spec") or {}
    if queue := (manifest["metadata"].get("labels") or {}).get(QUEUE_LABEL):
        yield _Reference(KUEUE, "LocalQueue", queue)
    if manifest["kind"] == "TrainJob" and (runtime := spec.get("runtimeRef") or {}):
        yield _Reference(manifest["apiVersion"], runtime.get("kind", "ClusterTrainingRuntime"), runtime["name"])
    if manifest["kind"] == "Ingress" and spec.get("ingressClassName"):
        yield _Reference("networking.k8s.io/v1", "IngressClass", spec["ingressClassName"])


def spawned_claims(manifests: Sequence[Manifest], settings: Mapping[str, Setting]) -> list[str]:
    """The claims that every notebook of a hub mounts: its configuration names them, and no pod template."""
    if not any(manifest["kind"] == "StatefulSet" for manifest in manifests):
        return []
    found = [setting.value or [] for name, setting in settings.items() if _is_setting(name, "shared_claims")]
    return [str(claim) for claims in found if isinstance(claims, list) for claim in claims]


def _is_setting(name: str, of_hub: str) -> bool:
    """Test whether a parameter is a hub's, by its own name or by that in a prototype that brings a hub."""
    return name == of_hub or name.endswith(f"_{of_hub}")


def _configured(manifest: Manifest, settings: Mapping[str, Setting]) -> Iterator[_Reference]:
    """A hub makes its users' claims itself, of a class that stands in its configuration, and mounts those of all."""
    for claim in spawned_claims([manifest], settings):
        yield _Reference("v1", "PersistentVolumeClaim", claim, "", "for every notebook")
    if manifest["kind"] == "StatefulSet":
        for name, setting in settings.items():
            if setting.value and _is_setting(name, "storage_class"):
                yield _Reference("storage.k8s.io/v1", "StorageClass", str(setting.value))


def _references(value: Any) -> Iterator[_Reference]:
    """What a pod's spec refers to, found by the names of fields, which stand for one thing only there."""
    if isinstance(value, list):
        yield from (found for item in value for found in _references(item))
    elif isinstance(value, Mapping):
        own = str(value.get("name") or "")
        for field, item in value.items():
            if reader := READERS.get(field):
                yield from reader(item, own)
            else:
                yield from _references(item)


def _variable(value: Any, name: str) -> Iterator[_Reference]:
    for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
        reference = (value or {}).get(field)
        if reference and not reference.get("optional"):
            yield _Reference("v1", kind, reference["name"], reference["key"], f"for variable {name}")


def _whole(kind: str) -> Callable[[Any, str], Iterator[_Reference]]:
    def read(value: Any, name: str) -> Iterator[_Reference]:
        """An envFrom, a volume, or a source of a projected one."""
        if not isinstance(value, Mapping) or value.get("optional"):
            return
        use = f"for volume {name}" if name else "for variables" if value.keys() <= {"name", "optional"} else ""
        called = value.get("secretName") or value.get("name")
        parts = [item["key"] for item in value.get("items") or []] or [""]
        if called:
            yield from (_Reference("v1", kind, called, part, use) for part in parts)

    return read


def _named(version: str, kind: str, use: str = "") -> Callable[[Any, str], Iterator[_Reference]]:
    def read(value: Any, _: str) -> Iterator[_Reference]:
        """A name, or several, each alone or in an object."""
        for item in value if isinstance(value, list) else [value]:
            called = item.get("name") if isinstance(item, Mapping) else item
            if called and not (kind == "ServiceAccount" and called == "default"):
                yield _Reference(version, kind, str(called), "", use)

    return read


def _volume_claim(value: Any, name: str) -> Iterator[_Reference]:
    if isinstance(value, Mapping) and value.get("claimName"):
        yield _Reference("v1", "PersistentVolumeClaim", value["claimName"], "", f"for volume {name}")


def _claim(template: Any, _: str) -> Iterator[_Reference]:
    """The class of a claim; one that is bound by name, or says "" for none, needs no class."""
    spec = (template or {}).get("spec") or {}
    if not spec.get("volumeName") and spec.get("storageClassName") != "":
        yield _Reference("storage.k8s.io/v1", "StorageClass", spec.get("storageClassName") or DEFAULT_CLASS)


READERS: Mapping[str, Callable[[Any, str], Iterable[_Reference]]] = {
    "valueFrom": _variable,
    "secretRef": _whole("Secret"),
    "configMapRef": _whole("ConfigMap"),
    "secret": _whole("Secret"),
    "configMap": _whole("ConfigMap"),
    "persistentVolumeClaim": _volume_claim,
    "volumeClaimTemplate": _claim,
    "imagePullSecrets": _named("v1", "Secret", PULL),
    "serviceAccountName": _named("v1", "ServiceAccount"),
    "serviceAccount": _named("v1", "ServiceAccount"),
    "priorityClassName": _named("scheduling.k8s.io/v1", "PriorityClass"),
    "runtimeClassName": _named("node.k8s.io/v1", "RuntimeClass"),
}
