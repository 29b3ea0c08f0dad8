"""The formats of texts that are not Kubernetes' own: images, paths, requirements of pip, addresses, locations."""

from __future__ import annotations

import re

from mlstack.compose.kubeformats import is_subdomain

# github.com/distribution/reference: [domain[:port]/]path[:tag][@digest].
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
# packaging.python.org/specifications/dependency-specifiers: a name, extras and an exact version, or an address.
_REQUIREMENT = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[A-Za-z0-9._, -]+\])? *"
    r"(?:===? *[A-Za-z0-9.+!_-]+|@ *[a-z+]+://\S+) *(?:;.*)?",
    re.ASCII,
)
_HUB_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)?", re.ASCII)


def is_image(text: str) -> bool:
    """A reference to a container image."""
    return _IMAGE.fullmatch(text) is not None


def is_path(text: str) -> bool:
    """A relative path that stays inside the app."""
    return not text.startswith(("/", "~")) and not {"..", "\0"} & {*text.split("/"), *text}


def is_requirement(text: str) -> bool:
    """A pinned requirement of pip."""
    return _REQUIREMENT.fullmatch(text) is not None


def is_address(text: str) -> bool:
    """HOST:PORT."""
    host, colon, port = text.rpartition(":")
    numeric = port.isascii() and port.isdigit() and len(port) <= 5
    return bool(host) and bool(colon) and ":" not in host and numeric and 1 <= int(port) <= 65535


def is_location(text: str, *schemes: str, relative: bool = False) -> bool:
    """A path, or an address of one of `schemes`: gs://BUCKET/PATH, s3://BUCKET/PATH, pvc://CLAIM/PATH."""
    scheme, marked, rest = text.partition("://")
    if not marked:
        return bool(text) and (relative or (text.startswith("/") and len(text) > 1))
    place = rest.partition("/")[0]
    if scheme == "pvc":
        return "pvc" in schemes and is_subdomain(place) and ".." not in rest.split("/")
    return scheme in schemes and bool(place) and "\n" not in text


def is_model(text: str) -> bool:
    """A model on Hugging Face's hub, or its location."""
    return is_location(text, "gs", "s3", "pvc") or _HUB_MODEL.fullmatch(text) is not None
