"""What things of an app may be called."""

from __future__ import annotations

import re
import secrets

from mlstack.errors import MlstackError

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")


def check_label(what: str, name: str) -> str:
    """`name` if it is a DNS label (Kubernetes names objects so); `what` says in the error whose name it is."""
    if not LABEL.match(name):
        raise MlstackError(
            f"{name!r} cannot be the name of {what}: small letters, digits and inner dashes only, at most 63."
        )
    return name


def check_app_name(name: str) -> str:
    """`name` if it can be the value of a label (`app.kubernetes.io/part-of`)."""
    if not LABEL_VALUE.match(name):
        raise MlstackError(
            f"{name!r} cannot be the name of an app: letters, digits and inner - _ . only, at most 63.",
            "Give one with --name.",
        )
    return name


def check_component_name(name: str, where: str) -> None:
    """Raises MlstackError for a component that was made by hand and whose name cannot be the value of a label."""
    if not LABEL_VALUE.match(name):
        problem = f"the name of a component must be at most 63 letters, digits and inner - _ . only, got {name!r}"
        raise MlstackError(f"{where}: {problem}.", "Rename it.")


def new_id() -> str:
    """A short random id that begins with a letter, so that no YAML reader takes it for a number."""
    return secrets.choice("abcdef") + secrets.token_hex(4)[1:]


def plain_name(name: str) -> str:
    """A parameter's name as meant: pages that show commands often turn `num_gpus` into `num\\_gpus`."""
    return name.replace("\\_", "_")
