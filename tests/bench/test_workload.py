"""What is applied."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
import yaml

from bench import mixed, workload
from bench.measure import BenchError


def manifests(name: str, count: int, revision: int, owner: str = "kapp") -> list[dict[str, Any]]:
    texts = workload.SETS[name](count, revision, owner)
    return list(yaml.safe_load_all(workload.SEPARATOR.join((*texts.crds, *texts.objects))))


@pytest.mark.parametrize(
    ("name", "count"), [*(("configmaps", n) for n in (1, 5, 7, 50)), ("mixed", 50), ("mixed", 150)]
)
def test_objects_are_so_many_and_all_different(name: str, count: int) -> None:
    found = manifests(name, count, 0)
    keys = {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in found}
    assert len(keys) == count == workload.SETS[name](count, 0, "kapp").count
    assert {(one["metadata"]["labels"]["bench"], one["metadata"]["labels"]["revision"]) for one in found} == {
        ("kapp", "0")
    }


@pytest.mark.parametrize(
    ("name", "count"), [("configmaps", 5), ("configmaps", 7), ("configmaps", 500), ("mixed", 50), ("mixed", 500)]
)
def test_five_change_with_the_revision(name: str, count: int) -> None:
    before, after = manifests(name, count, 0), manifests(name, count, 2)
    differ = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(differ) == workload.CHANGED
    assert {one["metadata"]["labels"]["revision"] for one in differ} == {"2"}
    content = "data" if name == "configmaps" else "spec"
    assert {one[content]["revision"] for one in differ} == {"2"}


def test_tools_share_nothing_that_is_cluster_wide() -> None:
    one, other = ({m["metadata"]["name"] for m in manifests("mixed", 100, 0, owner) if m["kind"] in mixed.CLUSTER_WIDE}
                  for owner in ("kapp", "helm"))  # fmt: skip
    assert len(one) == len(other)  # a namespace, a role and a binding share their name
    assert not one & other


def test_a_block_holds_what_the_page_says() -> None:
    kinds = Counter(one["kind"] for one in manifests("mixed", 100, 0))
    customs = sum(count for kind, count in kinds.items() if kind.startswith("Widget"))
    assert customs == 2 * mixed.BLOCK["custom resource"]
    assert {kind: kinds[kind] // 2 for kind in mixed.BLOCK if kind != "custom resource"} == {
        kind: count for kind, count in mixed.BLOCK.items() if kind != "custom resource"
    }


def test_what_others_need_comes_first() -> None:
    found = [one["kind"] for one in manifests("mixed", 50, 0)]
    first = [found.index(kind) for kind in ("CustomResourceDefinition", "Namespace", "ServiceAccount", "Widget0")]
    assert all(one < other for one, other in pairwise(first))


@pytest.mark.parametrize("count", [0, 49, 75])
def test_the_mixed_set_comes_in_blocks(count: int) -> None:
    with pytest.raises(BenchError, match="50"):
        workload.mixture(count, 0, "kapp")
