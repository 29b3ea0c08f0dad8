"""Two real control planes for the whole session: `minikube` and `gke`, with contexts of these names in one kubeconfig.

They live in a folder of their own and end with the session, however it ends; the binaries come from the user's cache
and are built there if they are missing. Tests share the clusters: each takes a namespace of its own.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mlstack import sandbox
from mlstack.cli import main
from mlstack.cluster import objects
from mlstack.cluster.access import Permission, may
from mlstack.cluster.client import Client
from mlstack.cluster.connect import connect, connection
from mlstack.cluster.kinds import well_known
from mlstack.sandbox import Sandbox

Kubectl = Callable[..., str]


def _say(text: str) -> None:
    sys.__stderr__.write(f"  {text}\n") if sys.__stderr__ else None


@pytest.fixture(scope="session")
def binaries() -> Path:
    """The folder with the pinned binaries, our training operator and `crds/`; built if need be, which takes minutes."""
    found = sandbox.find(may_build=True, progress=_say)
    assert found.operator is not None, f"{found.folder} ({found.source}) has no training operator"
    return found.folder


@pytest.fixture(scope="session")
def session_env(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment that keeps the session away from the user's files: HOME, KUBECONFIG and the cache are its own."""
    root = tmp_path_factory.mktemp("session")
    own = {
        "HOME": str(root / "home"),
        "KUBECONFIG": str(root / "kubeconfig"),
        "MLSTACK_CACHE_DIR": str(root / "cache"),
        "MLSTACK_SANDBOX_DIR": str(root / "sandboxes"),
        "MLSTACK_SANDBOX_BINARIES": str(binaries),
        "MLSTACK_DOWNLOAD": "0",
    }
    (root / "home").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own.items():
            patch.setenv(name, value)
        yield own
        for left in sandbox.listing():
            sandbox.down(left.name)


@pytest.fixture(autouse=True)
def isolated(session_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cluster test runs in the session's environment."""
    for name, value in session_env.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def kubeconfig(session_env: dict[str, str]) -> Path:
    """The session's kubeconfig; it has the contexts `minikube` and `gke` once those fixtures are used."""
    return Path(session_env["KUBECONFIG"])


def _running(name: str) -> Iterator[Sandbox]:
    try:
        yield sandbox.up(name, like=name, context=name, progress=_say)
    finally:
        sandbox.down(name)


@pytest.fixture(scope="session")
def minikube(session_env: dict[str, str]) -> Iterator[Sandbox]:
    """A running sandbox like minikube: one node without GPU."""
    yield from _running("minikube")


@pytest.fixture(scope="session")
def gke(session_env: dict[str, str]) -> Iterator[Sandbox]:
    """A running sandbox like GKE: CPU nodes, L4 nodes, an A100 node."""
    yield from _running("gke")


@pytest.fixture(scope="session")
def kubectl(binaries: Path, session_env: dict[str, str]) -> Kubectl:
    """`kubectl("get", "pods", context="gke")`: the pinned kubectl; its output, or AssertionError with what it said.

    `stdin` feeds it, `check=False` returns standard error too instead of failing.
    """

    def run(*words: str, context: str | None = None, stdin: str | None = None, check: bool = True) -> str:
        chosen = ["--context", context] if context else []
        done = subprocess.run(
            [str(binaries / "kubectl"), *chosen, *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, **session_env},
            check=False,
        )
        assert not check or done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}{done.stdout}"
        return done.stdout if check else done.stdout + done.stderr

    return run


@pytest.fixture
def namespace() -> str:
    """A namespace name that no other test has; the test creates it."""
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def client(minikube: Sandbox, kubeconfig: Path) -> Iterator[Client]:
    """A client of minikube's control plane as its administrator, with no request counted yet."""
    with connect("minikube", str(kubeconfig)) as connected:
        yield connected


@pytest.fixture
def made(client: Client, namespace: str) -> Iterator[str]:
    """A namespace that exists; it is deleted after the test."""
    resource = well_known("v1", "Namespace")
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    objects.create(client, resource, manifest, manager="test")
    client.requests.clear()
    yield namespace
    objects.delete(client, resource, None, namespace)


@pytest.fixture
def stranger(minikube: Sandbox, kubeconfig: Path) -> Iterator[Client]:
    """A client of minikube's control plane as a user without any right."""
    settings = connection("minikube", str(kubeconfig))
    with Client(replace(settings, extra_headers=(("Impersonate-User", "stranger"),))) as connected:
        yield connected


@pytest.fixture
def granted(client: Client, stranger: Client, namespace: str) -> Iterator[None]:
    """The stranger may list namespaces, and still not read one."""
    role, binding = (well_known("rbac.authorization.k8s.io/v1", kind) for kind in ("ClusterRole", "ClusterRoleBinding"))
    rule = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]}
    metadata = {"name": namespace}
    group = "rbac.authorization.k8s.io"
    manifest = {"apiVersion": role.api_version, "kind": role.kind, "metadata": metadata, "rules": [rule]}
    objects.apply(client, role, manifest, manager="test")
    bound = {
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": namespace},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "stranger"}],
    }
    manifest = {"apiVersion": binding.api_version, "kind": binding.kind, "metadata": metadata, **bound}
    objects.apply(client, binding, manifest, manager="test")
    allowed = Permission("list", well_known("v1", "Namespace"))
    while not may(stranger, allowed):  # the authorizer learns of it a moment later
        time.sleep(0.05)
    stranger.requests.clear()
    yield
    objects.delete(client, binding, None, namespace)
    objects.delete(client, role, None, namespace)


@dataclass(frozen=True)
class App:
    """An app in a folder, worked on by the `mlstack` command alone."""

    root: Path

    @contextlib.contextmanager
    def start(self, *words: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """`mlstack WORDS` as a process in the app's folder, its output in pipes: for who looks at it while it runs.

        What has not ended by then is killed at the end, so that a test which fails does so at once.
        """
        script = str(Path(sys.executable).with_name("mlstack"))
        pipe = subprocess.PIPE
        env = {**os.environ, **environ}
        with subprocess.Popen([script, *words], cwd=self.root, env=env, stdout=pipe, stderr=pipe, text=True) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """`mlstack WORDS` to its end, in this process: a third of a second less each. What gets out fails the test."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.root), pytest.MonkeyPatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main.run(words)
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())

    def do(self, *words: str, **environ: str) -> str:
        """`mlstack WORDS`, which has to work; what it printed."""
        done = self.run(*words, **environ)
        assert done.returncode == 0, f"mlstack {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def write(self, files: Mapping[str, str]) -> None:
        """Files of the app, by relative path."""
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, "utf-8")

    def files(self) -> dict[str, bytes]:
        """Every file of the app, the git-ignored ones included."""
        return {str(path.relative_to(self.root)): path.read_bytes() for path in self.root.rglob("*") if path.is_file()}

    def restore(self, files: Mapping[str, bytes]) -> None:
        """The app's files as they were, by relative path; others are removed."""
        now = self.files()
        for path in now.keys() - files.keys():
            (self.root / path).unlink()
        for path, data in files.items():
            if now.get(path) != data:
                (self.root / path).parent.mkdir(parents=True, exist_ok=True)
                (self.root / path).write_bytes(data)


@pytest.fixture(scope="session")
def new_app(tmp_path_factory: pytest.TempPathFactory, session_env: dict[str, str]) -> Callable[[str], App]:
    """`new_app("a")`: a new app of that name in a folder of its own."""

    def make(name: str) -> App:
        folder = App(tmp_path_factory.mktemp("apps"))
        folder.do("init", name)
        return App(folder.root / name)

    return make
