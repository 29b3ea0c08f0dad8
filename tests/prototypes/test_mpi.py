"""mpi-job: a launcher that waits for its workers, and workers that wait for it."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError

Show = Callable[..., Rendered]
One = Callable[..., dict[str, Any]]

PROGRAM = {"image": "registry.example.com/pi:1", "command": ["mpirun", "/pi"]}


@pytest.fixture
def job(one: One) -> Callable[..., dict[str, Any]]:
    """`job(**values)`: the MPIJob's spec."""

    def spec(platform: str = "generic", **values: Any) -> dict[str, Any]:
        return dict(one("MPIJob", "mpi-job", platform, **{**PROGRAM, **values})["spec"])

    return spec


def template(spec: dict[str, Any], role: str) -> dict[str, Any]:
    return dict(spec["mpiReplicaSpecs"][role]["template"]["spec"])


def container(spec: dict[str, Any], role: str) -> dict[str, Any]:
    (found,) = template(spec, role)["containers"]
    return dict(found)


def test_one_launcher_and_the_workers(job: One) -> None:
    roles = job(num_workers=3)["mpiReplicaSpecs"]
    assert {role: one["replicas"] for role, one in roles.items()} == {"Launcher": 1, "Worker": 3}


@pytest.mark.parametrize(
    ("values", "slots"),
    [({}, 1), ({"num_gpus": 4}, 4), ({"slots_per_worker": 8}, 8), ({"num_gpus": 4, "slots_per_worker": 2}, 2)],
)
def test_a_worker_has_a_slot_for_each_gpu(values: dict[str, Any], slots: int, job: One) -> None:
    assert job(**values)["slotsPerWorker"] == slots


def test_only_workers_have_gpus(job: One) -> None:
    spec = job(num_gpus=2, image_gpu="registry.example.com/pi:gpu")
    # Any limit with "gpu" in its name would make the operator list the launcher among the hosts.
    assert list(container(spec, "Launcher")["resources"]["limits"]) == ["memory"]
    assert {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"} in container(spec, "Launcher")["env"]
    assert container(spec, "Worker")["resources"]["limits"]["nvidia.com/gpu"] == "2"
    images = {container(spec, role)["image"] for role in ("Launcher", "Worker")}
    assert images == {"registry.example.com/pi:gpu"}  # one MPI on both sides


def test_the_launchers_account_is_left_to_the_operator(job: One) -> None:
    spec = job(service_account="reader")
    assert template(spec, "Worker")["serviceAccountName"] == "reader"
    assert "serviceAccountName" not in template(spec, "Launcher")


def test_exec_goes_to_the_container_that_is_there(job: One) -> None:
    spec = job()
    assert container(spec, "Worker")["name"] == spec["mainContainer"]


def test_a_command_is_required_and_a_port_is_none_of_its_parameters(
    show: Show, catalogue: dict[str, Prototype]
) -> None:
    with pytest.raises(MlstackError, match="command"):
        show("mpi-job", **{**PROGRAM, "command": []})
    assert "port" not in catalogue["mpi-job"].parameters


def test_the_launcher_starts_when_every_worker_is_ready(job: One, tmp_path: Path) -> None:
    """The script itself, with files of this test in the place of the operator's."""
    command, args = container(job(args=["--steps", "a b"]), "Launcher")["command"], ["--steps", "a b"]
    shell, flag, script, *words = command
    assert container(job(args=args), "Launcher")["args"] == args
    assert words == ["launcher", "mpirun", "/pi"]
    ready = tmp_path / "one-worker-1"
    agent = tmp_path / "kubexec.sh"
    # A worker is ready when its file is there: the host's name, then what is asked.
    agent.write_text(f'#!/bin/sh\n[ "$2 $3 $4" = "test -e /tmp/mlstack-ready" ] && [ -e "{tmp_path}/$1" ]\n')
    agent.chmod(agent.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "hostfile").write_text("one-worker-0 slots=1\none-worker-1 slots=1\n")
    (tmp_path / "one-worker-0").touch()
    script = script.replace("/etc/mpi/", f"{tmp_path}/")
    program = ["launcher", "/bin/sh", "-c", 'echo "started with $1 $2"', "pi", *args]
    with subprocess.Popen([shell, flag, script, *program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting for one-worker-1\n"
        assert process.poll() is None
        ready.touch()
        assert process.stdout.read() == "started with --steps a b\n"
    assert process.returncode == 0


def test_a_worker_says_that_it_is_ready_and_ends_at_once_when_told(job: One, tmp_path: Path) -> None:
    shell, flag, script = container(job(), "Worker")["command"]
    mark = tmp_path / "mlstack-ready"
    with subprocess.Popen(
        [shell, flag, script.replace("/tmp/mlstack-ready", str(mark))], start_new_session=True
    ) as process:
        while not mark.exists():
            time.sleep(0.01)
        process.terminate()
        assert process.wait(60) == 0
        with suppress(ProcessLookupError):  # told before the sleep began
            os.killpg(process.pid, 9)  # the sleep that nobody waits for any more


def test_open_mpi_of_both_generations_finds_hosts_and_agent(job: One) -> None:
    env = {one["name"]: one["value"] for one in container(job(), "Launcher")["env"]}
    # The operator itself adds OMPI_MCA_plm_rsh_agent and OMPI_MCA_orte_default_hostfile, which 5 does not read.
    assert env["PRTE_MCA_plm_ssh_agent"] == "/etc/mpi/kubexec.sh"
    assert env["PRTE_MCA_prte_default_hostfile"] == "/etc/mpi/hostfile"
    assert env["OMPI_ALLOW_RUN_AS_ROOT"] == env["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] == "1"
