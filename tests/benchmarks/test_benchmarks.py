"""The README's performance table is the suite's: each row with its target, none judged otherwise."""

import re

import pytest
from support import readme

from benchmarks import report
from benchmarks.rows import ROWS, Result, Row

TABLE = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in readme.section("Performance").splitlines()
    if line.startswith("|")
]


def test_it_has_every_row_with_its_target() -> None:
    assert [cell.lower() for cell in TABLE[0]] == [*report.HEAD]
    assert [(row[0], row[4]) for row in TABLE[2:]] == [(row.what, row.target) for row in ROWS]


@pytest.mark.parametrize(
    ("row", "cells"),
    [pytest.param(row, cells, id=row.name) for row, cells in zip(ROWS, TABLE[2:], strict=True)],
)
def test_a_verdict_follows_from_the_figure(row: Row, cells: list[str]) -> None:
    _, measured, other, ratio, _, verdict = cells
    figure = float(ratio if row.against else measured.split()[0])

    assert bool(other) == bool(row.against)
    # A ratio is rounded: at the very target the table can not tell.
    near = row.most is not None and abs(figure - row.most) < 0.006
    assert near or (verdict == "reached") == row.is_reached(figure)


def test_it_says_when_where_and_with_what() -> None:
    said = re.search(
        r"Measured \d{4}-\d\d-\d\d, .+ cores, .+, Python 3\.\d+\.\d+, .*pysma 0\.7\.5", readme.TEXT
    )

    assert said


@pytest.mark.parametrize(
    ("row", "ours", "theirs", "reached"),
    [
        (Row("g", "n", "w", "PySMA", most=1, below=True), [1.0], [1.0], False),
        (Row("g", "n", "w", "PySMA", most=1), [1.0], [1.0], True),
        (Row("g", "n", "w", "PySMA", least=5), [1.0], [5.0], True),
        (Row("g", "n", "w", "PySMA", least=5), [1.0], [4.9], False),
        (Row("g", "n", "w", unit="MB", most=45), [44.0, 45.0, 46.0], [], True),
        (Row("g", "n", "w", unit="MB", most=45), [44.0, 45.1, 46.0], [], False),
    ],
)
def test_medians_are_judged(
    row: Row, ours: list[float], theirs: list[float], reached: bool
) -> None:
    assert Result(row, ours, theirs).is_reached is reached
