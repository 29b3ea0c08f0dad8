"""The mixed set: blocks of 50 objects, each a namespace with what a team's application brings along."""

from __future__ import annotations

from dataclasses import dataclass

from .measure import BenchError

BLOCK = {
    "Namespace": 1,
    "CustomResourceDefinition": 1,
    "ClusterRole": 1,
    "ClusterRoleBinding": 1,
    "ServiceAccount": 4,
    "Role": 4,
    "RoleBinding": 4,
    "Service": 9,
    "Deployment": 9,
    "custom resource": 16,
}
"""How many of each kind one block holds. Deployments have no replicas: what is measured is the tool, not the start of
pods."""

SIZE = sum(BLOCK.values())

KINDS = (
    "namespaces",
    "customresourcedefinitions",
    "clusterroles",
    "clusterrolebindings",
    "serviceaccounts",
    "roles",
    "rolebindings",
    "services",
    "deployments",
)
"""What kubectl calls the kinds of a block, its custom resources apart."""

CLUSTER_WIDE = frozenset({"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"})

_META = 'labels: {{bench: {owner}, revision: "{revision}"}}'

_CRD = (
    """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widget{block}s.{owner}.bench.example.com
  """
    + _META
    + """
spec:
  group: {owner}.bench.example.com
  scope: Namespaced
  names: {{kind: Widget{block}, plural: widget{block}s, singular: widget{block}}}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [revision]
            properties:
              revision: {{type: string}}
              size: {{type: integer, minimum: 0}}
              options: {{type: object, additionalProperties: {{type: string}}}}
"""
)

_HEAD = (
    """\
apiVersion: {api}
kind: {kind}
metadata:
  name: {name}
  """
    + _META
    + "\n"
)

_NAMESPACE = "  namespace: {owner}-space-{block:03d}\n"

_RULES = """\
rules:
- {{apiGroups: [""], resources: [configmaps, secrets], verbs: [get, list, watch]}}
- {{apiGroups: [apps], resources: [deployments], verbs: [get, list]}}
"""

_BINDING = """\
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {role_kind}, name: {role}}}
subjects:
- {{kind: ServiceAccount, name: account-0, namespace: {owner}-space-{block:03d}}}
"""

_SERVICE = """\
spec:
  selector: {{app: app-{number}}}
  ports: [{{name: http, port: 80, targetPort: 8080, protocol: TCP}}]
"""

_DEPLOYMENT = """\
spec:
  replicas: 0
  selector: {{matchLabels: {{app: app-{number}}}}}
  template:
    metadata: {{labels: {{app: app-{number}}}}}
    spec:
      containers:
      - name: app
        image: registry.example.com/app:1.{number}
        args: [--port=8080]
        ports: [{{containerPort: 8080, protocol: TCP}}]
        resources: {{requests: {{cpu: 100m, memory: 128Mi}}, limits: {{memory: 256Mi}}}}
"""

_WIDGET = """\
spec:
  revision: "{revision}"
  size: {number}
  options: {{colour: green, shape: round}}
"""

RBAC = "rbac.authorization.k8s.io/v1"


@dataclass(frozen=True)
class Block:
    """The texts of one block: the definition of its kind, and the rest in an order that can be applied."""

    crd: str
    objects: tuple[str, ...]


def blocks_of(count: int) -> int:
    """How many blocks hold `count` objects. Raises BenchError if there is no such number."""
    if count < SIZE or count % SIZE:
        raise BenchError(f"The mixed set comes in blocks of {SIZE} objects: {count} is no multiple of it.")
    return count // SIZE


def block(number: int, owner: str, revisions: list[int]) -> Block:
    """Block `number` of a tool's set; `revisions` are those of its custom resources."""
    maker = _Maker(number, owner)
    return Block(_CRD.format(block=number, owner=owner, revision=0), (*maker.shared(), *maker.own(revisions)))


class _Maker:
    """The texts of one block's objects."""

    def __init__(self, number: int, owner: str) -> None:
        self._values = {"block": number, "owner": owner}
        self._space = f"{owner}-space-{number:03d}"

    def shared(self) -> list[str]:
        """Those of the whole cluster."""
        role: dict[str, object] = {"role_kind": "ClusterRole", "role": self._space}
        return [
            self._text("v1", "Namespace", self._space, ""),
            self._text(RBAC, "ClusterRole", self._space, _RULES),
            self._text(RBAC, "ClusterRoleBinding", self._space, _BINDING, **role),
        ]

    def own(self, revisions: list[int]) -> list[str]:
        """Those in the block's namespace."""
        return [
            *self._several("v1", "ServiceAccount", "account", ""),
            *self._several(RBAC, "Role", "reader", _RULES),
            *self._several(RBAC, "RoleBinding", "reader", _BINDING, role_kind="Role", role="reader-0"),
            *self._several("v1", "Service", "app", _SERVICE),
            *self._several("apps/v1", "Deployment", "app", _DEPLOYMENT),
            *(self._widget(number, revision) for number, revision in enumerate(revisions)),
        ]

    def _several(self, api: str, kind: str, name: str, body: str, **values: object) -> list[str]:
        return [
            self._text(api, kind, f"{name}-{number}", body, number=number, **values) for number in range(BLOCK[kind])
        ]

    def _widget(self, number: int, revision: int) -> str:
        api = "{owner}.bench.example.com/v1".format(**self._values)
        kind = "Widget{block}".format(**self._values)
        return self._text(api, kind, f"widget-{number}", _WIDGET, number=number, revision=revision)

    def _text(self, api: str, kind: str, name: str, body: str, **values: object) -> str:
        pattern = _HEAD + ("" if kind in CLUSTER_WIDE else _NAMESPACE) + body
        return pattern.format(api=api, kind=kind, name=name, **{**self._values, "revision": 0, **values})
