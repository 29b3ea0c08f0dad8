"""JupyterHub: its objects, and its configuration file run with a stand-in for JupyterHub's own object."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mlstack.bundled import bundled
from mlstack.compose.kubeformats import is_label
from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError

Show = Callable[..., Rendered]
One = Callable[..., dict[str, Any]]

OAUTH = {
    "authenticator": "oauth",
    "oauth_client_id": "hub",
    "oauth_client_secret": {"name": "hub-oauth", "key": "secret"},
    "oauth_callback_url": "https://hub.example.com/hub/oauth_callback",
}
NATIVE = {"authenticator": "native", "admin_users": ["ada"]}
TOLD = {"JUPYTERHUB_ACTIVITY_INTERVAL": "300"}  # to notebooks, how often to say that they are in use


class Section:
    """One class's configuration: its attributes."""

    def __init__(self) -> None:
        self.__dict__: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Config(defaultdict[str, Section]):
    """What JupyterHub hands to its configuration files: c.Class and c["Class"] are the same."""

    def __init__(self) -> None:
        super().__init__(Section)

    def __getattr__(self, name: str) -> Section:
        return self[name]


@pytest.fixture
def configure(one: One, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Config]:
    """`configure(**parameters)`: the configuration that the rendered file makes in the rendered environment."""

    def configure(password: str = "correct horse", **values: Any) -> Config:
        data = one("ConfigMap", "jupyterhub", "gke", **values)["data"]
        for name, text in data.items():
            (tmp_path / name).write_text(text)
        monkeypatch.setenv("POD_NAMESPACE", "team")
        monkeypatch.setenv("HUB_COOKIE_SECRET", "00ff" * 16)
        monkeypatch.setenv("HUB_PASSWORD", password)
        monkeypatch.setenv("HUB_OAUTH_CLIENT_SECRET", "shared with the provider")
        config = Config()
        path = tmp_path / "jupyterhub_config.py"
        exec(compile(path.read_text(), str(path), "exec"), {"get_config": lambda: config, "__file__": str(path)})
        return config

    return configure


def test_the_pod_tf_hub_0_serves_port_8000(one: One) -> None:
    for prototype in ("kubeflow-core", "jupyterhub"):
        hub = one("StatefulSet", prototype, name="anything")
        assert (hub["metadata"]["name"], hub["spec"]["replicas"]) == ("tf-hub", 1)
        assert hub["spec"]["serviceName"] == "tf-hub-0"
        containers = {one["name"]: one for one in hub["spec"]["template"]["spec"]["containers"]}
        assert [port["containerPort"] for port in containers["proxy"]["ports"]] == [8000]
        assert [port["containerPort"] for port in containers["hub"]["ports"]] == [8081]
        labels = hub["spec"]["template"]["metadata"]["labels"]
        for service in ("tf-hub-0", "tf-hub-lb"):
            selector = one(f"Service/{service}", prototype)["spec"]["selector"]
            assert selector == hub["spec"]["selector"]["matchLabels"]
            assert selector.items() <= labels.items()


def test_hub_and_operator_are_separate(show: Show) -> None:
    both = {str(m["metadata"]["name"]) for m in show("kubeflow-core").manifests}
    hub = {str(m["metadata"]["name"]) for m in show("kubeflow-core", operator=False).manifests}
    operator = {str(m["metadata"]["name"]) for m in show("kubeflow-core", hub=False).manifests}
    assert hub | operator == both
    assert not hub & operator
    assert show("kubeflow-core", hub=False, operator=False).manifests == ()


def test_the_hub_alone_is_the_same_hub(show: Show) -> None:
    def core(rendered: Rendered) -> list[Any]:
        return [{**m, "metadata": m["metadata"]["name"]} for m in rendered.manifests if m["kind"] == "ConfigMap"]

    assert core(show("jupyterhub", gpus=1)) == core(show("kubeflow-core", hub_gpus=1, operator=False))


def test_secrets_are_generated_and_named_nowhere_else(one: One, show: Show) -> None:
    secret = one("Secret", "jupyterhub")
    assert json.loads(secret["metadata"]["annotations"]["mlstack.dev/generate"]) == {
        "proxy-token": "hex:32",
        "cookie-secret": "hex:32",
        "password": "password:20",
    }
    assert secret.keys() & {"data", "stringData"} == set()
    own = show("jupyterhub", password={"name": "hub", "key": "word"})
    assert "'password': 'password:20'" not in str(own.manifests)
    assert "{'name': 'hub', 'key': 'word'}" in str(own.manifests)


@pytest.mark.parametrize("values", [{}, {"password": {"name": "hub", "key": "word"}}, NATIVE, {**OAUTH}])
def test_every_secret_that_the_hub_reads_is_there(values: dict[str, Any], one: One) -> None:
    values = {**values, **({"allowed_users": ["ada"]} if "oauth_client_id" in values else {})}
    made = json.loads(one("Secret", "jupyterhub", **values)["metadata"]["annotations"]["mlstack.dev/generate"])
    hub = one("StatefulSet", "jupyterhub", **values)["spec"]["template"]["spec"]
    entries = [entry for container in hub["containers"] for entry in container["env"]]
    read = [entry["valueFrom"]["secretKeyRef"] for entry in entries if "secretKeyRef" in entry.get("valueFrom", {})]
    assert {ref["key"] for ref in read if ref["name"] == "jupyterhub-secret"} == set(made)


def test_a_change_of_the_configuration_rolls_the_pod(one: One) -> None:
    def digest(**values: Any) -> str:
        template = one("StatefulSet", "jupyterhub", **values)["spec"]["template"]
        return str(template["metadata"]["annotations"]["mlstack.dev/config"])

    assert digest() == digest()
    assert len({digest(), digest(storage="20Gi"), digest(gpus=1), digest(cull_idle_s=0)}) == 4


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"service_type": "LoadBalancer"}, "authenticator dummy (one password for everybody)"),
        ({"admin_users": ["ada"]}, "everybody could log in as one of admin_users (ada)"),
        ({"authenticator": "native"}, "native would let nobody in; set admin_users"),
        ({"authenticator": "oauth"}, "needs oauth_client_id, oauth_client_secret"),
        ({**OAUTH}, "would let nobody in"),
        ({"gpus": 1, "accelerator_type": "l5"}, "l5 has no name on platform gke"),
    ],
)
def test_what_cannot_work_is_refused(values: dict[str, Any], says: str, show: Show) -> None:
    with pytest.raises(MlstackError) as error:
        show("jupyterhub", "gke", **values)
    assert says in str(error.value)


def test_a_public_hub_with_own_passwords_is_fine(one: One) -> None:
    service = one("Service/tf-hub-lb", "jupyterhub", service_type="LoadBalancer", **NATIVE)
    assert service["spec"]["type"] == "LoadBalancer"


def test_network_policies_select_what_the_hub_starts(show: Show, configure: Callable[..., Config]) -> None:
    spawner = configure()["KubeSpawner"]
    labels = {**spawner.common_labels, **spawner.extra_labels}
    policies = [m for m in show("jupyterhub").manifests if m["kind"] == "NetworkPolicy"]
    assert len(policies) == 2
    assert policies[1]["spec"]["podSelector"]["matchLabels"] == labels
    assert policies[0]["spec"]["ingress"][1]["from"][0]["podSelector"]["matchLabels"] == labels


REACHED = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07::1"]
NOT_REACHED = [
    "169.254.169.254",  # the metadata of Google, Amazon and Azure
    "169.254.170.2",  # Amazon's credentials for containers
    "fd00:ec2::254",
    "100.100.100.200",  # Alibaba's
    "10.0.0.1",
    "172.20.0.1",
    "192.168.1.1",
    "100.64.0.7",
    "fe80::1",
]


def test_notebooks_reach_the_internet_and_neither_metadata_nor_private_addresses(one: One) -> None:
    egress = one("NetworkPolicy/tf-hub-notebooks", "jupyterhub")["spec"]["egress"]
    assert egress[0] == {"to": [{"podSelector": {}}]}  # the hub, and what else is served in this namespace
    assert egress[1] == {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
    blocks = [peer["ipBlock"] for peer in egress[2]["to"]]

    def reaches(address: str) -> bool:
        ip = ip_address(address)
        return any(
            ip in ip_network(block["cidr"]) and not any(ip in ip_network(out) for out in block["except"])
            for block in blocks
        )

    assert [address for address in REACHED if not reaches(address)] == []
    assert [address for address in NOT_REACHED if reaches(address)] == []
    for block in blocks:
        assert all(ip_network(out).subnet_of(ip_network(block["cidr"])) for out in block["except"])  # type: ignore[arg-type]


@pytest.mark.parametrize(("memory", "request_"), [("1Gi", "256Mi"), ("512Mi", "128Mi"), ("4Gi", "1024Mi")])
def test_the_hubs_own_memory(memory: str, request_: str, one: One) -> None:
    pod = one("StatefulSet", "kubeflow-core", hub_memory=memory)["spec"]["template"]["spec"]
    hub = next(container for container in pod["containers"] if container["name"] == "hub")
    assert hub["resources"] == {"requests": {"cpu": "100m", "memory": request_}, "limits": {"memory": memory}}


def test_the_hub_waits_for_the_proxy_beside_it(configure: Callable[..., Config]) -> None:
    config = configure()
    assert config["ConfigurableHTTPProxy"].should_start is False
    assert config["JupyterHub"].hub_connect_url == "http://tf-hub-0:8081"
    assert config["JupyterHub"].cleanup_servers is False
    assert config["JupyterHub"].cookie_secret == bytes.fromhex("00ff" * 16)


def test_notebooks_have_their_volume_mounted(configure: Callable[..., Config]) -> None:
    claims = ["flowers", "team.data", "team-data", "x" * 253]
    spawner = configure(shared_claims=claims, storage="5Gi", storage_class="fast")["KubeSpawner"]
    assert spawner.namespace == "team"
    assert (spawner.storage_pvc_ensure, spawner.storage_capacity, spawner.storage_class) == (True, "5Gi", "fast")
    assert spawner.volumes["home"]["persistentVolumeClaim"] == {"claimName": "{pvc_name}"}
    assert spawner.volume_mounts["home"]["mountPath"] == "/home/jovyan"
    shared = {name: volume for name, volume in spawner.volumes.items() if name != "home"}
    assert [volume["persistentVolumeClaim"]["claimName"] for volume in shared.values()] == claims
    assert [spawner.volume_mounts[name]["mountPath"] for name in shared] == [f"/mnt/{claim}" for claim in claims]
    assert all(is_label(name) for name in spawner.volumes)
    assert set(spawner.volumes) == set(spawner.volume_mounts)


def test_notebooks_are_admitted_at_the_level_restricted(configure: Callable[..., Config]) -> None:
    spawner = configure()["KubeSpawner"]
    context = spawner.container_security_context
    assert (spawner.uid, spawner.fs_gid, spawner.allow_privilege_escalation) == (1000, 100, False)
    assert context["runAsNonRoot"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spawner.automount_service_account_token is False
    assert spawner.extra_pod_config == {"enableServiceLinks": False}


def test_without_gpus_there_is_one_kind_of_notebook(configure: Callable[..., Config]) -> None:
    spawner = configure()["KubeSpawner"]
    assert not hasattr(spawner, "profile_list")
    assert spawner.environment == {"NVIDIA_VISIBLE_DEVICES": "void", **TOLD}


def test_with_gpus_only_their_profile_sees_them(configure: Callable[..., Config]) -> None:
    spawner = configure(gpus=2, accelerator_type="l4")["KubeSpawner"]
    cpu, gpu = (profile["kubespawner_override"] for profile in spawner.profile_list)
    assert spawner.environment == TOLD
    assert cpu["environment"] == {"NVIDIA_VISIBLE_DEVICES": "void", **TOLD}
    assert gpu["extra_resource_limits"] == {"nvidia.com/gpu": "2"}
    assert gpu["node_selector"] == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    assert gpu["tolerations"][0]["key"] == "nvidia.com/gpu"


@pytest.mark.parametrize(("allowed", "everybody"), [([], True), (["ada"], False)])
def test_one_password_lets_in_everybody_or_those_named(
    allowed: list[str], everybody: bool, configure: Callable[..., Config]
) -> None:
    config = configure(allowed_users=allowed)
    assert config["JupyterHub"].authenticator_class == "dummy"
    assert config["DummyAuthenticator"].password == "correct horse"
    assert config["Authenticator"].allow_all is everybody
    assert config["Authenticator"].allowed_users == set(allowed)
    assert config["Authenticator"].admin_users == set()


def test_an_empty_password_starts_no_hub(configure: Callable[..., Config]) -> None:
    with pytest.raises(SystemExit, match="anybody could log in"):
        configure(password="")


def test_own_passwords_need_an_administrator(configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("nativeauthenticator")
    module.__file__ = "/site/nativeauthenticator/__init__.py"
    monkeypatch.setitem(sys.modules, "nativeauthenticator", module)
    config = configure(**NATIVE)
    assert config["JupyterHub"].authenticator_class == "native"
    assert config["JupyterHub"].template_paths == ["/site/nativeauthenticator/templates"]
    assert config["NativeAuthenticator"].open_signup is False


def test_another_service_vouches_for_those_allowed(configure: Callable[..., Config]) -> None:
    config = configure(**OAUTH, oauth_settings={"allowed_organizations": ["acme"], "scope": ["read:org"]})
    assert config["JupyterHub"].authenticator_class == "github"
    assert config["OAuthenticator"].client_secret == "shared with the provider"
    assert config["GitHubOAuthenticator"].allowed_organizations == ["acme"]
    assert not hasattr(config["Authenticator"], "allow_all")


@pytest.mark.parametrize(("idle", "hub", "notebook"), [(0, 60, 300), (3600, 60, 300), (100, 25, 25), (8, 5, 5)])
def test_use_is_told_before_it_looks_like_idleness(
    idle: int, hub: int, notebook: int, configure: Callable[..., Config]
) -> None:
    config = configure(cull_idle_s=idle)
    assert config["JupyterHub"].last_activity_interval == hub
    assert config["KubeSpawner"].environment["JUPYTERHUB_ACTIVITY_INTERVAL"] == str(notebook)


@pytest.mark.parametrize(("idle", "every"), [(3600, 600), (300, 150), (60, 30), (8, 5)])
def test_idle_notebooks_are_stopped(idle: int, every: int, configure: Callable[..., Config]) -> None:
    hub = configure(cull_idle_s=idle)["JupyterHub"]
    assert hub.services[0]["command"][-2:] == [f"--timeout={idle}", f"--cull-every={every}"]
    assert hub.load_roles[0]["services"] == [hub.services[0]["name"]]


def test_idle_notebooks_can_stay(configure: Callable[..., Config]) -> None:
    assert not hasattr(configure(cull_idle_s=0)["JupyterHub"], "services")


def test_the_configuration_is_the_file_of_the_library(one: One) -> None:
    text = (bundled("prototypes") / "lib" / "jupyterhub_config.py").read_text()
    assert one("ConfigMap/jupyterhub-config", "kubeflow-core")["data"]["jupyterhub_config.py"] == text
