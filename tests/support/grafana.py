"""What Grafana makes of a dashboard's file: its panels, and the requests that these send to Prometheus.

A stand-in for the parts that decide what Prometheus is asked: the time of a panel, the choices made
at the top, and Grafana's own variables. As in Grafana 11 (PanelTimeRange, promlib's models/query.go).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "dashboards"
NAMES = ("plant", "inverter", "exporter")

Json = dict[str, Any]

#: Grafana's steps in ms, each with the longest time a point that is rounded to it.
_STEPS = (
    (1_500, 1_000), (3_500, 2_000), (7_500, 5_000), (12_500, 10_000), (17_500, 15_000),
    (25_000, 20_000), (45_000, 30_000), (90_000, 60_000), (210_000, 120_000), (450_000, 300_000),
    (750_000, 600_000), (1_050_000, 900_000), (1_500_000, 1_200_000), (2_700_000, 1_800_000),
    (5_400_000, 3_600_000), (9_000_000, 7_200_000), (16_200_000, 10_800_000),
    (32_400_000, 21_600_000), (86_400_000, 43_200_000), (604_800_000, 86_400_000),
)  # fmt: skip
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def load(name: str) -> Json:
    """A dashboard by the name of its file."""
    content: Json = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


def panels(dashboard: Json) -> list[Json]:
    """All panels, those in closed rows too; rows themselves are none."""
    every = (inner for outer in dashboard["panels"] for inner in (outer, *outer.get("panels", [])))
    return [panel for panel in every if panel["type"] != "row"]


def panel(dashboard: Json, title: str) -> Json:
    """The panel of that title."""
    (found,) = (panel for panel in panels(dashboard) if panel["title"] == title)
    return found


def seconds(duration: str) -> int:
    return int(duration[:-1]) * _UNITS[duration[-1]]


def escaped(value: str) -> str:
    """A chosen value in a regular expression in PromQL, as Grafana's data source writes it."""
    return re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", value.replace("\\", r"\\\\"))


@dataclass(frozen=True)
class Request:
    """A query as Prometheus gets it. `step` is None for the values of one instant, `end`."""

    expr: str
    start: float
    end: float
    step: int | None
    legend: str
    panel: str


@dataclass(frozen=True)
class Browser:
    """Somebody who looks at a dashboard: at a time in a zone, with choices at the top.

    `chosen`: values of a variable; one that is not there is "All". `texts`: what is in the boxes. `since`:
    the time picked at the top, instead of the dashboard's own.
    """

    now: datetime
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    scrape_interval: str = "15s"
    since: str | None = None
    pixels: int = 500

    def requests(self, dashboard: Json) -> Iterator[Request]:
        """Every request of a dashboard with all rows open."""
        for shown in panels(dashboard):
            yield from self.requests_of(dashboard, shown)

    def requests_of(self, dashboard: Json, shown: Json) -> Iterator[Request]:
        """The requests of a panel."""
        since = shown.get("timeFrom") or self.since or dashboard["time"]["from"]
        first, last = self._start(since).timestamp(), self.now.timestamp()
        milliseconds = round((last - first) * 1000)
        smallest = seconds(shown.get("interval") or self.scrape_interval)
        points = shown.get("maxDataPoints", self.pixels)
        step = max(smallest, _rounded(milliseconds / points))
        for target in shown["targets"]:
            expr = self._substituted(dashboard, target["expr"], milliseconds, step, smallest)
            yield Request(
                expr,
                first if target["instant"] else self._aligned(first, step),
                last if target["instant"] else self._aligned(last, step),
                None if target["instant"] else step,
                target["legendFormat"],
                shown["title"],
            )

    def _start(self, since: str) -> datetime:
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        floors = {
            "now/d": midnight,
            "now/M": midnight.replace(day=1),
            "now/y": midnight.replace(day=1, month=1),
        }
        if since in floors:
            return floors[since]
        return self.now - timedelta(seconds=seconds(since.removeprefix("now-")))

    def _aligned(self, time: float, step: int) -> float:
        offset = self.now.utcoffset()
        assert offset is not None
        ahead = offset.total_seconds()
        return (time + ahead) // step * step - ahead

    def _substituted(
        self, dashboard: Json, expr: str, milliseconds: int, step: int, smallest: int
    ) -> str:
        values = {
            "__interval": f"{step}s",
            "__rate_interval": f"{max(step + smallest, 4 * smallest)}s",
            "__range_ms": str(milliseconds),
            "__range_s": str(round(milliseconds / 1000)),
            "__range": f"{round(milliseconds / 1000)}s",
            **{v["name"]: self._value(v) for v in dashboard["templating"]["list"]},
        }
        return re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda m: values[m[1] or m[2]], expr)

    def _value(self, variable: Json) -> str:
        name = variable["name"]
        if variable["type"] == "textbox":
            return self.texts.get(name, variable["query"])
        chosen = [escaped(value) for value in self.chosen.get(name, ())]
        if not chosen:
            return str(variable.get("allValue", ".+"))
        return chosen[0] if len(chosen) == 1 else f"({'|'.join(chosen)})"


def _rounded(milliseconds: float) -> int:
    """Seconds of the step that Grafana takes for so long a time a point."""
    return next((step for most, step in _STEPS if milliseconds < most), 604_800_000) // 1000
