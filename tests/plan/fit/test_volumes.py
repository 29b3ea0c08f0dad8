from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlstack.plan.fit.volumes import Storage, alone, by_name, claims_of, missing, reachable, unbound

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

ZONE_A = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]}


def _claim(name: str, volume: str = "", mode: str = "ReadWriteOnce", storage_class: str = "late") -> dict[str, Any]:
    spec = {"accessModes": [mode], "storageClassName": storage_class, **({"volumeName": volume} if volume else {})}
    return {"metadata": {"name": name}, "spec": spec, "status": {"phase": "Bound" if volume else "Pending"}}


STORAGE = Storage(
    claims=by_name(
        [
            _claim("bound", "pv"),
            _claim("late"),
            _claim("now", storage_class="now"),
            _claim("one", "pv", "ReadWriteOncePod"),
        ]
    ),
    volumes=by_name([{"metadata": {"name": "pv"}, "spec": {"nodeAffinity": {"required": ZONE_A}}}]),
    classes=by_name(
        [
            {
                "metadata": {"name": "late"},
                "provisioner": "ebs.csi.aws.com",
                "volumeBindingMode": "WaitForFirstConsumer",
                "allowedTopologies": [{"matchLabelExpressions": [{"key": "zone", "values": ["a", "b"]}]}],
            },
            {"metadata": {"name": "now"}, "volumeBindingMode": "Immediate"},
        ]
    ),
    coming={"coming": {"metadata": {"name": "coming"}, "spec": {}}},
)


def _pod(build: Build, *claims: str) -> dict[str, Any]:
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
    return build.pod(volumes=[*volumes, {"name": "tmp", "emptyDir": {}}])


def test_which_nodes_reach_them(build: Build) -> None:
    expected = {"bound": "a", "late": "ab", "coming": "abc", "now": "abc"}
    for claim, zones in expected.items():
        pod = _pod(build, claim)
        assert "".join(zone for zone in "abc" if reachable(pod, STORAGE, "n", {"zone": zone})) == zones


def test_what_keeps_a_pod_waiting(build: Build) -> None:
    pod = _pod(build, "bound", "late", "now", "coming", "gone")
    assert claims_of(pod) == ["bound", "late", "now", "coming", "gone"]
    assert missing(pod, STORAGE) == ["gone"]
    assert unbound(pod, STORAGE) == ["now"]
    assert alone(pod, STORAGE) == ""
    assert alone(_pod(build, "one"), STORAGE) == "one"
