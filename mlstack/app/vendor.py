"""What an app carries with it: packages and platforms, copied into vendor/ and locked by digest."""

from __future__ import annotations

import copy
import secrets
import shutil
from pathlib import Path
from typing import Any

from mlstack.app.atomic import write_atomic
from mlstack.app.lock import check_vendored, digest, tree_digest
from mlstack.app.packages import Package, package_files, read_package
from mlstack.app.platforms import platform_names, platform_path, read_platform
from mlstack.app.project import Project
from mlstack.errors import MlstackError, did_you_mean

VENDOR = "vendor"
PLATFORMS = "platforms"


def package_folder(root: Path, qualified: str) -> Path:
    """Where REGISTRY/PACKAGE is vendored."""
    return root / VENDOR / qualified


def installed(project: Project) -> dict[str, str]:
    """REGISTRY/PACKAGE -> version of the packages that mlstack.yaml names."""
    return {name: str(version) for name, version in project.app.mapping("packages").items()}


def vendored_package(project: Project, qualified: str) -> Package:
    """The vendored package REGISTRY/PACKAGE, its digest checked. Raises MlstackError where it is not as locked."""
    if qualified not in project.vendored:
        file = f"{VENDOR}/{qualified}"
        folder = package_folder(project.root, qualified)
        check_vendored(project.lock, "packages", qualified, folder, file, f"mlstack pkg install {qualified} --force")
        project.vendored[qualified] = read_package(folder, qualified.split("/")[0], file)
    return project.vendored[qualified]


def install(project: Project, package: Package) -> bool:
    """Copies `package` into the app and locks it; whether anything was written. Another version is replaced."""
    files = dict(package_files(package))
    wanted = digest(files.items())
    folder = package_folder(project.root, package.qualified)
    fresh = not folder.is_dir() or tree_digest(folder) != wanted
    if fresh:
        _put_folder(folder, files)
    entry = {"version": package.version, "digest": wanted, "source": project.registry(package.registry).address}
    changed = _lock(project, "packages", package.qualified, entry)
    app = copy.copy(project.app)
    app.set(["packages", package.qualified], package.version)
    return app.save() or changed or fresh


def uninstall(project: Project, qualified: str) -> None:
    """Takes REGISTRY/PACKAGE out of the app: mlstack.yaml first, so that an interruption leaves no app broken."""
    app, lock = copy.copy(project.app), copy.copy(project.lock)
    if app.unset(["packages", qualified]):
        app.save()
    if lock.unset(["packages", qualified]):
        lock.save()
    folder = package_folder(project.root, qualified)
    if folder.is_dir():
        shutil.rmtree(_aside(folder))
    if folder.parent.is_dir() and not any(folder.parent.iterdir()):
        folder.parent.rmdir()


def vendor_platform(project: Project, name: str, force: bool = False) -> bool:
    """Copies a platform's file into the app and locks it, unless the app has one already; whether it did."""
    target = project.root / VENDOR / PLATFORMS / f"{name}.yaml"
    if target.exists() and not force and project.lock.has("platforms", name):
        return False
    source = platform_path(name)
    data = source.read_bytes()
    version = str(read_platform(source, f"environments/{name}.yaml").get("version", "0"))
    write_atomic(target, data)
    _lock(project, "platforms", name, {"version": version, "digest": digest([(target.name, data)])})
    return True


def vendored_platform(project: Project, name: str) -> dict[str, Any]:
    """A platform's mapping as the app carries it, its digest checked."""
    if name in project.platforms:
        return project.platforms[name]
    file = f"{VENDOR}/{PLATFORMS}/{name}.yaml"
    path = project.root / file
    if not path.exists() and name not in platform_names():
        raise MlstackError(f"There is no platform {name}.", did_you_mean(name, platform_names()))
    again = f"mlstack env set ENV --platform {name}"
    check_vendored(project.lock, "platforms", name, path, file, again)
    return read_platform(path, file)


def _lock(project: Project, group: str, name: str, entry: dict[str, str]) -> bool:
    lock = copy.copy(project.lock)
    lock.set([group, name], entry)
    project.__dict__["lock"] = lock
    return lock.save()


def _put_folder(folder: Path, files: dict[str, bytes]) -> None:
    """The folder with exactly these files, in one rename."""
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    for left in folder.parent.glob(f".{folder.name}.*"):  # by an install that was interrupted
        shutil.rmtree(left, ignore_errors=True)
    try:
        for path, data in files.items():
            write_atomic(temporary / path, data)
        if folder.is_dir():
            shutil.rmtree(_aside(folder))
        temporary.rename(folder)
    except OSError as error:
        raise MlstackError(f"{folder} could not be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _aside(folder: Path) -> Path:
    """The folder under a hidden name, renamed in one step, so that nobody sees half of it."""
    aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.old")
    return folder.rename(aside)
