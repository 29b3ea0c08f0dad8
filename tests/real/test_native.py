"""A run of Kubernetes' own Jobs on a real node: processes of two Jobs find each other, and end with the first one."""

from __future__ import annotations

import json

import pytest

from tests.real.conftest import MakePlace

pytestmark = pytest.mark.slow

BRIEF = ("--model=trivial", "--batch_size=4", "--num_steps=4", "--warmup_steps=1", "--display_every=2")
SERVERS = ("--num_ps=1", "--num_workers=2", "--cpu=100m", "--ps_cpu=150m", "--memory=1500Mi", "--ps_memory=1500Mi")


def test_workers_and_servers_do_not_outlive_the_chief(new_place: MakePlace) -> None:
    place = new_place("native")
    place.do("generate", "tf-cnn", "cnn", "--runner=native", *BRIEF, *SERVERS)
    place.do("apply", "minikube", "-c", "cnn", "--wait", "finished", "--timeout", "400s")
    said = place.do("logs", "minikube", "cnn")
    print(said)
    events = [json.loads(line[line.index("{") :]) for line in said.splitlines() if '{"event"' in line]
    (done,) = [event for event in events if event["event"] == "done"]
    assert done["images_per_second"] > 0
    assert {event["mode"] for event in events if "mode" in event} == {"ps"}
    assert said.count("mlstack: the rest of the run has ended") == 2
