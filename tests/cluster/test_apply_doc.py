"""The console blocks of docs/apply.md, typed on a real control plane: what stands there is what is printed.

MLSTACK_UPDATE_DOCS=1 writes what was printed into the page.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.engine.manifests import definition, deployment, thing, together
from tests.cluster.registry import team_registry
from tests.cluster.shell import Shell, environment

DOC = Path(__file__).parents[2] / "docs/apply.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
# What differs from one machine and minute to the next, and what stands in the page instead.
PASSING = (
    (re.compile(r"^    [A-Z]\w*/[^\n]*\n", re.MULTILINE), ""),  # waiting lines come and go with the speed
    (re.compile(r"https://127\.0\.0\.1:\d+"), "https://127.0.0.1:6443"),
    (re.compile(r"cluster [0-9a-f]{8}\b"), "cluster 2b91c22b"),
    (re.compile(r"\bs\d\b"), "ml"),  # a namespace for each block
    (re.compile(r"\b[0-9a-f]{10}\b"), "36d5f95815"),
    (re.compile(r"\(\d+(\.\d)? s\)"), "(1 s)"),
    (re.compile(r", \d+\.\d s\)"), ", 0.1 s)"),
    (re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d"), r"2026-11-23\g<1>12:17:31"),
    (re.compile(r"\(pid \d+, mlstack [^)]*\)"), "(pid 4711, mlstack 0.1.0)"),
)
ME, SHOWN_ME = f"ann@{socket.gethostname()}", "ann@box"
TIMED = re.compile(r" +\d+\.\d s$", re.MULTILINE)
LOGGED = re.compile(r"(?:^\[[^\n]*\n)+", re.MULTILINE)  # of several pods; opened again, a log begins anew

SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {color: blue}\n"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
OLD = SETTINGS.replace("color: blue", 'color: blue, size: "3"')
HELM = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  labels: {app.kubernetes.io/managed-by: Helm}
  annotations: {meta.helm.sh/release-name: shop, meta.helm.sh/release-namespace: NAMESPACE}
data: {color: blue, size: "3"}
"""
GROUP = "example.com"
OPERATOR = together(definition(GROUP), thing(GROUP, "thing"), deployment("operator", mode="pending"))


@dataclass
class Session(Shell):
    """A shell in an app's folder, one app and namespace for each block."""

    number: int = 0

    @property
    def here(self) -> Path:
        return self.app

    @property
    def app(self) -> Path:
        return self.folder / f"s{self.number}" / "shop"

    def new(self) -> None:
        """An app that has an environment `gke` in a namespace of its own, which kubectl uses as well."""
        self.number += 1
        self.app.parent.mkdir()
        self.do("mlstack init shop", self.app.parent)
        self.do(f"kubectl create namespace s{self.number}")
        self.do(f"kubectl config set-context gke --namespace s{self.number}")
        self.do("mlstack env add gke")

    def write(self, path: str, text: str) -> None:
        (self.app / path).parent.mkdir(parents=True, exist_ok=True)
        (self.app / path).write_text(text.replace("NAMESPACE", f"s{self.number}"))


@pytest.fixture(scope="module")
def session(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A sandbox of its own, whose context is the current one."""
    folder = tmp_path_factory.mktemp("doc")
    typed = Session(folder, environment(folder, binaries, LOGNAME="ann"))
    try:
        typed.do("mlstack sandbox up gke --like gke --context gke && kubectl config use-context gke", folder)
        yield typed
    finally:
        typed.type("mlstack sandbox down --all", folder)


def applied(session: Session) -> None:
    session.write("components/web/settings.yaml", SETTINGS)
    session.write("components/web/service.yaml", SERVICE)
    session.do("mlstack apply gke")


def made_by_kubectl(session: Session) -> None:
    session.write("components/web/settings.yaml", SETTINGS.replace("blue", "green"))
    session.write("old.yaml", OLD)


def made_by_helm(session: Session) -> None:
    """No helm here: the API server is told that it is."""
    session.write("components/web/settings.yaml", SETTINGS.replace("blue", "green"))
    session.write("helm.yaml", HELM)
    session.do("kubectl create -f helm.yaml --field-manager=helm; rm helm.yaml")


def trained(session: Session) -> None:
    session.do("mlstack generate kubeflow-core core && mlstack generate tf-cnn cnn && mlstack apply gke")
    session.do("mlstack wait gke -c cnn --for finished")
    session.do("mlstack param set cnn num_workers 2 && mlstack apply gke -c cnn --wait finished")


def with_history(session: Session) -> None:
    git = "git -c user.name=ann -c user.email=ann@box"
    session.write("components/other/a.yaml", SETTINGS.replace("settings", "other"))
    session.do("mlstack apply gke")
    session.write("components/web/settings.yaml", SETTINGS)
    session.write("components/web/service.yaml", SERVICE)
    session.do(f"git init -q && git add -A && {git} commit -qm shop && mlstack apply gke")
    session.write("components/web/settings.yaml", SETTINGS.replace("blue", "red"))
    (session.app / "components/web/service.yaml").unlink()
    session.do("mlstack apply gke -c web")


def busy(session: Session) -> None:
    """An apply that waits for its operator, and so does not end."""
    session.write("components/thing/a.yaml", OPERATOR)
    under_way = "nohup mlstack apply gke --timeout 90s > under-way.log 2>&1 &"
    session.do(f"{under_way} until grep -q operator under-way.log; do sleep 0.2; done")


def refused(session: Session) -> None:
    session.write("components/web/settings.yaml", SETTINGS)
    team_registry(session.app.parent / "registry")
    session.do("mlstack registry add team ../registry && mlstack pkg install team/apps")
    session.do("mlstack generate team/apps/server model --service_account='No Name'")


# What has to be there before a block is typed, by its first command.
PREPARED: dict[str, Callable[[Session], None]] = {
    "kubectl patch": applied,
    "kubectl apply": made_by_kubectl,
    "kubectl get": made_by_helm,
    "rm": applied,
    "mlstack run": trained,
    "mlstack history": with_history,
    "mlstack apply gke --lock-timeout": busy,
    "mlstack apply gke": refused,
}


def prepared(command: str) -> Callable[[Session], None]:
    return next(function for start, function in PREPARED.items() if command.startswith(start))


def settled(text: str) -> str:
    for pattern, instead in PASSING:
        text = pattern.sub(instead, text)
    text = text.replace("who".ljust(len(ME)), "who".ljust(len(SHOWN_ME))).replace(ME, SHOWN_ME)
    text = TIMED.sub(lambda found: "0.1 s".rjust(len(found[0])), text)
    text = LOGGED.sub(lambda found: "".join(sorted(set(found[0].splitlines(keepends=True)))), text)
    return "\n".join(line.rstrip() for line in text.splitlines())


def commands(block: str) -> list[str]:
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


def typed(session: Session, block: str) -> str:
    """A block's commands with what they print now."""
    lines = commands(block)
    session.new()
    prepared(lines[0])(session)
    return "".join(f"$ {line}\n" + f"{settled(session.type(line))}\n".lstrip("\n") for line in lines)


TEXT = DOC.read_text("utf-8")
BLOCKS = BLOCK.findall(TEXT)


@pytest.mark.parametrize("number", range(len(BLOCKS)), ids=lambda number: commands(BLOCKS[number])[0][:40])
def test_a_session_of_the_page(session: Session, number: int) -> None:
    printed = typed(session, BLOCKS[number])
    if os.environ.get("MLSTACK_UPDATE_DOCS"):
        text = DOC.read_text("utf-8")
        DOC.write_text(text.replace(f"```console\n{BLOCKS[number]}```", f"```console\n{printed}```"), "utf-8")
        return
    assert printed == BLOCKS[number]


def test_every_session_is_there() -> None:
    assert len(BLOCKS) == len(PREPARED)
    assert "Traceback" not in TEXT
