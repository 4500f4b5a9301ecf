"""A past for a real Prometheus: readings with timestamps, as blocks on its disk."""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from support.needs import require_tool

#: (unix time, value)
Readings = Iterable[tuple[float, float]]


def series(name: str, /, **labels: str) -> str:
    """A series as it is written: name{label="value"}."""
    pairs = (f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{','.join(pairs)}}}"


def remember(readings: Mapping[str, Readings], folder: Path) -> None:
    """Put the readings of series into the data of a Prometheus that is to be started in the folder."""
    text = folder / "past.txt"
    with text.open("w", encoding="utf-8") as file:
        for line in _openmetrics(readings):
            file.write(f"{line}\n")
    command = [
        *(require_tool("promtool"), "tsdb", "create-blocks-from", "openmetrics"),
        *("--max-block-duration=8760h", str(text), str(folder / "data")),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def _openmetrics(readings: Mapping[str, Readings]) -> Iterable[str]:
    named: dict[str, list[str]] = {}
    for one in readings:
        named.setdefault(one.partition("{")[0], []).append(one)
    for name, every in named.items():
        is_counter = name.endswith("_total")
        yield f"# TYPE {name.removesuffix('_total')} {'counter' if is_counter else 'gauge'}"
        for one in every:
            for time, value in readings[one]:
                yield f"{one} {value!r} {time:.3f}"
    yield "# EOF"
