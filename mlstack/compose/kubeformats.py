"""The formats of Kubernetes' own names and numbers, as its API server checks them.

Source: k8s.io/apimachinery pkg/util/validation and pkg/api/resource, k8s.io/kubernetes pkg/apis/core.
"""

from __future__ import annotations

import re
from decimal import Decimal

# <signedNumber><suffix>.
QUANTITY_PATTERN = r"^[+-]?([0-9]+|[0-9]+\.[0-9]*|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$"
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,3})?", re.ASCII)
_ANY_QUANTITY = re.compile(QUANTITY_PATTERN.strip("^$"))
_SCALES: dict[str, Decimal] = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
}
INT64 = 2**63 - 1

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII)
# What a YAML reader of any kind can hold in an env name; "=" would end it (relaxed since Kubernetes 1.32).
_ENV_NAME = re.compile(r"[\x20-\x3c\x3e-\x7e]+", re.ASCII)
_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}", re.ASCII)
_HUB_BYTES = re.compile(r"[0-9]+(\.[0-9]+)?[KMGT]?", re.ASCII)


def amount(text: str) -> Decimal | None:
    """The value of a quantity, None where `text` is none."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number, suffix = match[1], match[2] or ""
    return Decimal(number) * _SCALES[suffix] if suffix in _SCALES else Decimal(number + suffix)


def is_quantity(text: str) -> bool:
    """A quantity of anything."""
    return _ANY_QUANTITY.fullmatch(text) is not None


def is_bytes(text: str) -> bool:
    """A quantity of bytes: a whole number of them, so no thousandths (512m is half a byte)."""
    found = amount(text)
    return found is not None and text[-1] not in "num" and 0 <= found <= INT64 and found == found.to_integral_value()


def is_storage(text: str) -> bool:
    """The size of a volume: bytes, and more than none."""
    return is_bytes(text) and amount(text) != 0


def is_cpu(text: str) -> bool:
    """A number of CPU cores, in steps of a thousandth: 500m, 2, 1.5."""
    found = amount(text)
    if found is None or text.endswith("i") or text[-1] in "kMGTPEnu":
        return False
    return 0 <= found <= 10**6 and found * 1000 == (found * 1000).to_integral_value()


def is_hub_bytes(text: str) -> bool:
    """A number of bytes as JupyterHub reads it: 1G is 1024^3."""
    return _HUB_BYTES.fullmatch(text) is not None


def is_label(text: str) -> bool:
    """An RFC 1123 label: the name of a namespace, of a container, of a volume."""
    return LABEL.fullmatch(text) is not None


def is_label_1035(text: str) -> bool:
    """An RFC 1035 label, which begins with a letter: the name of a Service."""
    return _LABEL_1035.fullmatch(text) is not None


def is_subdomain(text: str) -> bool:
    """An RFC 1123 subdomain: the name of most objects."""
    return len(text) <= 253 and _SUBDOMAIN.fullmatch(text) is not None


def is_label_value(text: str) -> bool:
    """The value of a label."""
    return _LABEL_VALUE.fullmatch(text) is not None


def is_label_key(text: str) -> bool:
    """The key of a label: a name of at most 63 characters, perhaps with a domain and / before it."""
    prefix, slash, name = text.rpartition("/")
    return _QUALIFIED.fullmatch(name) is not None and (is_subdomain(prefix) if slash else True)


def is_annotation_key(text: str) -> bool:
    """The key of an annotation: as a label's, in any case."""
    return is_label_key(text.lower())


def is_env_name(text: str) -> bool:
    """The name of an environment variable."""
    return _ENV_NAME.fullmatch(text) is not None


def is_secret_key(text: str) -> bool:
    """The key of an entry in a Secret or ConfigMap."""
    return _SECRET_KEY.fullmatch(text) is not None and text != "." and not text.startswith("..")


def is_secret_reference(text: str) -> bool:
    """NAME/KEY of a Secret."""
    name, _, key = text.partition("/")
    return is_subdomain(name) and is_secret_key(key)


def is_extended_resource(text: str) -> bool:
    """The name of a resource that device plugins bring: with a domain, and for quotas `requests.` before it."""
    domain, slash, _ = text.partition("/")
    return bool(slash) and is_label_key(text) and len(domain) <= 253 - len("requests.")


def is_mount_path(text: str) -> bool:
    """An absolute path in a container."""
    return text.startswith("/") and not {":", "\0"} & {*text} and ".." not in text.split("/")
