from __future__ import annotations

import pytest

from mlstack.plan.findings import Finding, Look, Row, findings, rows, some

BAD, MAYBE = Finding("a is not there.", "make it"), Finding("b may wait.", certain=False)


def test_errors_come_first_and_each_once() -> None:
    looks = [Look("nodes", "x", MAYBE), Look("storage", "y", BAD), Look("rights", "z", MAYBE), Look("nodes", "w", BAD)]
    assert findings(looks) == [BAD, MAYBE]
    assert (str(BAD), str(MAYBE)) == ("a is not there. make it", "b may wait.")


@pytest.mark.parametrize(
    ("looks", "row"),
    [
        ([Look("nodes", "a"), Look("nodes", "b"), Look("nodes", "a")], Row("nodes", "ok", "a, b")),
        ([Look("nodes", "a"), Look("nodes", "b", MAYBE)], Row("nodes", "warning", "b")),
        ([Look("nodes", "a", BAD), Look("nodes", "b", MAYBE)], Row("nodes", "error", "a")),
        ([Look("nodes", "a"), Look("nodes", "b", unseen="no right")], Row("nodes", "cannot see", "no right")),
        ([Look("nodes", "b", unseen="no right"), Look("nodes", "a", MAYBE)], Row("nodes", "warning", "a")),
    ],
)
def test_a_topic_is_as_bad_as_its_worst(looks: list[Look], row: Row) -> None:
    assert rows(looks) == [row]


def test_topics_in_their_order() -> None:
    assert [row.topic for row in rows([Look("nodes", "a"), Look("cluster", "b")])] == ["cluster", "nodes"]


def test_many_are_counted() -> None:
    assert some("abcdef") == "a, b, c, d and 2 more"
