"""The rows of the table: what is measured, against what, and how far it has to come; and the judging."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

#: Numbers of devices that are scraped; the limit is to be met up to MANY.
SIZES = (1, 10, 100, 300)
MANY = 100

SCRAPE, KEEP = "scrape", "keep"

PYSMA = "PySMA 0.7.5"
ROUND_TRIPS = {SCRAPE: "two round trips", KEEP: "one round trip"}
BOUNDS = {SCRAPE: 1.25, KEEP: 1.3}


@dataclass(frozen=True)
class Row:
    """A row. The figure that is judged is the ratio to what it is measured `against`, else the value.

    `most`: it may not be more, or with `below` not even that. `least`: how many times faster it has to be.
    """

    group: str
    name: str
    what: str
    against: str = ""
    unit: str = "s"
    most: float | None = None
    least: float | None = None
    below: bool = False

    @property
    def target(self) -> str:
        """What is to be reached, as the table says it."""
        times = " ×" if self.against else f" {self.unit}"
        if self.least is not None:
            return f"at least {self.least:g}{times}"
        return f"{'below' if self.below else 'at most'} {self.most:g}{times}"

    def is_reached(self, figure: float) -> bool:
        """Judge a figure."""
        if self.least is not None:
            return figure >= self.least
        assert self.most is not None
        return figure < self.most if self.below else figure <= self.most


@dataclass(frozen=True)
class Result:
    """What came out: all values in the row's unit, and those of what it is measured against."""

    row: Row
    values: Sequence[float]
    others: Sequence[float] = ()

    @property
    def figure(self) -> float:
        """The figure that is judged: of medians."""
        value = median(self.values)
        if not self.row.against:
            return value
        other = median(self.others)
        return value / other if self.row.least is None else other / value

    @property
    def is_reached(self) -> bool:
        """Whether the row reaches its target."""
        return self.row.is_reached(self.figure)


def devices(count: int) -> str:
    """Say how many."""
    return f"{count} device{'s' if count > 1 else ''}"


def _walls() -> list[Row]:
    rows = []
    for session in (SCRAPE, KEEP):
        for count in SIZES:
            what = f"one scrape of {devices(count)}, `session: {session}`"
            name = f"wall-{session}-{count}"
            if session == SCRAPE:
                rows.append(Row("scrape", f"{name}-pysma", what, PYSMA, most=1, below=True))
            if count <= MANY:
                against, most = ROUND_TRIPS[session], BOUNDS[session]
                rows.append(Row("scrape", f"{name}-limit", what, against, most=most))
    return rows


def _cpu() -> list[Row]:
    return [
        Row(
            "scrape",
            f"cpu-{session}-{count}",
            f"CPU a device and scrape, {devices(count)}, `session: {session}`",
            PYSMA,
            "ms",
            most=1.5 if session == SCRAPE else 1,
            below=session == KEEP,
        )
        for session in (SCRAPE, KEEP)
        for count in SIZES
    ]


ROWS: Sequence[Row] = (
    *_walls(),
    *_cpu(),
    Row("scrape", "growth-cpu", "CPU a device and scrape, 300 devices", "10 devices", "ms", most=1),
    Row("scrape", "growth-memory", "memory a further device, 100 to 300 devices", "10 to 100 devices", "kB", most=1),
    Row("scrape", "farm-late", "what the simulated devices add to an answer, at worst of all runs on average", "a round trip", "ms", most=0.05),
    Row("scrape", "farm-cpu", "CPU of the simulated devices, 300 devices, `session: scrape`", "the exporter", "ms", most=0.5),
    Row("memory", "memory-3", "peak memory with 3 devices", unit="MB", most=45),
    Row("memory", "memory-100", "peak memory with 100 devices", unit="MB", most=80),
    Row("decode", "decode", "decoding a full reply, JSON text to readings: how much faster", PYSMA, "ms", least=5),
    Row("start", "start", "start to the first complete answer, 3 devices", unit="s", most=1),
    Row("start", "help", "`--help`", unit="s", most=0.3),
    Row("many", "many-start", "start to the first complete answer, a device, 1000 devices", "100 devices", "ms", most=1.2),
    Row("many", "many-reload", "reload with every address changed, a device, 1000 devices", "100 devices", "ms", most=1.2),
    Row("many", "many-stop", "stop with a session on each, a device, 1000 devices", "100 devices", "ms", most=1.2),
    Row("past", "past", "ten years of backfill at five minutes", "the simulated device's own time", most=2),
    Row("day", "day", "memory after 24 hours of scrapes every 5 s", "the first hour", "MB", most=1.02),
)  # fmt: skip

GROUPS = tuple(dict.fromkeys(row.group for row in ROWS))
BY_NAME = {row.name: row for row in ROWS}
