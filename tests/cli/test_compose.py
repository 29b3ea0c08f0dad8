"""component, env, show, validate, diff of two environments, as typed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import yaml

Typed = Callable[..., Any]


def test_components(typed: Typed, sample: Any) -> None:
    listed = typed("component", "list", "-o", "json").json
    assert [(one["name"], one["lifecycle"]) for one in listed] == [("cnn", "run"), ("hub", "service")]
    assert "next apply of an environment prunes" in typed("component", "rm", "hub").out
    assert "hub" not in typed("component", "list").out


def test_environments(typed: Typed, sample: Any) -> None:
    assert {one["name"] for one in typed("env", "list", "-o", "json").json} == {"gke", "minikube"}
    assert "context      gke" in typed("env", "describe", "gke").out
    assert "namespace = vision" in typed("env", "set", "gke", "--namespace", "vision").out
    assert typed("env", "describe", "gke", "-o", "yaml").yaml["namespace"] == "vision"
    assert "The cluster is untouched" in typed("env", "rm", "minikube").out


def test_env_add_of_a_silent_cluster_warns_and_stores(typed: Typed, sample: Any) -> None:
    seen = typed("env", "add", "laptop")
    assert seen.code == 0
    assert seen.out.startswith("Added environment laptop: context laptop (https://127.0.0.1:1), namespace ml")
    assert seen.err.startswith("Warning: Not pinned to a cluster yet (the first apply does):")
    assert typed("env", "describe", "laptop", "-o", "json").json["cluster"] == ""


def test_env_add_takes_the_current_context_and_says_so(typed: Typed, sample: Any) -> None:
    assert "context laptop (the current one)" in typed("env", "add", "other", "--platform", "generic").out
    seen = typed("env", "add", "third", "--context", "gka")
    assert (seen.code, "Did you mean gke?" in seen.err) == (1, True)


def test_env_pin_of_a_silent_cluster_is_an_error(typed: Typed, sample: Any) -> None:
    before = sample.tree()
    assert typed("env", "pin", "gke").code == 1
    assert sample.tree() == before


def test_show_prints_documents_and_a_list(typed: Typed, sample: Any) -> None:
    documents = list(yaml.safe_load_all(typed("show", "gke").out))
    assert [(one["kind"], one["metadata"]["name"]) for one in documents] == [("ConfigMap", "cnn"), ("Service", "hub")]
    listed = typed("show", "gke", "-o", "json").json
    assert (listed["kind"], listed["items"]) == ("List", documents)


def test_show_of_one_component_with_a_value_for_once(typed: Typed, sample: Any) -> None:
    before = sample.tree()
    assert typed("show", "gke", "-c", "cnn", "--set", "cnn.num_gpus=4").yaml["data"]["gpus"] == "4"
    assert sample.tree() == before


def test_show_is_the_same_bytes_in_every_process(sample: Any) -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-m", "mlstack", "show", "gke"],
            cwd=sample.root,
            env={"PYTHONHASHSEED": seed, "HOME": str(sample.root.parent)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(printed) == 1


def test_validate(typed: Typed, sample: Any) -> None:
    seen = typed("validate", "gke")
    assert (seen.code, seen.out.splitlines()[-1]) == (0, "gke: 2 objects, valid")
    sample.write("components/own/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {n: 1}\n")
    seen = typed("validate", "gke")
    assert (seen.code, "data.n" in seen.out, "1 problem" in seen.out) == (1, True, True)
    assert typed("validate", "gke", "-o", "json").json[0]["path"] == "data.n"


def test_two_environments_compared(typed: Typed, sample: Any) -> None:
    typed("param", "set", "--env=gke", "cnn", "num_gpus", "2")
    seen = typed("diff", "minikube", "gke")
    assert seen.code == 16
    assert "cnn        num_gpus   0 -> 2" in seen.out
    assert "data.gpus  0 -> 2" in seen.out
    assert typed("diff", "gke", "minikube", "-o", "yaml").yaml["params"][0]["left"] == 2
    assert typed("diff", "gke", "gke").out == "gke and gke render the same.\n"


def test_show_names_what_is_this_machines_alone_and_leaves_it_out(typed: Typed, sample: Any) -> None:
    local = sample.root / ".mlstack" / "local.yaml"
    local.parent.mkdir(exist_ok=True)
    local.write_text(
        "apiVersion: mlstack.dev/v1\nkind: Local\n"
        "environments:\n  gke: {params: {debug: true}, component_params: {cnn: {greeting: mine}}}\n"
    )
    mine = typed("show", "gke", "-c", "cnn")
    assert "greeting: mine" in mine.out
    assert mine.err == (
        "Note: .mlstack/local.yaml sets debug, cnn.greeting for gke on this machine only; --no-local leaves it out.\n"
    )
    shared = typed("show", "gke", "-c", "cnn", "--no-local")
    assert (shared.code, shared.err, "mine" in shared.out) == (0, "", False)
