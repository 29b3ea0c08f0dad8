"""The kinds that every supported cluster serves (Kubernetes 1.33 to 1.37), so that no request is needed for them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Resource:
    """A kind as the API server serves it; `group` is "" for the core group."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """As it stands in a manifest: "apps/v1", "v1"."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """The REST path of an object, or of all (in a namespace, or with None or "" in all namespaces)."""
        parts = [f"/apis/{self.group}" if self.group else "/api", self.version]
        parts += ["namespaces", quote(namespace, "")] if namespace and self.namespaced else []
        parts += [self.plural, *([quote(name, "")] if name else []), *([subresource] if subresource else [])]
        return "/".join(parts)


# group/version | kinds in a namespace | kinds of the whole cluster; KIND:PLURAL where the plural breaks the rule.
_TABLE = """
v1 | ConfigMap Secret Service ServiceAccount Pod PersistentVolumeClaim Event Endpoints:endpoints LimitRange \
ResourceQuota ReplicationController PodTemplate | Namespace Node PersistentVolume
apps/v1 | Deployment StatefulSet DaemonSet ReplicaSet ControllerRevision |
batch/v1 | Job CronJob |
autoscaling/v2 | HorizontalPodAutoscaler |
autoscaling/v1 | HorizontalPodAutoscaler |
policy/v1 | PodDisruptionBudget |
networking.k8s.io/v1 | Ingress NetworkPolicy | IngressClass
rbac.authorization.k8s.io/v1 | Role RoleBinding | ClusterRole ClusterRoleBinding
storage.k8s.io/v1 | CSIStorageCapacity | StorageClass CSIDriver CSINode VolumeAttachment
scheduling.k8s.io/v1 | | PriorityClass
coordination.k8s.io/v1 | Lease |
discovery.k8s.io/v1 | EndpointSlice |
events.k8s.io/v1 | Event |
node.k8s.io/v1 | | RuntimeClass
apiextensions.k8s.io/v1 | | CustomResourceDefinition
apiregistration.k8s.io/v1 | | APIService
admissionregistration.k8s.io/v1 | | MutatingWebhookConfiguration ValidatingWebhookConfiguration \
ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding
certificates.k8s.io/v1 | | CertificateSigningRequest
authorization.k8s.io/v1 | | SelfSubjectAccessReview SelfSubjectRulesReview
authentication.k8s.io/v1 | | SelfSubjectReview
"""


def _plural(kind: str) -> str:
    lower = kind.lower()
    if lower.endswith("y"):
        return lower[:-1] + "ies"
    return lower + ("es" if lower.endswith(("s", "ss")) else "s")


def _resource(api_version: str, word: str, namespaced: bool) -> Resource:
    group, _, version = api_version.rpartition("/")
    kind, _, plural = word.partition(":")
    return Resource(group, version, kind, plural or _plural(kind), namespaced)


def _rows() -> dict[tuple[str, str], Resource]:
    found = {}
    for line in _TABLE.strip().splitlines():
        api_version, namespaced, cluster = (part.strip() for part in line.split("|"))
        for words, scope in ((namespaced, True), (cluster, False)):
            for word in words.split():
                resource = _resource(api_version, word, scope)
                found[resource.api_version, resource.kind] = resource
    return found


WELL_KNOWN: dict[tuple[str, str], Resource] = _rows()


def well_known(api_version: str, kind: str) -> Resource:
    """A kind of the table; KeyError if it is not in it."""
    return WELL_KNOWN[api_version, kind]
