"""The user's kubeconfig: a context added and taken away again, and nothing else in the file touched."""

from __future__ import annotations

import base64
import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from mlstack.errors import MlstackError

from .api import Access
from .home import write_atomically

SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
LOCK_PATIENCE_S = 5.0
REPAIR = "Nothing was changed; repair it first."


def files(named: str | None = None) -> list[Path]:
    """The kubeconfig files that count, by kubectl's rules: the named one, else KUBECONFIG's, else ~/.kube/config."""
    listed = [named] if named else [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return [Path(part).expanduser().absolute() for part in listed] or [Path.home() / ".kube" / "config"]


def target(named: str | None = None) -> Path:
    """The file to write: the first that exists, else the last (as client-go's GetDefaultFilename); links followed."""
    candidates = files(named)
    return next((path for path in candidates if path.exists()), candidates[-1]).resolve()


@dataclass(frozen=True)
class Entry:
    """What a kubeconfig says of a name: the server its cluster points to, and the file it stands in."""

    server: str
    file: Path


def find(context: str, named: str | None = None) -> Entry | None:
    """The first context, cluster or user called `context`, in any of the files; None if the name is free."""
    for path in files(named):
        config = _load(path)
        for section in SECTIONS:
            if _entry(config, section, context) is not None:
                cluster = _entry(config, "clusters", context) or {}
                return Entry(str(cluster.get("cluster", {}).get("server", "")), path)
    return None


def add(path: Path, context: str, access: Access) -> None:
    """Add `context` with its cluster and user to the file, which is made if there is none.

    The current context stays. An entry of the same name is replaced: the caller has seen that it is ours. A file that
    has it all already is not written.
    """
    with _kubectl_lock(path):
        config = _load(path) or {"apiVersion": "v1", "kind": "Config", "preferences": {}, **_empty()}
        wanted = _entries(context, access)
        if all(_entry(config, section, context) == entry for section, entry in wanted.items()):
            return
        for section, entry in wanted.items():
            _drop(config, section, context)
            config[section] = config.get(section) or []
            config[section].append(entry)
        config.setdefault("current-context", "")
        _save(path, config)


def remove(path: Path, context: str, server: str, *, made: bool) -> bool:
    """Take `context`, its cluster and its user out of the file again, if it still points to `server`.

    A file that was made for it and holds nothing else goes too. Whether something was removed.
    """
    if not path.exists():
        return False
    with _kubectl_lock(path):
        config = _load(path)
        cluster = (_entry(config, "clusters", context) or {}).get("cluster", {})
        if cluster.get("server") != server:
            return False
        for section in SECTIONS:
            _drop(config, section, context)
        if config.get("current-context") == context:
            # It would point to nothing, and kubectl would refuse every command.
            config["current-context"] = ""
        if made and not any(config.get(section) for section in SECTIONS):
            path.unlink()
        else:
            _save(path, config)
    return True


def _empty() -> dict[str, list[Any]]:
    return {section: [] for section in SECTIONS}


def _entries(context: str, access: Access) -> dict[str, dict[str, Any]]:
    values = {
        "clusters": {"server": access.server, "certificate-authority-data": _data(access.authority)},
        "users": {"client-certificate-data": _data(access.certificate), "client-key-data": _data(access.key)},
        "contexts": {"cluster": context, "user": context},
    }
    return {section: {"name": context, SECTIONS[section]: value} for section, value in values.items()}


def _data(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()


def _entry(config: Any, section: str, name: str) -> dict[str, Any] | None:
    entries = (config or {}).get(section) or []
    return next((entry for entry in entries if entry.get("name") == name), None)


def _drop(config: Any, section: str, name: str) -> None:
    entry = _entry(config, section, name)
    if entry is not None:
        config[section].remove(entry)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    return yaml


def _load(path: Path) -> Any:
    """The file's content with its comments and order; None for an empty or missing file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MlstackError(f"The kubeconfig {path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise MlstackError(f"The kubeconfig {path} is no text in UTF-8.", REPAIR) from error
    try:
        config = _yaml().load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise MlstackError(f"The kubeconfig {where} is no YAML.", REPAIR) from error
    if config is not None and not _is_kubeconfig(config):
        raise MlstackError(f"{path} is no kubeconfig.", REPAIR)
    return config


def _is_kubeconfig(config: Any) -> bool:
    """Whether it has what we look into: sections that are lists of mappings."""
    if not isinstance(config, dict):
        return False
    sections = [config.get(section) or [] for section in SECTIONS]
    return all(isinstance(one, list) and all(isinstance(entry, dict) for entry in one) for one in sections)


def _save(path: Path, config: Any) -> None:
    text = io.StringIO()
    _yaml().dump(config, text)
    write_atomically(path, text.getvalue(), path.stat().st_mode & 0o777 if path.exists() else 0o600)


@contextmanager
def _kubectl_lock(path: Path) -> Iterator[None]:
    """kubectl's own way of locking a kubeconfig: a file FILE.lock that exists while somebody writes."""
    lock = path.with_name(f"{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _acquire(lock, time.monotonic() + LOCK_PATIENCE_S)
    except OSError as error:
        problem = f"The kubeconfig {path} can't be written: {error.strerror}."
        raise MlstackError(problem, "Name another file with --kubeconfig or KUBECONFIG.") from error
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _acquire(lock: Path, deadline: float) -> None:
    while True:
        try:
            handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            if _left_behind(lock):
                lock.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise MlstackError(
                    f"Another program is writing the kubeconfig ({lock} exists).", "If none is, remove that file."
                ) from None
            time.sleep(0.05)
            continue
        os.write(handle, str(os.getpid()).encode())
        os.close(handle)
        return


def _left_behind(lock: Path) -> bool:
    """Whether the lock is one of ours whose process is gone; kubectl's own locks are empty and are never taken."""
    try:
        os.kill(int(lock.read_text() or "no number"), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OSError):
        return False
    return False
