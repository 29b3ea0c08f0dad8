"""From a context to requests that a real API server accepts, by each kind of credentials."""

from __future__ import annotations

import base64
import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlstack.actions.contact import kube_contexts
from mlstack.cluster import connect as connecting
from mlstack.cluster import objects
from mlstack.cluster.access import whoami
from mlstack.cluster.client import Client
from mlstack.cluster.connect import connect, connection
from mlstack.cluster.connection import proxy_for
from mlstack.cluster.failures import KubeconfigError, UnauthorizedError, UnreachableError
from mlstack.cluster.identity import cluster_uid
from mlstack.cluster.kinds import well_known
from mlstack.cluster.request import Request

Json = dict[str, Any]
Write = Callable[..., str]
ACCOUNT = "system:serviceaccount:{}:default"


@pytest.fixture
def cluster(client: Client, kubeconfig: Path) -> Json:
    """The cluster part of minikube's context, with its CA in a file."""
    settings = yaml.safe_load(kubeconfig.read_text())
    assert client.connection.authority
    authority = kubeconfig.parent / "ca.crt"
    authority.write_bytes(client.connection.authority)
    assert settings["clusters"]
    return {"server": client.server, "certificate-authority": "ca.crt"}


@pytest.fixture
def write(cluster: Json, kubeconfig: Path) -> Write:
    """Writes a kubeconfig with one context `here` for a user, and parts of the cluster changed; its path."""

    def write(user: Json, **changes: Any) -> str:
        parts = {key: value for key, value in {**cluster, **changes}.items() if value is not None}
        content = {
            "clusters": [{"name": "c", "cluster": parts}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        }
        path = kubeconfig.parent / "own"
        path.write_text(json.dumps(content))
        return str(path)

    return write


@pytest.fixture
def token(client: Client, made: str) -> str:
    """A token of the namespace's default service account."""
    account = well_known("v1", "ServiceAccount")
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    while not objects.find(client, account, made, "default"):
        pass
    answer = client.json("POST", account.path(made, "default", "token"), body=request)
    return str(answer["status"]["token"])


def plugin(folder: Path, tokens: list[str], **status: Any) -> Json:
    """The exec part of a user, whose command prints one token after the other; `runs` beside it counts."""
    script = folder / "plugin.py"
    script.write_text(
        f"""#!{sys.executable}
import json, os, pathlib
asked = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
log = pathlib.Path({str(folder)!r}) / "runs"
runs = len(log.read_text().splitlines()) if log.exists() else 0
with log.open("a") as file:
    file.write(json.dumps(asked) + "\\n")
tokens = {tokens!r}
status = {{"token": tokens[min(runs, len(tokens) - 1)], **{status!r}}}
print(json.dumps({{"apiVersion": asked["apiVersion"], "kind": "ExecCredential", "status": status}}))
"""
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    (folder / "runs").unlink(missing_ok=True)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin.py", "args": ["x"]}}


def runs(folder: Path) -> int:
    """How often the plugin was started."""
    return len((folder / "runs").read_text().splitlines())


def test_certificates_by_file_and_by_data(client: Client, write: Write, kubeconfig: Path) -> None:
    pair = client.connection.credentials.certificate()
    assert pair
    for part, content in zip(("crt", "key"), pair, strict=True):
        kubeconfig.with_name(f"admin.{part}").write_bytes(content)
    by_file = {"client-certificate": "admin.crt", "client-key": str(kubeconfig.with_name("admin.key"))}
    names = ("client-certificate-data", "client-key-data")
    by_data = {name: base64.b64encode(content).decode() for name, content in zip(names, pair, strict=True)}
    for user in (by_file, by_data):
        assert whoami(connect("here", write(user))) == whoami(client)


def test_token_and_token_file(write: Write, token: str, made: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(token + "\n")
    for user in ({"token": token}, {"tokenFile": str(path)}):
        assert whoami(connect("here", write(user))) == ACCOUNT.format(made)


def test_a_token_file_is_read_again_after_a_refusal(write: Write, token: str, made: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    client = connect("here", write({"tokenFile": str(path)}))
    with pytest.raises(UnauthorizedError):
        whoami(client)
    path.write_text(token)
    assert whoami(client) == ACCOUNT.format(made)


def test_a_plugin_runs_once(write: Write, token: str, made: str, kubeconfig: Path) -> None:
    client = connect("here", write(plugin(kubeconfig.parent, [token])))
    assert client.map(lambda _: whoami(client), range(8)) == [ACCOUNT.format(made)] * 8
    assert runs(kubeconfig.parent) == 1


@pytest.mark.parametrize(("until", "expected"), [("2020-01-01T00:00:00Z", 2), ("2999-01-01T00:00:00Z", 1)])
def test_a_plugin_runs_again_when_its_token_expired(
    write: Write, token: str, kubeconfig: Path, until: str, expected: int
) -> None:
    client = connect("here", write(plugin(kubeconfig.parent, [token], expirationTimestamp=until)))
    connections_own_run = runs_before_first_use(kubeconfig.parent)
    whoami(client)
    after_first = runs(kubeconfig.parent)
    whoami(client)
    assert connections_own_run == 0
    assert runs(kubeconfig.parent) - after_first == expected - 1


def runs_before_first_use(folder: Path) -> int:
    """How often a plugin ran though nothing was sent."""
    return runs(folder) if (folder / "runs").exists() else 0


def test_a_plugin_runs_again_after_a_refusal(write: Write, token: str, made: str, kubeconfig: Path) -> None:
    client = connect("here", write(plugin(kubeconfig.parent, ["stale", token])))
    assert whoami(client) == ACCOUNT.format(made)
    assert runs(kubeconfig.parent) == 2
    assert client.requests == {"POST selfsubjectreviews": 2}
    with client.stream(Request("GET", "/version")) as answer:
        assert answer.status == 200


def test_a_plugin_with_a_certificate_is_told_the_cluster(client: Client, write: Write, kubeconfig: Path) -> None:
    pair = client.connection.credentials.certificate()
    assert pair
    certificate = {"clientCertificateData": pair[0].decode(), "clientKeyData": pair[1].decode()}
    user = plugin(kubeconfig.parent, [""], **certificate)
    user["exec"]["provideClusterInfo"] = True
    assert whoami(connect("here", write(user))) == whoami(client)
    told = json.loads((kubeconfig.parent / "runs").read_text().splitlines()[0])
    assert told["spec"]["cluster"]["server"] == client.server


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"command": "no-such", "installHint": "Get it."},
            "cannot be started: No such file or directory. Get it.",
        ),
        ({"command": "false"}, "failed with exit code 1. Log in again"),
        ({"command": "echo", "args": ["secret-token"]}, "printed no ExecCredential with a token or certificate."),
        ({"apiVersion": "client.authentication.k8s.io/v1alpha1"}, "speaks client.authentication.k8s.io/v1alpha1, not"),
    ],
)
def test_plugins_that_do_not_work(write: Write, kubeconfig: Path, change: Json, said: str) -> None:
    user = plugin(kubeconfig.parent, ["x"])
    user["exec"].update(change)
    with pytest.raises(KubeconfigError) as error:
        whoami(connect("here", write(user)))
    assert said in str(error.value)
    assert "secret-token" not in str(error.value)


def test_impersonation(client: Client, write: Write) -> None:
    pair = client.connection.credentials.certificate()
    assert pair
    names = ("client-certificate-data", "client-key-data")
    user: Json = {name: base64.b64encode(content).decode() for name, content in zip(names, pair, strict=True)}
    user |= {"as": "ann", "as-groups": ["a", "system:masters"], "as-user-extra": {"reason": ["x", "y"]}}
    connected = connect("here", write(user))
    answer = connected.json(
        "POST",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        body={"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
    )
    info = answer["status"]["userInfo"]
    assert (info["username"], info["extra"]) == ("ann", {"reason": ["x", "y"]})
    assert {"a", "system:masters"} <= set(info["groups"])


def test_the_servers_certificate_is_checked(write: Write, token: str, gke: object, kubeconfig: Path) -> None:
    other = connection("gke", str(kubeconfig)).authority
    assert other
    data = base64.b64encode(other).decode()
    wrong = {"certificate-authority": None, "certificate-authority-data": data}
    with pytest.raises(UnreachableError, match="shows a certificate that is not trusted"):
        whoami(connect("here", write({"token": token}, **wrong)))
    with pytest.raises(UnreachableError, match="not trusted"):
        whoami(connect("here", write({"token": token}, **{"certificate-authority": None})))
    assert whoami(connect("here", write({"token": token}, **wrong, **{"insecure-skip-tls-verify": True})))


def test_tls_server_name(write: Write, token: str) -> None:
    assert whoami(connect("here", write({"token": token}, **{"tls-server-name": "kubernetes.default"})))
    with pytest.raises(UnreachableError, match="not trusted"):
        whoami(connect("here", write({"token": token}, **{"tls-server-name": "elsewhere.example.org"})))


def test_a_proxy_that_is_not_there(write: Write, token: str) -> None:
    with pytest.raises(UnreachableError, match="refused"):
        whoami(connect("here", write({"token": token}, **{"proxy-url": "http://127.0.0.1:1"})))


@pytest.mark.parametrize(
    ("server", "no_proxy", "expected"),
    [
        ("https://gke.example.org", "", "http://proxy:3128"),
        ("https://gke.example.org:6443", "example.org", ""),
        ("https://127.0.0.1:6443", "", ""),
        ("https://localhost:6443", "", ""),
        ("http://gke.example.org", "", ""),
    ],
)
def test_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch, server: str, no_proxy: str, expected: str) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "no_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert proxy_for(server) == expected


def test_other_authentication_goes_through_the_kubernetes_package(write: Write, token: str, made: str) -> None:
    provider = {"name": "oidc", "config": {"id-token": token}}
    assert whoami(connect("here", write({"auth-provider": provider}))) == ACCOUNT.format(made)


def test_inside_a_pod(client: Client, token: str, made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.connection.authority
    for name, content in (("token", token.encode()), ("ca.crt", client.connection.authority), ("namespace", b"ml")):
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(connecting, "_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", client.connection.host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(client.connection.port))
    with pytest.raises(KubeconfigError, match="Context 'gke-eu' is not found in ") as refused:
        connect("gke-eu")
    assert "mlstack env set ENV --context in-cluster" in refused.value.hint
    connected = connect("in-cluster")
    assert (connected.context, connected.namespace, whoami(connected)) == ("in-cluster", "ml", ACCOUNT.format(made))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert whoami(connect("in-cluster")) == ACCOUNT.format(made)
    assert kube_contexts(None).names == ("in-cluster",)
    with pytest.raises(KubeconfigError, match="Context 'gke-eu' is not found in this pod, which has no kubeconfig"):
        connect("gke-eu")  # never the pod's own cluster under the name of another


def test_the_current_context_is_never_used(client: Client, gke: object, kubeconfig: Path) -> None:
    settings = yaml.safe_load(kubeconfig.read_text())
    uids = set()
    for current in ("minikube", "gke"):
        other = kubeconfig.with_name("current")
        other.write_text(yaml.safe_dump({**settings, "current-context": current}))
        uids.add(cluster_uid(connect("minikube", str(other))))
    assert uids == {cluster_uid(client)}


def test_secrets_are_not_in_the_representation(write: Write, token: str) -> None:
    assert token not in repr(connection("here", write({"token": token})))
