"""A backfill from a simulated device, in this process, with pauses that are noted instead of waited.

`python tests/support/backfills.py` writes the golden file anew: read the difference before it is committed.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from prometheus_client.openmetrics import parser

from sma_exporter import backfill as history
from sma_exporter.backfill.time_ranges import Zone
from sma_exporter.devices.protocols import PROTOCOLS
from sma_exporter.simulator import Simulator
from support.devices import NOON, settings

BERLIN = ZoneInfo("Europe/Berlin")

GOLDEN = Path(__file__).parents[1] / "golden" / "backfill.om"

TARGET = {"job": "sma", "instance": "roof"}


class Pauses:
    """Waits no time; after `calls` calls it says that the user wants to stop."""

    def __init__(self, calls: int | None = None) -> None:
        self.seconds: list[float] = []
        self._left = calls

    def __call__(self, seconds: float) -> bool:
        if seconds:
            self.seconds.append(seconds)
        if self._left is None:
            return False
        self._left -= 1
        return self._left < 0


class Sample(NamedTuple):
    """One line of a file."""

    series: str
    value: float
    stamp: int


def wanted(
    first: str,
    last: str | None = None,
    interval: str = "1d",
    zone: str | None = None,
    **labels: str,
) -> history.Wanted:
    """Ask for days (2024-12-31) or moments."""
    return history.Wanted(
        history.parse_date(first),
        None if last is None else history.parse_date(last),
        history.INTERVALS[interval],
        None if zone is None else Zone(ZoneInfo(zone), "the test"),
        labels or TARGET,
    )


def backfill(
    simulator: Simulator,
    order: history.Wanted,
    path: Path,
    *,
    resume: bool = False,
    now: float = NOON,
    wait: Callable[[float], bool] | None = None,
    **keys: Any,
) -> str:
    """Copy a simulated device's history into a file; return what the file holds then."""
    device = settings(simulator, **keys)
    open_history = PROTOCOLS["webconnect"].history
    with (
        closing(history.output(path, resume=resume)) as output,
        open_history(device, wait or Pauses(), None) as source,
    ):
        history.backfill(source, device, order, output, now=now)
    return path.read_text(encoding="utf-8")


def samples(text: str, metric: str = "") -> list[Sample]:
    """The samples of a file, or of one metric in it."""
    lines = (line.rsplit(" ", 2) for line in text.splitlines() if line.startswith(metric or "sma_"))
    return [Sample(series, float(value), int(stamp)) for series, value, stamp in lines]


#: The families of an OpenMetrics text; ValueError where it is none.
parsed: Callable[[str], Iterator[Any]] = parser.text_string_to_metric_families


def golden(folder: Path) -> str:
    """Return the file of some minutes in spring, when the clock is put forward, with every metric."""
    order = wanted("2025-03-30T01:50", "2025-03-30T03:05", "5m", job="sma", instance="localhost:1")
    with Simulator("stp-10-se", clock=lambda: NOON) as simulator:
        return backfill(simulator, order, folder / "golden.om")


def at(text: str) -> int:
    """Unix time of a moment in Berlin."""
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


if __name__ == "__main__":
    with TemporaryDirectory() as name:
        GOLDEN.write_text(golden(Path(name)), encoding="utf-8")
