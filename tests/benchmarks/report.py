"""Results as a table for people, as JSON for programs, and as the README's section."""

import json
import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from .rows import Result

BEGIN = "<!-- performance: made by python -m tests.benchmarks -->"
END = "<!-- /performance -->"

HEAD = ("what", "measured", "against", "ratio", "to reach", "verdict")
LIBRARIES = ("sma_exporter", "requests", "prometheus_client", "pysma", "aiohttp")


def verdict(result: Result) -> str:
    """Say whether the target is reached."""
    return "reached" if result.is_reached else "**missed**"


def cells(result: Result) -> tuple[str, ...]:
    """Return a row of the table."""
    row, other = result.row, ""
    if row.against:
        other = f"{row.against}: {spread(result.others)} {row.unit}"
    ratio = f"{result.figure:.2f}" if row.against else ""
    measured = f"{spread(result.values)} {row.unit}"
    return row.what, measured, other, ratio, row.target, verdict(result)


def spread(values: Sequence[float]) -> str:
    """Return the median, and the least and the most where they differ."""
    low, middle, high = (number(value) for value in (min(values), median(values), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"


def number(value: float) -> str:
    """Return three digits that matter."""
    return f"{value:#.3g}".rstrip(".") if abs(value) < 1000 else f"{value:.0f}"


def circumstances() -> str:
    """Say when and where this was measured."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, "
        f"Linux {platform.release()}, Python {platform.python_version()}, {libraries}"
    )


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def as_markdown(results: Iterable[Result]) -> str:
    """Return the README's text between its markers."""
    rows = [HEAD, tuple("-" for _ in HEAD), *map(cells, results)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"Measured {circumstances()}.\n\n{table}"


def as_text(results: Iterable[Result]) -> str:
    """Return a table for a terminal."""
    rows = [HEAD, *map(cells, results)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join([circumstances(), "", *lines])


def as_json(results: Iterable[Result], details: Sequence[Any]) -> str:
    """Return everything that was measured."""
    found = [
        asdict(result)
        | {"figure": result.figure, "target": result.row.target, "reached": result.is_reached}
        for result in results
    ]
    document = {"circumstances": circumstances(), "rows": found, "scrapes": details}
    return json.dumps(document, indent=1)


def in_readme(text: str, results: Iterable[Result]) -> str:
    """Return the README with these results."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{as_markdown(results)}\n{END}{after}"
