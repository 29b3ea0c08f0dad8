"""What no app's objects may be: secrets in files, bad names, two of the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlstack.compose.kubeformats import is_subdomain
from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Key, Manifest, group_of, key_of
from mlstack.errors import MlstackError

# Names of roles are free text; those with dots (CRDs, webhooks, APIServices) are domain names of up to 253.
_FREE_NAMES = "rbac.authorization.k8s.io"
# Nothing is named after these, so that the API's own limit is all.
_LONG_NAMES = frozenset(
    {"ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim", "NetworkPolicy", "PodDisruptionBudget"}
    | {"HorizontalPodAutoscaler"}
)


def refuse_secret_data(manifests: Iterable[Manifest], where: str) -> None:
    """Raises MlstackError for a Secret that carries its data (decision 6)."""
    for manifest in manifests:
        if manifest["kind"] != "Secret" or group_of(manifest) or not (manifest.keys() & {"data", "stringData"}):
            continue
        name = manifest["metadata"]["name"]
        hint = f"Leave data out and give the value to the cluster: mlstack secret set ENV {name} KEY"
        raise MlstackError(f"{where}: Secret/{name} has its data in the app's files.", hint)


def refuse_bad_names(manifests: Iterable[Manifest], where: str, setting: Setting) -> None:
    """Raises MlstackError, naming the parameter `name`, for object names that Kubernetes would not take."""
    beyond: list[tuple[int, str]] = []
    for manifest in manifests:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        longest = 253 if "." in name or kind in _LONG_NAMES else 63
        if group_of(manifest) == _FREE_NAMES or (len(name) <= longest and is_subdomain(name)):
            continue
        if len(name) <= longest:
            hint = "Names are lower-case letters, digits and -. Choose another value of the parameter name."
            problem = f"{kind}/{name} is no DNS name (parameter name = {setting.value})"
            raise MlstackError(f"{_at(setting)}{where}: {problem}.", hint)
        beyond.append((len(name) - longest, f"{kind}/{name}"))
    if beyond:
        much, longest_name = max(beyond)
        allowed = len(str(setting.value)) - much
        problem = f"name must have at most {allowed} characters, got {setting.value} ({longest_name} is too long)"
        raise MlstackError(f"{_at(setting)}{where}: {problem}.")


def _at(setting: Setting) -> str:
    return f"{setting.place}: " if setting.place else ""


def refuse_duplicates(manifests: Mapping[str, Iterable[Manifest]]) -> None:
    """Raises MlstackError where an object stands twice; `manifests` maps components to theirs."""
    owners: dict[Key, str] = {}
    for component, found in manifests.items():
        for manifest in found:
            key = key_of(manifest)
            if key in owners:
                raise _twice(key, owners[key], component)
            owners[key] = component


def _twice(key: Key, first: str, second: str) -> MlstackError:
    where = f" in namespace {key.namespace}" if key.namespace else ""
    if first == second:
        return MlstackError(f"Component {first} makes {key}{where} twice.")
    hint = "Give one of them another name: mlstack param set COMPONENT name VALUE"
    return MlstackError(f"Components {first} and {second} both make {key}{where}.", hint)
