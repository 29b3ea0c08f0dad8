"""`mlstack logs -f` of a job of many real pods that crash, come, are deleted and end: held against what they wrote."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.real.conftest import MakePlace
from tests.real.place import Place

pytestmark = pytest.mark.slow

LINES, AT_ONCE, IN_ALL = 150, 10, 24
# Each line goes to standard output first and into a file then. Every third process dies once, in the midst of a line.
PROGRAM = f"""
life=$(ls /said | grep -c "^$POD\\.")
for n in $(seq 1 {LINES}); do
  line="$POD life $life line $n xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
  echo "$line"; echo "$line" >> /said/$POD.$life
  sleep 0.05
done
[ $life -gt 0 ] || [ $((JOB_COMPLETION_INDEX % 3)) -gt 0 ] || exit 1
"""
VOLUMES = [{"name": "said", "persistentVolumeClaim": {"claimName": "said"}}]
MOUNTS = [{"name": "said", "mountPath": "/said"}]


def job() -> str:
    name = {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    main = {"name": "main", "image": "busybox", "command": ["sh", "-c", PROGRAM], "env": [name], "volumeMounts": MOUNTS}
    pod = {"restartPolicy": "OnFailure", "terminationGracePeriodSeconds": 1, "containers": [main], "volumes": VOLUMES}
    spec = {
        "completionMode": "Indexed",
        "completions": IN_ALL,
        "parallelism": AT_ONCE,
        "backoffLimit": 100,
        "template": {"spec": pod},
    }
    return json.dumps({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "many"}, "spec": spec})


@pytest.fixture
def place(new_place: MakePlace) -> Place:
    """An app with the job as a component, and a pod that can look at what it wrote."""
    made = new_place("many")
    made.claim("said")
    reader = {"name": "main", "image": "busybox", "command": ["sleep", "3600"], "volumeMounts": MOUNTS}
    spec = {"containers": [reader], "volumes": VOLUMES, "terminationGracePeriodSeconds": 0}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "reader"}, "spec": spec}
    made.kubectl("apply", "-f", "-", stdin=json.dumps(pod))
    made.kubectl("wait", "--for=condition=Ready", "pod/reader", "--timeout=120s")
    file = Path(made.root, "components", "many", "objects.yaml")
    file.parent.mkdir(parents=True)
    file.write_text(job(), "utf-8")
    return made


def test_no_line_is_lost_torn_or_told_twice(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with out.open("w") as file, place.start("logs", "minikube", "many", "-f", "-o", "json", stdout=file) as following:
        assert following.stderr
        assert "many has no pods in minikube." in following.stderr.readline()
        place.do("apply", "minikube", "-c", "many", "--no-wait")
        killed: list[str] = []
        while len(killed) < 5:  # in the midst of what they say
            time.sleep(3)
            running = place.kubectl(
                "get", "pods", "-l", "job-name=many", "--field-selector=status.phase=Running", "-o", "name"
            )
            victim = next((name for name in running.split() if name not in killed), "")
            if victim:
                killed.append(victim)
                place.kubectl("delete", victim, "--wait=false")
        _, err = following.communicate(timeout=400)  # it ends with the job
    assert (following.returncode, err) == (0, "")
    told = Counter(json.loads(line)["line"] for line in out.read_text("utf-8").splitlines())
    written = Counter(place.kubectl("exec", "reader", "--", "sh", "-c", "cat /said/*").splitlines())
    assert written - told == Counter(), "lost"
    more = told - written  # a process that was killed between its two echos
    assert len(more) <= len(killed), "torn or told twice"
    lives = Counter(line.split()[0] for line in told if line.split()[4] == "1")
    assert len(lives) >= IN_ALL + len(killed) - 1
    assert max(lives.values()) == 2
    print(f"{sum(told.values())} lines of {len(lives)} pods, {sum(lives.values())} lives, {len(killed)} pods deleted")
