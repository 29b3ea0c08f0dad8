from __future__ import annotations

import pytest

from mlstack.compose.manifests import CLUSTER_SCOPED
from mlstack.plan.kinds import FINAL, INCLUDES, RUN_KINDS, TABLE, kind_of


def test_every_word_of_include_is_a_kind_that_holds_data() -> None:
    assert INCLUDES == ("crd", "namespace", "pv", "pvc", "secret", "shared", "statefulset")
    assert all(row.loses for row in TABLE.values() if row.include)
    assert not any(row.loses for row in TABLE.values() if not row.include)


def test_runs_can_be_suspended_and_end() -> None:
    rows = [TABLE[name] for name in RUN_KINDS]
    assert len(rows) == 9
    assert all(row.suspend and row.rule for row in rows)
    assert {row.suspend for row in rows if row.group == "kubeflow.org"} == {"spec.runPolicy.suspend"}
    assert {"Complete", "Succeeded", "Failed"} == FINAL


def test_no_row_stands_twice_and_the_key_is_the_row() -> None:
    assert all(name == (row.group, row.kind) for name, row in TABLE.items())


@pytest.mark.parametrize(
    ("group", "kind", "namespaced"),
    [
        ("", "Namespace", False),
        ("", "Secret", True),
        ("networking.k8s.io", "IngressClass", False),
        ("kk.io", "Flavor", None),
    ],
)
def test_scope_where_it_is_known(group: str, kind: str, namespaced: bool | None) -> None:
    assert kind_of(group, kind).namespaced is namespaced


def test_an_unknown_kind_loses_nothing_that_is_known() -> None:
    row = kind_of("kk.io", "Flavor")
    assert (row.run, row.include, row.rule, row.instant) == (False, "", None, False)
    assert ("", "Namespace") in CLUSTER_SCOPED
