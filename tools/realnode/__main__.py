"""`python -m tools.realnode COMMAND`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from mlstack.errors import MlstackError

from . import build, chromium, cluster, images, recipes, settings
from .shell import say


def main(argv: list[str] | None = None) -> int:
    """Do what is asked; the exit code."""
    asked = _parser().parse_args(argv)
    try:
        return int(asked.do(asked) or 0)
    except MlstackError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.realnode", description="A real Kubernetes node, for tests.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(commands, "able", _able, "say whether a node can run on this machine")
    _command(commands, "build", _build, "build what is not built yet")
    making = _command(commands, "images", _images, "build, make the images that are not made yet, and fetch a browser")
    making.add_argument("--all", action="store_true", help="the long tests' images, too")
    making.add_argument("keys", nargs="*", help="only these")
    starting = _command(commands, "up", _up, "start a node")
    starting.add_argument("name", nargs="?", default="minikube", help="its name and its context's")
    starting.add_argument("--gpus", type=int, default=0, help="GPUs that it pretends to have")
    ending = _command(commands, "down", _down, "end a node and remove what it left")
    ending.add_argument("name", nargs="?", help="all if left out")
    ending.add_argument("--wipe", action="store_true", help="its unpacked images, too")
    _command(commands, "list", _list, "the nodes there are")
    running = _command(commands, "in-node", _in_node, "run a command on a node, as ctr -n k8s.io images ls")
    running.add_argument("name")
    running.add_argument("words", nargs=argparse.REMAINDER)
    return parser


def _command(commands: Any, name: str, do: Callable[..., int | None], about: str) -> argparse.ArgumentParser:
    """A subcommand. (argparse's own class for them is private.)"""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    parser.set_defaults(do=do)
    return parser


def _able(asked: argparse.Namespace) -> int:
    reason = cluster.able()
    print(reason or "A real node can run here.")
    return 1 if reason else 0


def _build(asked: argparse.Namespace) -> None:
    cluster.require_able()
    build.everything(slow=True)


def _images(asked: argparse.Namespace) -> None:
    cluster.require_able()
    build.everything(slow=asked.all or bool(asked.keys))
    images.make(recipes.chosen(slow=asked.all, keys=asked.keys))
    if not asked.keys and chromium.able():
        chromium.make()


def _up(asked: argparse.Namespace) -> None:
    started = time.monotonic()
    node = cluster.up(asked.name, gpus=asked.gpus, say=say)
    say(f"up after {time.monotonic() - started:.1f} s")
    print(f"export KUBECONFIG={node.kubeconfig}")


def _down(asked: argparse.Namespace) -> None:
    for name in [asked.name] if asked.name else settings.names():
        started = time.monotonic()
        was = cluster.down(name, wipe=asked.wipe)
        say(f"{name} ended in {time.monotonic() - started:.1f} s" if was else f"there is no node {name}")


def _list(asked: argparse.Namespace) -> None:
    for name in settings.names():
        node = settings.load(name)
        if node:
            print(f"{name}  {'up' if cluster.process(node) else 'down'}  {node.server}  {node.kubeconfig}")


def _in_node(asked: argparse.Namespace) -> None:
    words = cluster.inside(asked.name, asked.words)
    os.execvp(words[0], words)


if __name__ == "__main__":
    sys.exit(main())
