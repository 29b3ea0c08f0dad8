"""The images' store: blobs by digest, and tags that name a manifest. A small registry hands it out."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlstack.sandbox import pins

from . import places

OCI = "application/vnd.oci.image"
MANIFEST = f"{OCI}.manifest.v1+json"


def blobs() -> Path:
    """Layers, configurations and manifests, each called by its SHA-256."""
    return places.store() / "blobs"


def put(data: bytes) -> str:
    """Keep a blob; its digest in hexadecimal."""
    name = hashlib.sha256(data).hexdigest()
    blobs().mkdir(parents=True, exist_ok=True)
    (blobs() / name).write_bytes(data)
    return name


def reference(image: str) -> tuple[str, str, str]:
    """Registry, repository and tag of an image's name, by Docker's rules: `busybox` is docker.io's library/busybox."""
    host, slash, rest = image.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, rest = "docker.io", image
    repository, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = rest, "latest"
    if host == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    return host, repository, tag


def manifest(config: Mapping[str, Any], layers: Sequence[str]) -> str:
    """Keep an image of these layers (lowest first); the digest of its manifest."""
    about = {
        "architecture": pins.machine(),
        "os": platform.system().lower(),
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}" for layer in layers]},
    }
    data = json.dumps(about).encode()
    described = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": f"{OCI}.config.v1+json", "digest": f"sha256:{put(data)}", "size": len(data)},
        "layers": [_layer(name) for name in layers],
    }
    return put(json.dumps(described).encode())


def _layer(name: str) -> dict[str, Any]:
    size = (blobs() / name).stat().st_size
    return {"mediaType": f"{OCI}.layer.v1.tar", "digest": f"sha256:{name}", "size": size}


def tag(image: str, digest: str) -> None:
    """Let the image's name mean this manifest."""
    path = places.store().joinpath("tags", *reference(image))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(digest, "ascii")


def tags() -> dict[str, str]:
    """What each name means: the digest of its manifest."""
    folder = places.store() / "tags"
    return {str(path.relative_to(folder)): path.read_text("ascii") for path in folder.rglob("*") if path.is_file()}
