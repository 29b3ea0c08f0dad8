"""JupyterHub on Kubernetes: a notebook pod and a volume for each user.

What differs from one hub to another stands in settings.json beside this file; secrets come in the environment.
"""

import json
import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821  JupyterHub puts it here
settings = json.loads(Path(__file__).with_name("settings.json").read_text())

NOTEBOOK_LABELS = {"app": "jupyterhub", "component": "singleuser-server"}  # the network policies select them


def configure_hub():
    """The hub, its database and the proxy beside it in the same pod."""
    c.JupyterHub.bind_url = "http://:8000"
    c.JupyterHub.hub_bind_url = "http://0.0.0.0:8081"
    c.JupyterHub.hub_connect_url = "http://tf-hub-0:8081"
    c.JupyterHub.db_url = "sqlite:////srv/jupyterhub/jupyterhub.sqlite"
    c.JupyterHub.cookie_secret = bytes.fromhex(os.environ["HUB_COOKIE_SECRET"])
    c.JupyterHub.last_activity_interval = often(60)
    c.JupyterHub.cleanup_servers = False  # a restarted hub finds its notebooks again
    c.ConfigurableHTTPProxy.should_start = False  # it is the other container
    c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:8001"


def configure_notebooks():
    """A user's pod: image, resources, and the volumes that outlive it."""
    c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
    spawner = c.KubeSpawner
    spawner.namespace = os.environ["POD_NAMESPACE"]
    spawner.image = settings["image"]
    spawner.cmd = ["jupyterhub-singleuser"]
    spawner.start_timeout = settings["start_timeout_s"]
    spawner.http_timeout = 300  # of 30 s a busy node needs far more just to import JupyterLab
    spawner.common_labels = {"app": NOTEBOOK_LABELS["app"]}
    spawner.extra_labels = {"component": NOTEBOOK_LABELS["component"]}
    spawner.cpu_guarantee = settings["cpu_guarantee"] or None
    spawner.cpu_limit = settings["cpu_limit"] or None
    spawner.mem_guarantee = settings["memory_guarantee"]
    spawner.mem_limit = settings["memory_limit"] or None
    confine(spawner)
    mount_volumes(spawner)
    spawner.environment = {"JUPYTERHUB_ACTIVITY_INTERVAL": str(often(300))}
    hidden = {"NVIDIA_VISIBLE_DEVICES": "void"}  # a pod without GPUs must not see its node's
    if settings["gpu"]:
        offer_gpus(spawner, hidden)
    else:
        spawner.environment |= hidden


def often(seconds):
    """How often the hub asks its proxy, and is told by notebooks, which are in use: several times in the idle time."""
    idle = settings["cull_idle_s"]
    return min(seconds, max(5, idle // 4)) if idle else seconds


def confine(spawner):
    """Notebooks are admitted where only Pod Security's level `restricted` is: as user jovyan, with no privilege."""
    spawner.uid = 1000
    spawner.fs_gid = 100
    spawner.allow_privilege_escalation = False
    spawner.automount_service_account_token = False
    # A Service called vllm would set VLLM_PORT, one called tf-hub-lb TF_HUB_LB_PORT and so on.
    spawner.extra_pod_config = {"enableServiceLinks": False}
    spawner.container_security_context = {
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def mount_volumes(spawner):
    """The user's own claim at the home folder, and the claims that all share under /mnt."""
    spawner.storage_pvc_ensure = True
    spawner.storage_capacity = settings["storage"]
    if settings["storage_class"]:
        spawner.storage_class = settings["storage_class"]
    claims = {"home": ("{pvc_name}", settings["mount"])}
    # By number: a claim's name may have dots and 253 characters, a volume's may not.
    claims |= {f"shared-{n}": (name, f"/mnt/{name}") for n, name in enumerate(settings["shared_claims"])}
    spawner.volumes = {
        volume: {"name": volume, "persistentVolumeClaim": {"claimName": claim}} for volume, (claim, _) in claims.items()
    }
    spawner.volume_mounts = {volume: {"name": volume, "mountPath": path} for volume, (_, path) in claims.items()}


def offer_gpus(spawner, hidden):
    """Two profiles to choose from at the start of a notebook, with GPUs and without, where they are `hidden`."""
    gpu = settings["gpu"]
    spawner.profile_list = [
        {
            "display_name": "CPU",
            "slug": "cpu",
            "default": True,
            "kubespawner_override": {"environment": {**spawner.environment, **hidden}},
        },
        {
            "display_name": f"{gpu['count']} GPU" + ("s" if gpu["count"] > 1 else ""),
            "slug": "gpu",
            "kubespawner_override": {
                "image": gpu["image"],
                "extra_resource_limits": {gpu["resource"]: str(gpu["count"])},
                "extra_resource_guarantees": {gpu["resource"]: str(gpu["count"])},
                "node_selector": gpu["node_selector"],
                "tolerations": gpu["tolerations"],
            },
        },
    ]


def configure_users():
    """Who may log in. JupyterHub lets nobody in unless a rule does."""
    c.Authenticator.admin_users = set(settings["admin_users"])
    c.Authenticator.allowed_users = {*settings["allowed_users"], *settings["admin_users"]}
    {"dummy": one_password, "native": own_passwords, "oauth": another_service}[settings["authenticator"]]()


def one_password():
    """Everybody who has the password, as whoever they say they are."""
    password = os.environ["HUB_PASSWORD"]
    if not password:
        sys.exit("The hub's password is empty: anybody could log in.")
    c.JupyterHub.authenticator_class = "dummy"
    c.DummyAuthenticator.password = password
    c.Authenticator.allow_all = not settings["allowed_users"]


def own_passwords():
    """Users sign up with a password of their own; an administrator lets them in."""
    import nativeauthenticator

    c.JupyterHub.authenticator_class = "native"
    c.JupyterHub.template_paths = [str(Path(nativeauthenticator.__file__).with_name("templates"))]
    c.NativeAuthenticator.open_signup = False
    c.NativeAuthenticator.minimum_password_length = 10
    c.NativeAuthenticator.check_common_password = True
    c.Authenticator.allow_all = not settings["allowed_users"]


def another_service():
    """Users of GitHub, Google or another provider, those that the settings allow."""
    oauth = settings["oauth"]
    c.JupyterHub.authenticator_class = oauth["provider"]
    authenticator = c.OAuthenticator
    authenticator.client_id = oauth["client_id"]
    authenticator.client_secret = os.environ["HUB_OAUTH_CLIENT_SECRET"]
    authenticator.oauth_callback_url = oauth["callback_url"]
    classes = {
        "azuread": "AzureAdOAuthenticator",
        "generic-oauth": "GenericOAuthenticator",
        "github": "GitHubOAuthenticator",
        "gitlab": "GitLabOAuthenticator",
        "google": "GoogleOAuthenticator",
    }
    for name, value in oauth["settings"].items():
        setattr(c[classes[oauth["provider"]]], name, value)


def configure_culling():
    """Notebooks that nobody uses are stopped; their volumes stay."""
    idle = settings["cull_idle_s"]
    if not idle:
        return
    scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    c.JupyterHub.load_roles = [{"name": "idle-culler", "services": ["idle-culler"], "scopes": scopes}]
    command = [sys.executable, "-m", "jupyterhub_idle_culler"]
    command += [f"--timeout={idle}", f"--cull-every={min(600, max(5, idle // 2))}"]
    c.JupyterHub.services = [{"name": "idle-culler", "command": command}]


configure_hub()
configure_notebooks()
configure_users()
configure_culling()
