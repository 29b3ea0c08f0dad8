"""Requests by the API server's own count."""

from __future__ import annotations

from bench.requests import Requests, between, counted

LINE = 'apiserver_request_total{{code="200",dry_run="{dry}",group="",resource="{resource}",verb="{verb}"}} {count}\n'


def metrics(*rows: tuple[str, str, str, float]) -> str:
    """What /metrics answers: some other lines, and one for each (resource, verb, dry_run, count)."""
    lines = [LINE.format(resource=resource, verb=verb, dry=dry, count=count) for resource, verb, dry, count in rows]
    return '# TYPE apiserver_request_total counter\nother_total{resource="configmaps",verb="APPLY"} 9\n' + "".join(
        lines
    )


def test_reads_and_writes_are_told_apart_and_added_up() -> None:
    before = counted(metrics(("configmaps", "APPLY", "", 100), ("configmaps", "LIST", "", 7)))
    after = counted(
        metrics(
            ("configmaps", "APPLY", "", 600),
            ("configmaps", "LIST", "", 9),
            ("configmaps", "WATCH", "", 1),
            ("secrets", "POST", "", 1),
            ("namespaces", "GET", "", 2),
        )
    )
    assert between(before, after) == Requests(reads=5, writes=501)


def test_a_dry_run_stores_nothing() -> None:
    assert between({}, counted(metrics(("configmaps", "APPLY", "All", 500)))) == Requests(reads=500, writes=0)


def test_large_counts_come_as_floating_point() -> None:
    assert between({}, counted(metrics(("configmaps", "LIST", "", 1.5e6)))) == Requests(reads=1_500_000, writes=0)


def test_what_the_control_plane_asks_itself_is_left_out() -> None:
    assert counted(metrics(("leases", "PUT", "", 400), ("nodes", "PATCH", "", 3))) == {}
