"""The tables, and RESULTS.md section by section."""

from __future__ import annotations

from pathlib import Path

from bench.measure import Sample
from bench.requests import Requests
from bench.results import cells_table, ratio_to, with_section, write_section
from bench.rounds import Cell


def cell(case: str, tool: str, number: int, seconds: float, reads: int = 3, writes: int = 500) -> Cell:
    return Cell(500, 0, number, case, tool, Sample(seconds, seconds / 2, 40 + seconds), Requests(reads, writes))


def rows(cells: list[Cell]) -> list[list[str]]:
    return [[part.strip() for part in line.strip("|").split("|")] for line in cells_table(cells).splitlines()[2:]]


def test_one_row_per_case_and_tool_ours_first() -> None:
    cells = [
        cell("first", "kubectl", 0, 4.0),
        cell("first", "mlstack", 0, 1.0),
        cell("first", "mlstack", 1, 2.0, reads=4),
        cell("first", "kubectl", 1, 6.0),
        cell("diff", "kubectl", 0, 5.0),
    ]
    assert rows(cells) == [
        ["first apply", "mlstack", "1.00", "1.50", "1.0×", "2", "3", "500", "1.00", "42"],
        ["first apply", "kubectl", "4.00", "5.00", "3.5×", "2", "3", "500", "3.00", "46"],
        ["diff, nothing changed", "kubectl", "5.00", "5.00", "", "1", "3", "500", "2.50", "45"],
    ]


def test_a_ratio_is_of_the_rounds_that_both_took_part_in() -> None:
    ours = [cell("first", "mlstack", number, seconds) for number, seconds in enumerate([1.0, 50.0, 2.0])]
    assert ratio_to([cell("first", "helm", 0, 8.0)], ours) == 8.0
    assert ratio_to([cell("first", "helm", 2, 8.0)], ours) == 4.0


def test_a_section_is_added_at_the_end_or_replaced_in_its_place() -> None:
    text = with_section(with_section("# Results\n", "One", "1\n"), "Two", "2 \\1")
    assert text == "# Results\n\n## One\n\n1\n\n## Two\n\n2 \\1\n"
    assert with_section(text, "One", "new") == "# Results\n\n## One\n\nnew\n\n## Two\n\n2 \\1\n"
    assert with_section(text, "Two", "new") == "# Results\n\n## One\n\n1\n\n## Two\n\nnew\n"


def test_the_page_begins_with_what_its_columns_mean(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    write_section("Start-up", "fast", file)
    text = file.read_text()
    assert text.startswith("# Results\n")
    assert text.endswith("\n\n## Start-up\n\nfast\n")
