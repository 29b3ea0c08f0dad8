"""init: a new app's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlstack.app.atomic import write_atomic
from mlstack.app.names import check_app_name, new_id
from mlstack.app.project import APP, COMPONENTS, ENVIRONMENTS
from mlstack.app.registries import BUILT_IN
from mlstack.app.yamlfile import YamlFile
from mlstack.errors import MlstackError

IGNORED = "# What one person has; and what a killed command leaves while it writes a file.\n.mlstack/\n.*.tmp\n"


@dataclass(frozen=True)
class Created:
    """A new app. `root` is absolute."""

    name: str
    id: str
    root: Path

    @property
    def summary(self) -> tuple[str, ...]:
        """What happened, a line each."""
        return (
            f"Created {self.name} ({APP}, {COMPONENTS}/, {ENVIRONMENTS}/). Next: mlstack generate core kubeflow-core",
        )


def init(folder: Path, name: str | None = None, here: bool = False) -> Created:
    """Makes the app `name` (default: the folder's name) in `folder`, which is made if need be.

    A folder that holds something is refused unless `here` says that it is meant (`mlstack init .`).
    """
    root = folder.resolve()
    name = check_app_name(name or root.name)
    _check_free(root, folder, here)
    file = YamlFile.new(
        root / APP,
        root,
        "App",
        {"name": name, "id": new_id(), "registries": {"kubeflow": BUILT_IN}},
        "An mlstack app. `id` marks what it owns in a cluster: never change it.",
    )
    try:
        for made in (COMPONENTS, ENVIRONMENTS):
            (root / made).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MlstackError(f"{folder} could not be made: {error.strerror}.") from error
    _ignore(root / ".gitignore")
    file.save()  # last: an interrupted init leaves no half app
    return Created(name, file.string("id"), root)


def _check_free(root: Path, folder: Path, here: bool) -> None:
    if root.exists() and not root.is_dir():
        raise MlstackError(f"{folder} is a file.", "Choose another name.")
    for above in (root, *root.parents):
        if (above / APP).exists():
            problem = f"{folder} is an app already." if above == root else f"{folder} is inside the app {above}."
            raise MlstackError(problem, "Go on there, or choose another folder.")
    ours = {COMPONENTS, ENVIRONMENTS, ".gitignore"}  # what an interrupted init may have left
    if root.is_dir() and not here and any(path.name not in ours for path in root.iterdir()):
        raise MlstackError(
            f"{folder} is not empty.", f"To make it an app all the same: `cd {folder} && mlstack init .`"
        )


def _ignore(path: Path) -> None:
    before = path.read_text("utf-8") if path.exists() else ""
    if ".mlstack/" not in before.splitlines():
        gap = "" if not before or before.endswith("\n") else "\n"
        write_atomic(path, (before + gap + IGNORED).encode("utf-8"))
