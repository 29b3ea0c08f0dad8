"""runner native: who is where, who ends whom, and what the lines of sh in the pods do."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError

Show = Callable[..., Rendered]
Job = dict[str, Any]
TELL = [sys.executable, "-c", "import os; print(os.environ.get('TF_CONFIG', ''))"]
PROGRAM = {"image": "registry.example.com/train:1", "command": ["python", "train.py"], "runner": "native"}


def jobs_of(rendered: Rendered) -> dict[str, Job]:
    """Jobs by name."""
    return {one["metadata"]["name"]: one for one in rendered.manifests if one["kind"] == "Job"}


def container(job: Job) -> dict[str, Any]:
    (found,) = job["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(job: Job, index: int) -> dict[str, str]:
    """A pod's variables as the kubelet makes them: fields filled in, references to former variables replaced."""
    found = {"JOB_COMPLETION_INDEX": str(index)}
    for entry in container(job)["env"]:
        if "valueFrom" in entry:
            assert entry["valueFrom"]["fieldRef"]["fieldPath"].endswith("['batch.kubernetes.io/job-completion-index']")
        value = entry.get("value", str(index))
        found[entry["name"]] = re.sub(r"\$\((\w+)\)", lambda match: found.get(match[1], match[0]), value)
    return found


def told(job: Job, index: int) -> dict[str, Any]:
    """TF_CONFIG as a pod's program sees it, the lines of sh before it really run."""
    command = container(job)["command"]
    start = command[: command.index("sh") + 1] if command[0] == "/bin/sh" else []
    variables = {**os.environ, **environment(job, index), "RUN_LOOK_S": "0.02"}
    done = subprocess.run([*start, *TELL], env=variables, capture_output=True, text=True, timeout=60, check=True)
    return dict(json.loads(done.stdout or "{}"))


ROLES = [
    ("tf-cnn", {"num_workers": 3}, {"worker": 3}, {"x-worker": 3}),
    ("tf-cnn", {"num_workers": 2, "num_ps": 2, "num_gpus": 1}, {"chief": 1, "worker": 2, "ps": 2},
     {"x-main": 3, "x-worker": 2}),
    ("tf-cnn", {"num_workers": 2, "num_ps": 1}, {"chief": 1, "worker": 2, "ps": 1}, {"x-main": 2, "x-worker": 2}),
    ("tf-job", {"num_masters": 1, "num_workers": 2}, {"chief": 1, "worker": 2}, {"x-main": 3}),
    ("tf-job", {"num_masters": 1, "num_workers": 0, "evaluator": True}, {"chief": 1, "evaluator": 1},
     {"x-main": 2}),
    ("tf-job", {"num_workers": 2, "num_ps": 1, "num_gpus": 1, "evaluator": True},
     {"worker": 2, "ps": 1, "evaluator": 1}, {"x-worker": 2, "x-ps": 1, "x-evaluator": 1}),
    ("tf-job", {"num_masters": 1, "num_workers": 2, "num_ps": 2, "num_gpus": 1, "evaluator": True},
     {"chief": 1, "worker": 2, "ps": 2, "evaluator": 1}, {"x-main": 4, "x-worker": 2}),
]  # fmt: skip


def given(prototype: str, values: dict[str, Any]) -> dict[str, Any]:
    return {**(PROGRAM if prototype == "tf-job" else {"runner": "native", "memory": "4Gi"}), **values}


@pytest.mark.parametrize(("prototype", "values", "roles", "sizes"), ROLES)
def test_every_process_finds_itself_among_the_others(
    prototype: str, values: dict[str, Any], roles: dict[str, int], sizes: dict[str, int], show: Show
) -> None:
    jobs = jobs_of(show(prototype, **given(prototype, values)))
    assert {name: job["spec"]["completions"] for name, job in jobs.items()} == sizes
    addresses, places = [], []
    for name, job in jobs.items():
        assert job["spec"]["parallelism"] == job["spec"]["completions"]
        for index in range(job["spec"]["completions"]):
            config = told(job, index)
            trained = {role: count for role, count in roles.items() if role != "evaluator"}
            assert {role: len(found) for role, found in config["cluster"].items()} == trained
            role, task = config["task"]["type"], config["task"]["index"]
            addresses.append(f"{name}-{index}.x.team.svc:2222")
            assert role == "evaluator" or config["cluster"][role][task] == addresses[-1]
            places.append((role, task))
    assert len(set(places)) == len(places) == sum(roles.values()) == len(set(addresses))


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ({"num_workers": 1}, {"x-worker": None}),
        ({"num_workers": 3}, {"x-worker": "0"}),
        ({"num_workers": 3, "success_policy": "AllWorkers", "cpu": "2"}, {"x-worker": "0-2"}),
        ({"num_workers": 3, "num_ps": 1, "success_policy": "AllWorkers"}, {"x-main": "0-2"}),
        ({"num_workers": 3, "num_ps": 1, "cpu": "2"}, {"x-worker": "0", "x-ps": None}),
        ({"num_workers": 3, "num_ps": 1, "cpu": "2", "num_masters": 1}, {"x-main": "0", "x-worker": None}),
    ],
)
def test_who_ends_the_run(values: dict[str, Any], ends: dict[str, str | None], show: Show) -> None:
    jobs = jobs_of(show("tf-job", **{**PROGRAM, **values}))
    found = {name: job["spec"].get("successPolicy") for name, job in jobs.items()}
    assert found == {name: {"rules": [{"succeededIndexes": at}]} if at else None for name, at in ends.items()}


def test_what_differs_from_the_first_job_ends_with_it(show: Show) -> None:
    jobs = jobs_of(show("tf-job", **PROGRAM, num_workers=2, num_ps=2, num_masters=1, num_gpus=1))
    hosts = [f"x-main-{index}.x.team.svc" for index in range(3)]
    assert environment(jobs["x-worker"], 0)["RUN_HOSTS"].split() == hosts
    assert "RUN_HOSTS" not in environment(jobs["x-main"], 0)


def test_pods_say_their_roles(show: Show) -> None:
    rendered = show("tf-job", **PROGRAM, num_workers=2, num_ps=2, num_masters=1, num_gpus=1)
    labels = {name: job["spec"]["template"]["metadata"]["labels"] for name, job in jobs_of(rendered).items()}
    roles = {name: found["training.kubeflow.org/replica-type"] for name, found in labels.items()}
    assert roles == {"x-main": "chief-1.ps-2", "x-worker": "worker"}
    (service,) = [one for one in rendered.manifests if one["kind"] == "Service"]
    for found in labels.values():
        assert service["spec"]["selector"].items() <= found.items()
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True


def test_one_process_is_one_pod_with_the_images_own_program(show: Show) -> None:
    rendered = show("tf-job", image="registry.example.com/train:1", runner="native")
    assert [one["kind"] for one in rendered.manifests] == ["Job"]
    assert "command" not in container(jobs_of(rendered)["x-worker"])
    assert "subdomain" not in jobs_of(rendered)["x-worker"]["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    ("policy", "restart", "limit", "rules"),
    [
        ("OnFailure", "Never", 3, 0),
        ("Always", "Never", 3, 0),
        ("Never", "Never", 0, 0),
        ("ExitCode", "Never", 3, 2),
    ],
)
def test_when_a_pod_starts_again(policy: str, restart: str, limit: int, rules: int, show: Show) -> None:
    """F10: always as another pod. One that the kubelet starts again is removed with its log at the last failure."""
    spec = jobs_of(show("tf-job", **PROGRAM, restart_policy=policy))["x-worker"]["spec"]
    assert (spec["template"]["spec"]["restartPolicy"], spec["backoffLimit"]) == (restart, limit)
    found = spec.get("podFailurePolicy", {"rules": []})["rules"]
    assert len(found) == rules
    if rules:
        codes = found[1]["onExitCodes"]
        assert (codes["operator"], found[1]["action"]) == ("NotIn", "FailJob")
        assert not {1, 2, 127} & set(codes["values"])
        assert {137, 143, 255} <= set(codes["values"])


def test_limits_of_the_run(show: Show) -> None:
    job = jobs_of(show("tf-job", **PROGRAM, ttl_s=60, active_deadline_s=90, suspend=True))["x-worker"]
    limits = {name: job["spec"][name] for name in ("ttlSecondsAfterFinished", "activeDeadlineSeconds", "suspend")}
    assert limits == {"ttlSecondsAfterFinished": 60, "activeDeadlineSeconds": 90, "suspend": True}


def test_a_queue_lets_in_whole_runs_only(show: Show) -> None:
    job = jobs_of(show("tf-job", **PROGRAM, num_workers=4, queue="team-a"))["x-worker"]
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team-a"
    assert "suspend" not in job["spec"]
    with pytest.raises(MlstackError, match="queue would let in some processes of x without the others"):
        show("tf-job", **PROGRAM, num_workers=4, num_ps=1, num_gpus=1, queue="team-a")


@pytest.mark.parametrize(
    ("scheduler", "version", "mark"),
    [
        ("volcano", "scheduling.volcano.sh/v1beta1", ("annotations", "scheduling.k8s.io/group-name")),
        ("coscheduler", "scheduling.x-k8s.io/v1alpha1", ("labels", "scheduling.x-k8s.io/pod-group")),
    ],
)
def test_a_gang_of_its_own(scheduler: str, version: str, mark: tuple[str, str], show: Show) -> None:
    rendered = show("tf-job", **PROGRAM, num_workers=4, num_ps=1, num_gpus=1, gang=scheduler)
    (group,) = [one for one in rendered.manifests if one["kind"] == "PodGroup"]
    assert (group["apiVersion"], group["spec"]) == (version, {"minMember": 5})
    for job in jobs_of(rendered).values():
        template = job["spec"]["template"]
        assert template["spec"]["schedulerName"] == scheduler
        assert template["metadata"][mark[0]][mark[1]] == "x"


def test_what_auto_means_is_the_platforms_matter(show: Show, platforms: dict[str, dict[str, Any]]) -> None:
    assert [one["kind"] for one in show("tf-job", **{**PROGRAM, "runner": "auto"}).manifests] == ["TFJob"]
    generic = platforms["generic"]
    for runner, kinds in (("native", ["Job"]), ("training-operator", ["TFJob"])):
        try:
            generic["runner"] = runner
            assert [one["kind"] for one in show("tf-job", **{**PROGRAM, "runner": "auto"}).manifests] == kinds
            generic["runner"] = "slurm"
            with pytest.raises(MlstackError, match="platform generic has slurm as runner"):
                show("tf-job", **{**PROGRAM, "runner": "auto"})
        finally:
            del generic["runner"]


SHELLS = [path for path in ("/bin/sh", "/bin/bash", "/bin/dash") if Path(path).exists()]
WAITS = "import signal, sys, time; print('ready', flush=True); time.sleep(600)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAITS
# Takes the signal when it comes, also between "ready" and the wait: a handler before a sleep may miss it.
OBEYS = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("ready", flush=True)
signal.sigwait({signal.SIGTERM})
sys.exit(7)
"""


@pytest.fixture
def follow(show: Show, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a follower's own lines of sh around a Python program; the hosts that DNS knows are files of tmp_path."""
    job = jobs_of(show("tf-job", **PROGRAM, num_workers=2, num_ps=1, num_masters=1, num_gpus=1))["x-worker"]
    script = container(job)["command"][2]
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "getent").write_text(f'#!/bin/sh\ntest "$1" = hosts && test -e "{tmp_path}/$2"\n')
    (folder / "getent").chmod(0o755)
    variables = {**os.environ, **environment(job, 0), "RUN_LOOK_S": "0.02", "PATH": f"{folder}:{os.environ['PATH']}"}
    started: list[subprocess.Popen[str]] = []

    def start(shell: str, program: str) -> subprocess.Popen[str]:
        command = [shell, "-c", script, "sh", sys.executable, "-c", program]
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen(command, env=variables, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def hosts(folder: Path, *names: str) -> None:
    for name in ("x-main-0", "x-main-1"):
        path = folder / f"{name}.x.team.svc"
        path.touch() if name in names else path.unlink(missing_ok=True)


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("program", "code"), [("pass", 0), ("raise SystemExit(3)", 3)])
def test_a_follower_ends_as_its_program_does(
    shell: str, program: str, code: int, follow: Start, tmp_path: Path
) -> None:
    hosts(tmp_path, "x-main-0")
    assert follow(shell, program).wait(60) == code


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("program", [WAITS, DEAF])
def test_a_follower_ends_well_when_the_run_has_gone(shell: str, program: str, follow: Start, tmp_path: Path) -> None:
    hosts(tmp_path, "x-main-0", "x-main-1")
    process = follow(shell, program)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    hosts(tmp_path, "x-main-1")  # the chief starts again, the parameter server is there
    time.sleep(0.5)
    assert process.poll() is None
    hosts(tmp_path)
    assert process.wait(60) == 0
    assert process.stdout.read() == ""  # the program is gone with its end of the pipe
    assert process.stderr is not None
    assert "the rest of the run has ended" in process.stderr.read()


def test_a_follower_without_a_run_does_not_wait_for_ever(follow: Start) -> None:
    assert follow("/bin/sh", WAITS).wait(300) == 0


@pytest.mark.parametrize("shell", SHELLS)
def test_a_follower_passes_on_that_it_is_to_stop(shell: str, follow: Start, tmp_path: Path) -> None:
    hosts(tmp_path, "x-main-0")
    process = follow(shell, OBEYS)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    assert process.wait(60) == 7


def test_more_processes_than_a_variable_can_name_are_refused(show: Callable[..., Any]) -> None:
    show("tf-job", "gke", runner="native", num_workers=1000)
    with pytest.raises(MlstackError, match="addresses of all 9000, more than the 128 KiB"):
        show("tf-job", "gke", runner="native", num_workers=9000)
