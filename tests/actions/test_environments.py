from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.actions.environments import (
    add_environment,
    choose_context,
    describe_environment,
    list_environments,
    remove_environment,
    set_environment,
)
from mlstack.app.contexts import KubeContexts
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample

CONTEXTS = KubeContexts(
    ("minikube", "gke", "team"),
    "team",
    {"minikube": "https://192.168.49.2:8443", "gke": "https://34.1.2.3"},
    {"team": "ml"},
)


def test_a_shared_cluster(empty_app: Sample) -> None:
    done = add_environment(empty_app.project(), "gke", CONTEXTS, cluster="9d41")
    assert done.summary == (
        "Added environment gke: context gke (https://34.1.2.3), namespace default, platform gke.",
        "Pinned to cluster 9d41.",
    )
    lines = empty_app.read("environments/gke.yaml").splitlines()
    assert lines[3:] == [
        "platform: gke",
        "context: gke",
        "server: https://34.1.2.3",
        "cluster: 9d41" if "cluster: 9d41" in lines else 'cluster: "9d41"',
        "namespace: default",
        "autoscaling: unknown",
    ]
    assert not (empty_app.root / ".mlstack").exists()


def test_a_local_clusters_pin_stands_in_the_local_file(empty_app: Sample) -> None:
    add_environment(empty_app.project(), "minikube", CONTEXTS, cluster="3f0c", local_params={"debug": False})
    assert "cluster" not in empty_app.read("environments/minikube.yaml")
    env = describe_environment(empty_app.project(), "minikube")
    assert (env.cluster, env.server, env.local) == ("3f0c", "https://192.168.49.2:8443", True)
    project = empty_app.project()
    assert project.local is not None
    assert project.local.mapping("environments", "minikube", "params") == {"debug": False}


def test_without_a_context_of_its_name_the_current_one_is_taken_and_said(empty_app: Sample) -> None:
    done = add_environment(empty_app.project(), "prod", CONTEXTS)
    assert done.summary[0] == (
        "Added environment prod: context team (the current one), namespace ml, platform generic."
    )


def test_an_empty_kubeconfig(empty_app: Sample) -> None:
    done = add_environment(empty_app.project(), "prod", KubeContexts())
    assert done.summary[1] == "The kubeconfig has no contexts yet. Choose one: mlstack env set prod --context CONTEXT"
    assert empty_app.project().environment("prod").context == ""


def test_without_a_current_context_there_are_those_to_choose_from(empty_app: Sample) -> None:
    done = add_environment(empty_app.project(), "prod", KubeContexts(("a", "b")))
    assert done.summary[1] == (
        "No context is current; there are: a, b. Choose one: mlstack env set prod --context CONTEXT"
    )


def test_a_context_that_is_not_there() -> None:
    with pytest.raises(MlstackError, match=r"There is no context gk in the kubeconfig\. Did you mean gke\?"):
        choose_context("prod", CONTEXTS, "gk")


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("Prod", {}, "'Prod' cannot be the name of an environment"),
        ("a/b", {}, "'a/b' cannot be the name of an environment"),
        ("prod", {"platform": "gkee"}, "There is no platform gkee. Did you mean gke?"),
        ("prod", {"namespace": "A"}, "'A' cannot be the name of a namespace"),
        ("prod", {"context": "nope"}, "There is no context nope in the kubeconfig."),
    ],
)
def test_nothing_is_written_on_an_error(empty_app: Sample, name: str, options: dict[str, Any], sentence: str) -> None:
    before = empty_app.tree()
    with pytest.raises(MlstackError) as caught:
        add_environment(empty_app.project(), name, CONTEXTS, **options)
    assert str(caught.value).startswith(sentence)
    assert empty_app.tree() == before


def test_a_taken_name(sample: Sample) -> None:
    with pytest.raises(MlstackError, match=r"The environment gke is there already \(environments/gke\.yaml\)"):
        add_environment(sample.project(), "gke", CONTEXTS)


def test_ids_differ(sample: Sample) -> None:
    ids = {env.id for env in list_environments(sample.project())}
    assert len(ids) == 2


def test_set_says_each_change_with_its_line(sample: Sample) -> None:
    done = set_environment(sample.project(), "gke", namespace="ml", protected=True, autoscaling="pool-a, pool-b")
    assert done.summary == (
        "environments/gke.yaml:7: namespace = ml (was default).",
        "environments/gke.yaml:8: autoscaling = ['pool-a', 'pool-b'] (was unknown).",
        "environments/gke.yaml:9: protected = true.",
    )
    env = sample.project().environment("gke")
    assert (env.namespace, env.protected, env.autoscaling) == ("ml", True, ["pool-a", "pool-b"])
    assert set_environment(sample.project(), "gke", namespace="ml").summary == ("gke: nothing to change.",)


def test_set_context_for_all_or_for_me(sample: Sample) -> None:
    set_environment(sample.project(), "gke", context="mine", local=True)
    assert sample.project().environment("gke").context == "mine"
    assert sample.project().environment("gke").file.string("context") == "gke"
    set_environment(sample.project(), "gke", context="team", contexts=CONTEXTS)
    assert sample.project().environment("gke").context == "team"
    with pytest.raises(MlstackError, match="There is no context tem"):
        set_environment(sample.project(), "gke", context="tem", contexts=CONTEXTS)


def test_set_platform_vendors_it(sample: Sample) -> None:
    set_environment(sample.project(), "gke", platform="eks")
    assert sample.project().environment("gke").platform == "eks"
    assert (sample.root / "vendor" / "platforms" / "eks.yaml").exists()


def test_rename_keeps_the_id_and_what_the_local_file_says(sample: Sample) -> None:
    before = describe_environment(sample.project(), "minikube")
    done = set_environment(sample.project(), "minikube", rename="laptop")
    after = describe_environment(sample.project(), "laptop")
    assert (after.id, after.server, done.name) == (before.id, before.server, "laptop")
    assert sample.project().environment_names == ("gke", "laptop")
    with pytest.raises(MlstackError, match="The environment gke is there already"):
        set_environment(sample.project(), "laptop", rename="gke")


def test_rm_leaves_the_cluster_and_says_so(sample: Sample) -> None:
    done = remove_environment(sample.project(), "minikube")
    assert "The cluster is untouched" in done.summary[0]
    assert sample.project().environment_names == ("gke",)
    assert "minikube" not in sample.read(".mlstack/local.yaml")


def test_a_former_environments_pin_does_not_hold_for_a_new_one(empty_app: Sample) -> None:
    add_environment(empty_app.project(), "minikube", CONTEXTS, cluster="old", local_params={"debug": False})
    (empty_app.root / "environments" / "minikube.yaml").unlink()
    add_environment(empty_app.project(), "minikube", CONTEXTS)
    assert describe_environment(empty_app.project(), "minikube").cluster == ""
    assert "debug" not in empty_app.read(".mlstack/local.yaml")
