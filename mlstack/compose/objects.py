"""What no app's objects may be: secrets in files, bad names, two of the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Key, Manifest, group_of, key_of
from mlstack.errors import MlstackError

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
# Names of roles are free text; those with dots (CRDs, webhooks, APIServices) are domain names of up to 253.
_FREE_NAMES = "rbac.authorization.k8s.io"


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
    for manifest in manifests:
        name = manifest["metadata"]["name"]
        longest = 253 if "." in name else 63
        if group_of(manifest) == _FREE_NAMES or (len(name) <= longest and _SUBDOMAIN.fullmatch(name)):
            continue
        problem = f"{len(name)} characters long, more than {longest}" if len(name) > longest else "no DNS name"
        place = f"{setting.place}: " if setting.place else ""
        hint = "Names are lower-case letters, digits and -. Choose another value of the parameter name."
        raise MlstackError(
            f"{place}{where}: {manifest['kind']}/{name} is {problem} (parameter name = {setting.value}).", hint
        )


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
