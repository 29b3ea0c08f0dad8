"""The sessions in docs/forward.md, typed. MLSTACK_UPDATE_DOCS=1 writes them anew."""

from __future__ import annotations

import os
import re
import signal
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlstack.actions.forward import wait_for_pod
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known

PAGE = Path(__file__).parents[2] / "docs" / "forward.md"
POD = well_known("v1", "Pod")
STATEFUL_SET = well_known("apps/v1", "StatefulSet")


@pytest.fixture
def app(new_app: Callable[[str], Any], client: Client, made: str) -> Any:
    """An app whose environment `gke` has a hub."""
    container = {"name": "hub", "image": "x", "ports": [{"name": "http", "containerPort": 8000}]}
    template = {"metadata": {"labels": {"app": "hub"}}, "spec": {"containers": [container]}}
    spec = {"serviceName": "hub", "selector": {"matchLabels": {"app": "hub"}}, "template": template}
    head = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "tf-hub", "namespace": made}}
    objects.apply(client, STATEFUL_SET, {**head, "spec": spec}, manager="test")
    wait_for_pod(client, made, "tf-hub-0", timeout=60)
    found = new_app("documented")
    found.do("env", "add", "gke", "--context", "minikube", "--namespace", made)
    return found


def compare(name: str, session: str) -> None:
    """Holds a session against the page's, or puts it there."""
    pattern = re.compile(rf"(<!-- session: {name} -->\n```console\n)(.*?)(```\n)", re.DOTALL)
    text = PAGE.read_text("utf-8")
    shown = pattern.search(text)
    assert shown, f"docs/forward.md has no session {name}"
    if os.environ.get("MLSTACK_UPDATE_DOCS"):
        PAGE.write_text(pattern.sub(lambda found: found[1] + session + found[3], text), "utf-8")
    else:
        assert shown[2] == session


def plain(text: str, namespace: str) -> str:
    """Without what differs from run to run: times, ports of this machine, the namespace."""
    text = re.sub(r"\b\d\d:\d\d:\d\d\b", "12:03:11", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8100", text)
    return text.replace(namespace, "default").replace("context minikube", "context gke")


def test_notebook(app: Any, client: Client, made: str) -> None:
    with app.start("notebook", "gke", "--port", "0") as process:
        out = until(process, "Ctrl-C ends")
        address = re.findall(r"http://127\.0\.0\.1:\d+", out)[0]
        old = objects.get(client, POD, made, "tf-hub-0")["metadata"]["uid"]
        objects.delete(client, POD, made, "tf-hub-0", uid=old)
        asked = threading.Thread(target=lambda: urllib.request.urlopen(address, timeout=60).read())
        asked.start()
        out += until(process, "forwarding again")
        asked.join()
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    # Why there is no pod for the moment is one thing or another: it is on its way out, missing, Pending.
    kept = [line for line in (out + rest).splitlines(keepends=True) if re.search(r"Forwarding|Ctrl-C|again", line)]
    compare("notebook", f"$ mlstack notebook gke\n{plain(''.join(kept), made)}^C\n")


def until(process: Any, words: str) -> str:
    """What it prints up to the line with these words."""
    said = ""
    while words not in said:
        line = process.stdout.readline()
        assert line, process.communicate()
        said += line
    return said


MISTAKES = [
    ("port-forward", "gke", "tf-hub-0", "8100:grpc"),
    ("port-forward", "gke", "tf-hub-0", "x:y:z"),
    ("serving", "gke", "inception"),
]


def test_mistakes(app: Any, made: str) -> None:
    session = ""
    for words in MISTAKES:
        done = app.run(*words)
        assert done.returncode == 1
        session += f"$ mlstack {' '.join(words)}\n{plain(done.stderr, made)}"
    compare("mistakes", session)
