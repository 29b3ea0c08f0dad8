"""Every command with values that make no sense, one at a time: a sentence each, no traceback, nothing half done."""

from __future__ import annotations

import io
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import pytest

from mlstack.cli.main import cli

if TYPE_CHECKING:
    from mlstack.sandbox import Sandbox

    from .conftest import App, Kubectl

# What each argument is otherwise, so that the one wrong word is what the command stumbles over.
GOOD = {
    "address": "github.com/google/kubeflow/tree/master/kubeflow",
    "archive": "app.tgz",
    "component": "cnn",
    "components": "cnn",
    "environment": "minikube",
    "environments": "minikube",
    "key": "key",
    "left": "minikube",
    "name": "cnn",
    "new": "other",
    "old": "cnn",
    "other": "minikube",
    "package": "kubeflow/tf-job",
    "param": "num_gpus",
    "ports": "8000",
    "prototype": "tf-cnn",
    "right": "minikube",
    "target": "hub",
    "value": "1",
    "word": "cnn",
}
BAD_ARGUMENTS = ("nope", "", "a b", "é=..", "99999999999999999999")
BAD_VALUES = ("nope", "/proc/nope/x", "")
FORWARDS = (("notebook",), ("serving",), ("tensorboard",), ("port-forward",))  # which go on until Ctrl-C
FORWARD_SECONDS = 2.0  # after which it comes
STARTS = ("sandbox up",)  # whose every word is a new sandbox's name


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands that do something, with the words that lead to them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        elif command is not None:
            yield (*before, name), command


def tries(words: tuple[str, ...], command: click.Command) -> Iterator[tuple[str, ...]]:
    """The command with one bad word at each place that takes one."""
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    good = [GOOD.get(argument.name or "", "cnn") for argument in arguments]
    for at in range(len(arguments)):
        yield from ((*words, *good[:at], bad, *good[at + 1 :]) for bad in BAD_ARGUMENTS)
    for option in command.params:
        if isinstance(option, click.Option) and not option.is_flag and not option.count:
            yield from ((*words, *good, option.opts[0], bad) for bad in BAD_VALUES)


@pytest.fixture(scope="module")
def app(minikube: Sandbox, new_app: Callable[[str], App], kubectl: Kubectl) -> Iterator[App]:
    """An app with a job and a hub for minikube, of which the hub is applied."""
    made = new_app("odd")
    made.do("generate", "tf-cnn", "cnn")
    made.do("generate", "jupyterhub", "hub")
    kubectl("create", "namespace", "odd", context="minikube")
    made.do("env", "add", "minikube", "--context", "minikube", "--namespace", "odd")
    made.do("apply", "minikube", "-c", "hub")
    yield made
    kubectl("delete", "namespace", "odd", "--wait=false", context="minikube")


@contextmanager
def interrupted(after_s: float) -> Iterator[None]:
    """Ctrl-C after so many seconds; 0: none."""
    former = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, after_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


ALL = {" ".join(words): (words, command) for words, command in commands(cli) if " ".join(words) not in STARTS}


@pytest.mark.parametrize(("words", "command"), ALL.values(), ids=ALL)
def test_a_word_that_makes_no_sense(
    app: App, words: tuple[str, ...], command: click.Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = app.files()
    for line in tries(words, command):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
        with interrupted(FORWARD_SECONDS if words in FORWARDS else 0):
            done = app.run(*line)
        said = done.stderr.strip()
        if done.returncode in (0, 130):
            app.restore(before)  # it made sense after all: `env add nope`
            continue
        assert said.startswith(("Error: ", "Usage: ")), (line, done)
        assert len(said) < 1000, line
        assert app.files() == before, f"{line} failed and left something behind"
