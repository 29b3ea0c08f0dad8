"""The images that prototypes ask for, made of packages: the same programs under upstream's names, not upstream's files.

Their names are the defaults of the prototypes' own parameters, so that a test needs no other parameter than a user.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mlstack import sandbox
from mlstack.errors import MlstackError

from . import pins, places

PAUSE = "registry.k8s.io/pause:3.10"
JUPYTERHUB = "5.5.4"  # of hub and notebooks: they speak to each other
TENSORFLOW = "2.17.1"
USER = ("useradd -m -u 1000 -g 100 -s /bin/bash jovyan",)
HOME = {"HOME": "/home/jovyan", "LANG": "C.UTF-8"}


@dataclass(frozen=True)
class Recipe:
    """An image: what is put onto what, and how it starts."""

    key: str
    names: tuple[str, ...]
    base: str = "debian"
    """Another recipe's key; `` is an empty image."""
    apt: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    """Path in the image: path on this machine."""
    run: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    """User, WorkingDir, Env, Entrypoint and Cmd, as OCI calls them; Env as a map."""
    slow: bool = False
    """Whether only the long tests need it."""


def default(prototype: str, parameter: str) -> str:
    """The default of a built-in prototype's parameter. Raises MlstackError where there is none."""
    for file in (places.REPOSITORY / "prototypes").glob(f"*/{prototype}/prototype.yaml"):
        value = yaml.safe_load(file.read_text("utf-8"))["parameters"].get(parameter, {}).get("default")
        if isinstance(value, str) and value:
            return value
    raise MlstackError(f"No prototype {prototype} has a parameter {parameter} that names an image.")


def built(name: str) -> Path:
    """A program of ours."""
    return places.binaries() / name


def everything() -> list[Recipe]:
    """All recipes, a base before what stands on it."""
    return [*_node(), *_hub(), *_jobs(), *_serving(), *_other_jobs()]


def chosen(*, slow: bool = False, keys: Collection[str] = ()) -> list[Recipe]:
    """The recipes of the short tests, of all, or those named with what they stand on."""
    known = {recipe.key: recipe for recipe in everything()}
    wanted = set(keys) or {recipe.key for recipe in known.values() if slow or not recipe.slow}
    for key in list(wanted):
        while key in known:
            wanted.add(key)
            key = known[key].base
    return [recipe for recipe in known.values() if recipe.key in wanted]


def _node() -> Iterator[Recipe]:
    busybox = {"/bin/busybox": places.system() / "bin" / "busybox"}
    pause = {"Entrypoint": ["/bin/busybox", "sleep", "2147483647"], "User": "65535"}
    yield Recipe("pause", (PAUSE,), base="", files=busybox, config=pause)
    links = ("/bin/busybox --install -s /bin",)
    passwd = {"/etc/passwd": places.SOURCE / "files" / "passwd"}
    yield Recipe("busybox", ("busybox:latest",), base="", files=busybox | passwd, run=links, config={"Cmd": ["sh"]})
    yield Recipe(
        "coredns", (f"registry.k8s.io/coredns/coredns:{pins.COREDNS}",), base="",
        files={"/coredns": built("coredns")}, config={"Entrypoint": ["/coredns"]},
    )  # fmt: skip
    yield Recipe(
        "local-path", (f"rancher/local-path-provisioner:{pins.LOCAL_PATH}",), base="",
        files={"/usr/bin/local-path-provisioner": built("local-path-provisioner")},
    )  # fmt: skip
    yield Recipe(
        "operator", (default("kubeflow-core", "operator_image"),), base="",
        files={"/manager": built("training-operator")}, config={"Entrypoint": ["/manager"], "User": "65532"},
    )  # fmt: skip


def _hub() -> Iterator[Recipe]:
    yield Recipe(
        "hub", (default("kubeflow-core", "hub_image"),),
        pip=(
            f"jupyterhub=={JUPYTERHUB}", "jupyterhub-kubespawner==7.1.0", "jupyterhub-idle-culler==2.0.0",
            "jupyterhub-nativeauthenticator==1.3.0", "oauthenticator==17.4.0",
        ),
        run=(*USER, "mkdir -p /srv/jupyterhub", "chown 1000:100 /srv/jupyterhub"),
        config={"User": "1000", "WorkingDir": "/srv/jupyterhub", "Env": HOME},
    )  # fmt: skip
    yield Recipe(
        "proxy", (default("kubeflow-core", "hub_proxy_image"),), apt=("nodejs",),
        npm=("configurable-http-proxy@5.2.0",), config={"User": "65534", "WorkingDir": "/srv"},
    )  # fmt: skip
    yield Recipe(
        "notebook", tuple(default("kubeflow-core", f"hub_notebook_image{kind}") for kind in ("", "_gpu")),
        pip=(f"jupyterhub=={JUPYTERHUB}", "jupyterlab==4.4.10", "notebook==7.4.7"), run=USER,
        config={"User": "1000", "WorkingDir": "/home/jovyan", "Env": HOME, "Cmd": ["jupyter", "lab", "--ip=0.0.0.0"]},
    )  # fmt: skip


def _jobs() -> Iterator[Recipe]:
    names = (default("tf-cnn", "image"), default("tf-cnn", "image_gpu"))
    yield Recipe("tensorflow", names, pip=(f"tensorflow-cpu=={TENSORFLOW}",))


def _serving() -> Iterator[Recipe]:
    """TensorFlow Serving's REST paths and states by a small server of ours: its own binary is in no package."""
    server = places.SOURCE / "files" / "tensorflow_model_server"
    names = (default("tf-serving", "image"), default("tf-serving", "image_gpu"))
    yield Recipe("serving", names, base="tensorflow", files={"/usr/bin/tensorflow_model_server": server})


def _other_jobs() -> Iterator[Recipe]:
    """Prototypes that name no image of their own: the tests say these."""
    # PyTorchJob's workers wait for their master with nslookup, which is all they need of an alpine. Not busybox's: that
    # one fails where a name is unknown in one of several search domains, as alpine's has since 3.11, but for 3.12.
    yield Recipe("alpine", (default("kubeflow-core", "pytorch_init_image"),), apt=("bind9-dnsutils",), slow=True)
    yield Recipe("torch", ("realnode/torch:1",), apt=("python3-torch",), slow=True)
    yield Recipe("paddle", ("realnode/paddle:1",), apt=("libgomp1",), pip=("paddlepaddle==3.1.1",), slow=True)
    yield Recipe("mpi", ("realnode/mpi:1",), apt=("openmpi-bin", "python3-mpi4py"), slow=True)
    # What the operator puts before an MPIJob's launcher: it gives it a kubectl.
    kubectl = {"/kubectl": sandbox.find(may_build=False).folder / "kubectl"}
    copy = {"Cmd": ["/bin/sh", "-c", "cp /kubectl $TARGET_DIR/"]}
    yield Recipe("kubectl", (default("kubeflow-core", "mpi_kubectl_image"),), files=kubectl, config=copy, slow=True)
    yield Recipe(
        "spark", (default("spark-application", "image"),), apt=("openjdk-17-jre-headless",), pip=("pyspark==4.0.4",),
        files={"/opt/entrypoint.sh": places.SOURCE / "files" / "spark-entrypoint"},
        run=("useradd -m -u 185 spark", "ln -s /usr/local/lib/python3*/dist-packages/pyspark /opt/spark"),
        config={"User": "185", "Env": {"SPARK_HOME": "/opt/spark"}, "Entrypoint": ["/opt/entrypoint.sh"]}, slow=True,
    )  # fmt: skip
    # Its controller runs spark-submit.
    yield Recipe(
        "spark-operator", (pins.SPARK_OPERATOR_IMAGE,), base="spark",
        files={"/usr/bin/spark-operator": built("spark-operator")},
        config={"User": "185", "Env": {"SPARK_HOME": "/opt/spark"}, "Entrypoint": ["/usr/bin/spark-operator"]},
        slow=True,
    )  # fmt: skip
