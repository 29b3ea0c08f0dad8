"""How many images per second a convolutional network trains on, with synthetic images.

One process for each replica of a TFJob; TF_CONFIG, which the training operator sets where there is more than one,
says who it is. Prints one JSON object a line: joining, start, step, done, exported, or error. Exit codes: 0 done,
2 wrong use or fewer GPUs than asked for, 143 told to stop.

This file knows arguments and roles and needs no TensorFlow; training.py beside it does the work.
"""

import argparse
import json
import os
import signal
import sys
import threading
from dataclasses import dataclass, field

MODELS = ("trivial", "resnet18", "resnet50", "resnet101", "resnet152")


@dataclass(frozen=True)
class Role:
    """A process's place in the job: the addresses of each replica type, its own type and index."""

    cluster: dict = field(default_factory=dict)
    type: str = "worker"
    index: int = 0

    @property
    def computes(self):
        """Whether it trains itself: servers wait, and beside servers the chief only drives."""
        return self.type != "ps" and not (self.type == "chief" and self.has_servers)

    @property
    def has_servers(self):
        return bool(self.cluster.get("ps"))

    @property
    def reports(self):
        """Whether it is the one process of the job that prints results and exports the model."""
        if self.has_servers or self.cluster.get("chief"):
            return self.type == "chief"
        return self.type == "worker" and self.index == 0

    def mode(self, gpus):
        """How the processes share the work: single, mirrored, allreduce or ps."""
        if self.has_servers:
            return "ps"
        if self.cluster:
            return "allreduce"
        return "mirrored" if gpus > 1 else "single"


def read_role(text):
    """The role that TF_CONFIG's `text` gives; without one, the only process. Raises ValueError."""
    config = json.loads(text or "{}")
    cluster, task = config.get("cluster", {}), config.get("task", {})
    role = Role(cluster, task.get("type", "worker"), int(task.get("index", 0)))
    if cluster and role.type != "evaluator" and role.index >= len(cluster.get(role.type, ())):
        raise ValueError(f"TF_CONFIG has no {role.type} {role.index} in its cluster")
    if role.has_servers and not cluster.get("chief"):
        raise ValueError("parameter servers need a chief to drive the workers")
    return role


def passes(batch_size, gpus):
    """In how many equal parts a step computes its batch: on a CPU in parts of 8 images at most, whose gradients are
    averaged, because 32 images of resnet50 at once take 3.4 GB."""
    if gpus:
        return 1
    return next(parts for parts in range(1, batch_size + 1) if batch_size % parts == 0 and batch_size // parts <= 8)


def parse(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", choices=MODELS, default="resnet50")
    parser.add_argument("--batch-size", type=positive, default=32, help="images per step and replica")
    parser.add_argument("--num-steps", type=positive, default=100)
    parser.add_argument("--warmup-steps", type=natural, default=10, help="steps before the clock starts")
    parser.add_argument("--display-every", type=positive, default=10, help="steps between two lines")
    parser.add_argument("--image-size", type=natural, default=0, help="pixels a side; 0: the model's own")
    parser.add_argument("--num-gpus", type=natural, default=0, help="GPUs this process must see")
    parser.add_argument("--fp16", action="store_true", help="compute in 16 bits, keep weights in 32")
    parser.add_argument("--export-dir", default="", help="write a SavedModel to DIR/1 at the end")
    return parser.parse_args(argv)


def natural(text):
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number


def positive(text):
    number = natural(text)
    if number == 0:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def say(event, **facts):
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


def stop_when_told():
    """End at once on SIGTERM: waiting for a lost peer TensorFlow would never look, and process 1 has no default."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def wait():
        signal.sigwait({signal.SIGTERM})
        os._exit(143)

    threading.Thread(target=wait, daemon=True).start()


def main(argv=None):
    arguments = parse(argv)
    try:
        role = read_role(os.environ.get("TF_CONFIG", ""))
    except ValueError as error:
        say("error", reason="WrongConfig", message=str(error))
        return 2
    if role.type == "evaluator":
        say("done", note="a benchmark has nothing to evaluate")
        return 0
    stop_when_told()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import training

    return training.run(arguments, role, passes(arguments.batch_size, arguments.num_gpus), say)


if __name__ == "__main__":
    sys.exit(main())
