"""Other frameworks' jobs on a real node, each with a small real program that its workers compute together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.place import SMALL, Place, until

pytestmark = pytest.mark.slow

TORCH = """import torch, torch.distributed as group
group.init_process_group("gloo")
total = torch.ones(1) * (group.get_rank() + 1)
group.all_reduce(total)
print("rank", group.get_rank(), "of", group.get_world_size(), "sum", int(total.item()), flush=True)
"""
PADDLE = """import paddle
import paddle.distributed as group
group.init_parallel_env()
total = paddle.ones([1]) * (group.get_rank() + 1)
group.all_reduce(total)
print("rank", group.get_rank(), "of", group.get_world_size(), "sum", int(total.item()), flush=True)
"""
MPI = """from mpi4py import MPI
group = MPI.COMM_WORLD
steps, rank, size = 100_000, group.Get_rank(), group.Get_size()
part = sum(4 / (1 + ((i + 0.5) / steps) ** 2) for i in range(rank, steps, size)) / steps
total, ranks = group.allreduce(part), group.gather(rank)
if rank == 0:  # lines that several write at once may be mixed
    print("ranks", ranks, "pi", round(total, 6), flush=True)
"""


def train(place: Place, name: str, prototype: str, program: str, *parameters: str) -> str:
    """Run the program to its end, by the job of that prototype; what its pods said. Nothing of it stays."""
    file = Path(place.root, name, "train.py")
    file.parent.mkdir()
    file.write_text(program, "utf-8")
    place.do("generate", prototype, name, f"--code=./{name}", *SMALL, *parameters)
    place.do("apply", "minikube", "-c", name, "--wait", "finished", "--timeout", "180s")
    said = place.do("logs", "minikube", name)
    place.do("delete", "minikube", "-c", name, "--yes")
    until(lambda: not [left for left in place.left() if f"/{name}" in left], f"{name} to be gone")
    print(said)
    return said


@pytest.mark.parametrize("runner", ["training-operator", "native"])
def test_pytorch(stack: Place, runner: str) -> None:
    """A master and two workers, of which the master's word counts: the others may be removed when it is done."""
    name = f"torch-{runner.split('-')[0]}"
    pods = ("--image=realnode/torch:1", "--command=python3,train.py", "--num_workers=2", f"--runner={runner}")
    said = train(stack, name, "pytorch-job", TORCH, *pods)
    assert "rank 0 of 3 sum 6" in said


def test_paddle(stack: Place) -> None:
    command = "--command=python,-m,paddle.distributed.launch,train.py"
    # Its launcher writes its logs into the working directory, which with `code` nobody can write to.
    workers = ("--image=realnode/paddle:1", "--num_workers=2", '--env={"PADDLE_LOG_DIR": "/tmp/log"}')
    said = train(stack, "paddle", "paddle-job", PADDLE, *workers, command)
    assert "of 2 sum 3" in said


def test_mpi(stack: Place) -> None:
    stack.do("param", "set", "core", "operator_schemes", "tfjob,pytorchjob,paddlejob,mpijob")
    stack.do("apply", "minikube", "-c", "core")
    command = "--command=mpirun,python3,train.py"
    said = train(stack, "mpi", "mpi-job", MPI, "--image=realnode/mpi:1", "--num_workers=2", command)
    assert "ranks [0, 1] pi 3.141593" in said
