"""How each documented example is known to work: the test that runs its program, or has it read by that program's own
parser; an empty text where neither program nor parser is at hand, and the example is rendered and not run."""

from __future__ import annotations

from collections.abc import Mapping

HUB = "tests/real/test_core.py::test_everything_is_ready"
NOTEBOOK = "tests/real/test_culling.py::test_a_notebook_is_stopped_when_its_work_is_done"
GPU_NOTEBOOK = "tests/real/test_two_clusters.py::test_a_notebook_with_a_gpu_on_gke"

SERVERS = "tests/oracles/test_tensorflow.py::test_a_training_with_servers_ends_beside_an_evaluator"
SANDBOX = "tests/cluster/test_jobs.py::test_all_runs_succeed"
MODELS = "tests/oracles/test_serving.py::test_the_models_are_those_that_the_parameters_name"
OPERATOR_KINDS = "tests/cluster/test_operator_crds.py::test_the_operator_runs_a_job_of_each_kind_to_its_end"
SPARK = "tests/real/test_spark.py"

CHECKED: Mapping[str, Mapping[str, str]] = {
    "jupyterhub": {
        "A hub for one team": NOTEBOOK,
        "Notebooks with an L4 GPU on gke": GPU_NOTEBOOK,
    },
    "kubeflow-core": {
        "Hub and operator": HUB,
        "Notebooks with a GPU on gke": GPU_NOTEBOOK,
        "The operator alone": OPERATOR_KINDS,
        "A cluster whose firewall keeps the API server from the operator": SANDBOX,
    },
    "mpi-job": {
        "A program on 4 workers": "tests/real/test_jobs.py::test_mpi",
        "Horovod on 2 workers with 4 GPUs each": "",
    },
    "paddle-job": {
        "A program on 2 workers with a GPU each": "tests/real/test_jobs.py::test_paddle",
        "Two workers that may become up to eight while they run": (
            "tests/cluster/test_operator_crds.py::test_a_number_of_paddle_workers_that_kubectl_set_is_left_alone"
        ),
    },
    "pytorch-job": {
        "A program in an image, on 4 nodes with 8 GPUs each": "",
        "2 to 8 workers on spot nodes": "",
        "No operator in one environment, for all jobs there": "tests/real/test_jobs.py::test_pytorch",
    },
    "spark-application": {
        "Pi on five executors, computed by the program in Spark's own image": f"{SPARK}::test_pi_on_five_executors",
        "A program of the app's own on 8 executors": f"{SPARK}::test_a_program_of_the_users_own",
        "By the Spark operator": f"{SPARK}::test_pi_by_the_operator",
        "A program on the JVM": "",
    },
    "tensorboard": {
        "The logs of jobs on a volume": "tests/real/test_training.py::test_its_curves_are_shown",
        "From a bucket": "",
    },
    "tf-cnn": {
        "One worker on the CPU": "tests/real/test_training.py::test_the_benchmark",
        "One GPU on gke only": "",
        "4 workers with 2 L4 GPUs each, in 16 bits": "",
    },
    "tf-job": {
        "A program in an image, on 4 workers with a GPU each": "",
        "Your own files in TensorFlow's image, no image built": "tests/real/test_code.py::test_a_changed_program_runs",
        "Arguments as one string, as in 2017": "",
        "Parameter servers on gke only": SERVERS,
    },
    "tf-serving": {
        "A public model from a bucket": MODELS,
        "Two versions, one of them on trial": MODELS,
        "From MinIO, with 1 to 5 replicas": MODELS,
    },
    "train-job": {
        "A PyTorch program on 2 nodes with 4 GPUs each": "",
        "With a runtime of one's own": "",
    },
    "training-operator": {
        "For TFJobs only": OPERATOR_KINDS,
        "With the rights of one namespace": "",
    },
    "vllm": {
        "A small model on one GPU": "",
        "A gated model on four GPUs of one node, its weights kept on a volume": "",
        "A trial on the CPU": "",
    },
}  # fmt: skip


def how(prototype: str, title: str) -> str:
    """What a reader is told about an example."""
    test = CHECKED[prototype][title]
    if not test:
        return "Rendered and checked by Kubernetes' schemas, not run."
    if test == MODELS:
        return f"Read by its program's own parser, not run: `{test}`."
    return f"Run with its real program, at a size for tests: `{test}`."
