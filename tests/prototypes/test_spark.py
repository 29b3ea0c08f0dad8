"""spark-application: what spark-submit and the operator are told, and what the driver may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Rendered
from mlstack.compose.schemas import validate
from mlstack.errors import MlstackError
from mlstack.plan.fit.requests import pod_requests
from mlstack.plan.fit.spark import made_pods
from tests.upstream.crds import crd

Show = Callable[..., Rendered]
One = Callable[..., dict[str, Any]]

PI = "local:///opt/spark/examples/src/main/python/pi.py"
JAR = "local:///opt/spark/examples/jars/spark-examples.jar"


@pytest.fixture
def driver(one: One) -> Callable[..., dict[str, Any]]:
    """`driver(**values)`: the pod spec of the native engine's Job."""

    def spec(platform: str = "generic", **values: Any) -> dict[str, Any]:
        job = one("Job", "spark-application", platform, **{"main_file": PI, **values})
        return dict(job["spec"]["template"]["spec"])

    return spec


@pytest.fixture
def executor(one: One) -> Callable[..., dict[str, Any]]:
    """`executor(**values)`: the pod that the native engine's driver makes executors from."""

    def pod(platform: str = "generic", **values: Any) -> dict[str, Any]:
        config = one("ConfigMap", "spark-application", platform, **{"main_file": PI, **values})
        return dict(yaml.safe_load(config["data"]["executor.yaml"]))

    return pod


@pytest.fixture
def application(one: One) -> Callable[..., dict[str, Any]]:
    """`application(**values)`: the SparkApplication's spec."""

    def spec(platform: str = "generic", **values: Any) -> dict[str, Any]:
        given = {"main_file": PI, "engine": "operator", **values}
        return dict(one("SparkApplication", "spark-application", platform, **given)["spec"])

    return spec


def command(pod: dict[str, Any]) -> list[str]:
    return list(pod["containers"][0]["command"])


def settings(pod: dict[str, Any]) -> dict[str, str]:
    """What spark-submit is told by --conf."""
    given = [word.removeprefix("--conf=") for word in command(pod) if word.startswith("--conf=")]
    return dict(setting.split("=", 1) for setting in given)


def test_the_jobs_pod_is_the_driver(driver: One) -> None:
    pod = driver(args=["100"])
    assert command(pod)[:5] == [
        "/opt/spark/bin/spark-submit",
        "--master",
        "k8s://https://kubernetes.default.svc",
        "--deploy-mode",
        "client",
    ]
    assert command(pod)[-1] == PI
    assert pod["containers"][0]["args"] == ["100"]
    assert pod["restartPolicy"] == "Never"


def test_executors_find_the_driver_by_its_pods_address_and_go_with_it(driver: One) -> None:
    pod = driver()
    sources = {
        e["name"]: e["valueFrom"]["fieldRef"]["fieldPath"] for e in pod["containers"][0]["env"] if "valueFrom" in e
    }
    assert sources == {"POD_IP": "status.podIP", "POD_NAME": "metadata.name"}
    told = settings(pod)
    assert told["spark.driver.host"] == told["spark.driver.bindAddress"] == "$(POD_IP)"
    assert told["spark.kubernetes.driver.pod.name"] == "$(POD_NAME)"  # makes it their owner
    assert (told["spark.driver.port"], told["spark.blockManager.port"]) == ("7078", "7079")


def test_the_driver_may_do_what_spark_does_with_these_settings_and_no_more(one: One, driver: One) -> None:
    (rule,) = one("Role", "spark-application", main_file=PI)["rules"]
    assert rule["resources"] == ["pods"]
    assert "*" not in rule["verbs"] + rule["apiGroups"]
    told = settings(driver())
    assert told["spark.kubernetes.executor.disableConfigMap"] == "true"  # else it makes and deletes ConfigMaps
    assert told["spark.kubernetes.driver.service.deleteOnTermination"] == "false"
    assert told["spark.kubernetes.driver.ownPersistentVolumeClaim"] == "false"
    assert told["spark.kubernetes.driver.reusePersistentVolumeClaim"] == "false"


@pytest.mark.parametrize("engine", ["native", "operator"])
def test_an_account_of_the_users_gets_the_rights_instead_of_a_new_one(engine: str, show: Show) -> None:
    for given, made in (("", ["x-driver"]), ("reader", [])):
        rendered = show("spark-application", main_file=PI, engine=engine, service_account=given).manifests
        assert [one["metadata"]["name"] for one in rendered if one["kind"] == "ServiceAccount"] == made
        (binding,) = [one for one in rendered if one["kind"] == "RoleBinding"]
        assert [subject["name"] for subject in binding["subjects"]] == [given or "x-driver"]


def test_executors_have_no_token(executor: One) -> None:
    assert executor()["spec"]["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in executor()["spec"]
    assert executor(service_account="reader")["spec"]["serviceAccountName"] == "reader"


@pytest.mark.parametrize(
    ("values", "asked", "factor"),
    [
        ({}, "1433Mi", "0.4"),
        ({"main_file": JAR}, "1408Mi", "0.1"),  # at least 384 MiB more
        ({"main_file": JAR, "driver_memory": "8Gi"}, "9011Mi", "0.1"),
        ({"main_file": "local:///opt/spark/examples/src/main/r/dataframe.R", "driver_memory": "512Mi"}, "896Mi", "0.4"),
        ({"memory_overhead_percent": 100, "driver_memory": "512Mi"}, "1024Mi", "1.0"),
        ({"memory_overhead_percent": 0}, "1408Mi", "0.0"),
    ],
)
def test_pods_ask_for_sparks_memory_and_more(values: dict[str, Any], asked: str, factor: str, driver: One) -> None:
    pod = driver(**values)
    resources = pod["containers"][0]["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"] == asked
    assert settings(pod)["spark.executor.memoryOverheadFactor"] == factor


def test_spark_is_told_the_size_of_executors(driver: One) -> None:
    told = settings(driver(executors=5, executor_cores=4, executor_memory="3Gi", executor_cpu="2500m"))
    assert told["spark.executor.instances"] == "5"
    assert told["spark.executor.cores"] == "4"
    assert told["spark.executor.memory"] == "3072m"
    assert told["spark.kubernetes.executor.request.cores"] == "2500m"
    assert "spark.kubernetes.executor.request.cores" not in settings(driver())


def test_own_settings_win(driver: One, application: One) -> None:
    own = {
        "spark.sql.shuffle.partitions": "64",
        "spark.kubernetes.executor.disableConfigMap": "false",
        "spark.a": "b=c d",
    }
    assert own.items() <= settings(driver(spark_conf=own)).items()
    assert own.items() <= application(spark_conf=own)["sparkConf"].items()


def test_only_executors_have_gpus(driver: One, executor: One) -> None:
    values = {"num_gpus": 2, "accelerator_type": "l4"}
    pod = executor("gke", **values)["spec"]
    assert pod["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "2"}
    assert pod["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    assert pod["tolerations"]
    assert {"name": "shm", "mountPath": "/dev/shm"} in pod["containers"][0]["volumeMounts"]
    told = driver("gke", **values)
    assert "nodeSelector" not in told
    assert {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"} in told["containers"][0]["env"]
    assert {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"} in executor()["spec"]["containers"][0]["env"]


def test_executors_are_named_by_their_content_and_make_another_run(one: One, driver: One) -> None:
    first, second = (one("ConfigMap", "spark-application", main_file=PI, env=env) for env in ({}, {"A": "b"}))
    assert first["immutable"] is True
    assert first["metadata"]["name"] != second["metadata"]["name"]
    assert driver()["volumes"][-1]["configMap"]["name"] == first["metadata"]["name"]


def test_pods_are_restricted(driver: One, executor: One, application: One) -> None:
    spec = application()
    pods = [driver(), executor()["spec"]]
    found = [(pod["securityContext"], pod["containers"][0]["securityContext"]) for pod in pods]
    found += [(spec[role]["podSecurityContext"], spec[role]["securityContext"]) for role in ("driver", "executor")]
    for pod, container in found:
        assert pod["runAsNonRoot"] is True
        assert (pod["runAsUser"], pod["seccompProfile"]) == (185, {"type": "RuntimeDefault"})
        assert container == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_files_of_the_app_are_there_in_driver_and_executors(show: Show) -> None:
    rendered = show("spark-application", main_file="train.py", code="train").manifests
    configs = [one for one in rendered if one["kind"] == "ConfigMap"]
    (code,) = [one for one in configs if "executor.yaml" not in one["data"]]
    (executor,) = [
        yaml.safe_load(one["data"]["executor.yaml"])["spec"] for one in configs if "executor.yaml" in one["data"]
    ]
    (job,) = [one for one in rendered if one["kind"] == "Job"]
    pod = job["spec"]["template"]["spec"]
    assert command(pod)[-1] == "/opt/mlstack/code/train.py"
    for spec in (pod, executor):
        assert code["metadata"]["name"] in [volume["configMap"]["name"] for volume in spec["volumes"]]
        assert "/opt/mlstack/code" in [mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]]
        assert {"name": "PYTHONPATH", "value": "/opt/mlstack/code"} in spec["containers"][0]["env"]


@pytest.mark.parametrize("values", [{"main_file": "pi.py"}, {"main_file": "other.py", "code": "train"}])
def test_a_program_that_is_nowhere_is_refused(values: dict[str, Any], show: Show) -> None:
    with pytest.raises(MlstackError, match=r"is no file of code"):
        show("spark-application", **values)


@pytest.mark.parametrize(
    ("values", "type_", "file"),
    [
        ({}, "Python", PI),
        ({"main_file": JAR, "main_class": "org.apache.spark.examples.SparkPi"}, "Scala", JAR),
        ({"main_file": "/opt/jobs/clean.R"}, "R", "local:///opt/jobs/clean.R"),
        ({"main_file": "s3a://bucket/clean.py"}, "Python", "s3a://bucket/clean.py"),
    ],
)
def test_the_operator_is_told_what_to_run(values: dict[str, Any], type_: str, file: str, application: One) -> None:
    spec = application(**values)
    assert (spec["type"], spec["mainApplicationFile"], spec["mode"]) == (type_, file, "cluster")
    assert spec.get("mainClass", "") == values.get("main_class", "")


def test_pods_have_the_labels_that_logs_are_found_by(one: One, executor: One, application: One) -> None:
    wanted = one("Job", "spark-application", main_file=PI)["spec"]["template"]["metadata"]["labels"]
    assert "app.kubernetes.io/managed-by" in wanted
    assert executor()["metadata"]["labels"] == wanted
    assert application()["driver"]["labels"] == application()["executor"]["labels"] == wanted
    assert executor(labels={"team": "a"})["metadata"]["labels"] == {"team": "a"} | wanted


def test_failures_run_again_as_often_as_said(one: One, application: One) -> None:
    assert one("Job", "spark-application", main_file=PI)["spec"]["backoffLimit"] == 0
    assert application()["restartPolicy"] == {"type": "Never"}
    again = application(backoff_limit=2)["restartPolicy"]
    assert again == {"type": "OnFailure", "onFailureRetries": 2, "onFailureRetryInterval": 10}


def test_in_a_queue_nothing_is_said_of_suspension(one: One, executor: One) -> None:
    for kind, engine in (("Job", "native"), ("SparkApplication", "operator")):
        queued = one(kind, "spark-application", main_file=PI, engine=engine, queue="team-a")
        assert queued["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team-a"
        assert "suspend" not in queued["spec"]
        assert one(kind, "spark-application", main_file=PI, engine=engine, suspend=True)["spec"]["suspend"] is True
    assert executor(queue="team-a")["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team-a"


FULL: dict[str, Any] = {
    "annotations": {"team": "a"}, "args": ["1"], "data_pvc": "flowers", "env": {"A": "b"}, "executor_cpu": "2",
    "image_pull_secrets": ["registry"], "labels": {"team": "a"}, "num_gpus": 1, "priority_class": "high",
    "secret_env": {"KEY": "bucket/key"}, "service_account": "reader", "shm_size": "1Gi", "backoff_limit": 2,
    "spark_conf": {"spark.a": "b"}, "tolerations": [{"key": "team", "operator": "Exists"}], "node_selector": {"a": "b"},
}  # fmt: skip


@pytest.mark.parametrize("values", [{}, {"num_gpus": 1}, FULL])
def test_everything_is_valid(values: dict[str, Any], show: Show, executor: One) -> None:
    for engine in ("native", "operator"):
        rendered = show("spark-application", main_file=PI, engine=engine, **values).manifests
        assert [str(problem) for problem in validate(rendered, [crd("SparkApplication")])] == []
    pod = executor(**values)
    pod["metadata"]["name"] = "made-by-spark"
    pod["spec"]["containers"][0]["image"] = "put-in-by-spark"
    assert [str(problem) for problem in validate([pod])] == []


def test_both_engines_ask_the_nodes_for_the_same(show: Show) -> None:
    values = {"main_file": PI, "executors": 3, "executor_memory": "4Gi", "num_gpus": 2}
    native = list(made_pods(show("spark-application", **values).manifests))
    operated = list(made_pods(show("spark-application", engine="operator", **values).manifests))
    asked = [(one.role, one.count, pod_requests(one.pod)) for one in operated]
    assert asked[1] == (native[0].role, native[0].count, pod_requests(native[0].pod))
    assert asked[1][:2] == ("executor", 3)
    assert asked[1][2]["nvidia.com/gpu"] == 2


def test_packages_are_installed_where_driver_and_executors_find_them(
    driver: Callable[..., dict[str, Any]], executor: One, application: Callable[..., dict[str, Any]]
) -> None:
    values = {"pip": ["einops==0.8.1"]}
    told = application(**values)
    for pod in (driver(**values), executor(**values)["spec"], told["driver"], told["executor"]):
        ((packages,), program) = pod["initContainers"], pod.get("containers", [pod])[0]
        assert packages["command"][:4] == ["python3", "-m", "pip", "install"]
        assert packages["command"][-2:] == ["--", "einops==0.8.1"]
        assert {"name": "PYTHONPATH", "value": "/opt/mlstack/packages/lib"} in program["env"]
        assert packages["volumeMounts"][0] in program["volumeMounts"]
        volumes = pod.get("volumes") or told["volumes"]
        assert {"name": "packages", "emptyDir": {"sizeLimit": "20Gi"}} in volumes
    assert "initContainers" not in driver()


def test_parameters_of_other_jobs_that_mean_nothing_here_are_none(catalogue: dict[str, Prototype]) -> None:
    absent = {"clean_pod_policy", "cpu", "gang", "memory", "num_workers", "port", "restart_policy", "scale"}
    assert absent.isdisjoint(catalogue["spark-application"].parameters)


def test_what_is_downloaded_is_kept_where_its_user_can_write(driver: One, application: One) -> None:
    """The image's user has no home, where Ivy would keep what spark.jars.packages names."""
    assert "--conf=spark.jars.ivy=/tmp/.ivy2" in command(driver())
    assert application()["sparkConf"]["spark.jars.ivy"] == "/tmp/.ivy2"
    own = {"spark.jars.ivy": "/data/ivy"}
    assert "--conf=spark.jars.ivy=/data/ivy" in command(driver(spark_conf=own))
    assert application(spark_conf=own)["sparkConf"]["spark.jars.ivy"] == "/data/ivy"


def test_pods_that_spark_makes_see_no_services_and_have_no_token(executor: One, application: One) -> None:
    confined = {"enableServiceLinks": False, "automountServiceAccountToken": False}
    assert executor()["spec"].items() >= confined.items()
    found = {role: application()[role]["template"]["spec"] for role in ("driver", "executor")}
    # spark-submit ends on a template without containers; these are their own names.
    own = {role: [{"name": f"spark-kubernetes-{role}"}] for role in found}
    assert found["executor"] == {**confined, "containers": own["executor"]}
    assert found["driver"] == {"enableServiceLinks": False, "containers": own["driver"]}
