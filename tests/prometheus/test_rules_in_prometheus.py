"""The rules on real Prometheis: over what was scraped, over what was back-filled, and beside --demo."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from real_prometheus import Prometheus, prometheus
from support.programs import exporter
from support.prometheus_tools import VERSIONS, Tools, tools
from support.rules import FOLDER, inlined, recorded
from support.simulated_history import (
    PastDevice,
    Sample,
    Series,
    by_discovery,
    by_metrics,
    device,
    scraped,
)

from sma_exporter.simulator.localtime import midnights
from sma_exporter.simulator.plant import KNOWN_UNITS, Plant

DAY, HOUR, FIVE_MINUTES = 86_400, 3600, 300
MODELS = {"hybrid": "stp-10-se", "roof": "stp-10", "garage": "sb-3.6", "barn": "stp-x-15"}
HOME = Plant(units=tuple(unit for unit in KNOWN_UNITS if unit.name in MODELS.values()))

#: A midnight in spring, with days of all weathers before it.
MAY = datetime(2026, 5, 8, tzinfo=UTC).timestamp()

#: Totals as `sma_exporter backfill` writes them, without anything about device or meter. (Whether devices
#: keep those of PV and battery day by day is not known.)
TOTALS = {
    f"sma_{name}_joules_total"
    for name in ("yield", "pv_generation", "battery_charge", "battery_discharge")
} | {"sma_meter_import_joules_total", "sma_meter_export_joules_total"}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Tools:
    return tools(request.param)


def devices(home: Plant) -> list[PastDevice]:
    """A hybrid, a roof, a garage that is off at night, and a barn whose inverter has ennexOS."""
    return [
        device(name, model, home, plant="home", off_at_night=name == "garage")
        for name, model in MODELS.items()
    ]


def kept_by_devices(home: Plant, moment: float) -> Iterator[tuple[float, Sample]]:
    """Yield what backfill writes: a device that was off remembers all the same."""
    awake = [replace(each, off_at_night=False) for each in devices(home)]
    for sample in scraped(awake, moment, by_metrics("daily")):
        if sample.series[0] in TOTALS:
            yield moment, sample


def energies(home: Plant, begin: float, end: float) -> dict[str, float]:
    """What flowed between two times, in joules, from the plant's own flows rather than from any counter."""
    first, last = home.at(begin), home.at(end)
    year = last.year

    def pv(name: str) -> float:
        unit = home.unit(name)
        return unit.generated(*last.sunshine()) - unit.generated(*first.sunshine())

    watt_hours = {
        "pv": sum(pv(unit.name) for unit in home.units),
        "charge": last.forward(year.battery) - first.forward(year.battery),
        "discharge": last.backward(year.battery) - first.backward(year.battery),
        "export": last.forward(year.grid) - first.forward(year.grid),
        "import": last.backward(year.grid) - first.backward(year.grid),
        # What the hybrid takes for itself counts as consumption.
        "house": last.forward(year.load)
        - first.forward(year.load)
        + sum(unit.standby for unit in home.units) * (end - begin) / HOUR,
        **{unit.name: pv(unit.name) for unit in home.units},
    }
    return {name: 3600 * value for name, value in watt_hours.items()}


# --- blocks ---


def openmetrics(samples: Iterable[tuple[float, Sample]]) -> str:
    """Samples in the order of their times, as promtool wants them: series by series."""
    rows: dict[Series, list[str]] = defaultdict(list)
    for moment, ((name, labels), value) in samples:
        written = ",".join(f'{label}="{text}"' for label, text in labels)
        rows[name, labels].append(f"{name}{{{written}}} {value!r} {moment}\n")
    return "".join(line for _, lines in sorted(rows.items()) for line in lines) + "# EOF\n"


@contextmanager
def holding(
    samples: Iterable[tuple[float, Sample]], folder: Path, version: Tools, **rules: object
) -> Iterator[Prometheus]:
    """Start a server that has had these samples before."""
    path = folder / "past.om"
    path.write_text(openmetrics(samples), encoding="utf-8")
    version.run(
        *("tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=8760h"),
        *(path, folder / "data"),
    )
    keep = "--storage.tsdb.retention.time=100y"
    with prometheus(dict(rules), folder, keep, command=version.prometheus) as server:
        yield server


WITH_RULES: dict[str, Any] = {
    "global": {"evaluation_interval": "1s"},
    "rule_files": [str(FOLDER / "*.yml")],
}


def by(label: str, found: Iterable[tuple[dict[str, str], float]]) -> dict[str, float]:
    return {labels[label]: value for labels, value in found}


# --- what the server records ---


def test_it_records_the_same_day_however_the_home_was_scraped(
    tmp_path: Path, version: Tools
) -> None:
    """Two days until now, half an hour past midnight: by /metrics, by /sd, and back-filled day by day."""
    now = int(time.time())
    midnight = now - 1800
    home = replace(HOME, solar_offset=MAY - midnight)
    ways = by_metrics("metrics"), by_discovery("sd", "home")

    def samples() -> Iterator[tuple[float, Sample]]:
        for moment in (*range(now - 49 * HOUR, now, FIVE_MINUTES), now):
            yield from ((moment, sample) for sample in scraped(devices(home), moment, *ways))
        for day in (3, 2, 1, 0):
            yield from kept_by_devices(home, midnight - day * DAY)

    truth = energies(home, midnight - DAY, midnight)
    expected = {
        "plant:sma_pv_joules:delta1d": truth["pv"],
        "plant:sma_battery_charge_joules:delta1d": truth["charge"],
        "plant:sma_battery_discharge_joules:delta1d": truth["discharge"],
        "plant:sma_meter_import_joules:delta1d": truth["import"],
        "plant:sma_meter_export_joules:delta1d": truth["export"],
        "plant:sma_house_joules:delta1d": truth["house"],
        "plant:sma_autarky:ratio_delta1d": 1 - truth["import"] / truth["house"],
        "plant:sma_self_consumption:ratio_delta1d": 1 - truth["export"] / truth["pv"],
    }
    specific = truth["pv"] / sum(unit.rated for unit in home.units)

    with holding(samples(), tmp_path, version, **WITH_RULES) as server:
        server.wait_for(lambda s: len(s.query("plant:sma_self_consumption:ratio_delta1d")) == 3)
        for name, value in expected.items():
            everywhere = dict.fromkeys(("metrics", "sd", "daily"), value)
            assert by("job", server.query(name)) == pytest.approx(everywhere, rel=0.02), name
        # What backfill writes says nothing of the rated power.
        found = server.query("plant:sma_pv_joules_per_rated_watts:ratio_delta1d")
        assert by("job", found) == pytest.approx({"metrics": specific, "sd": specific}, rel=0.02)
        series = server.series('{__name__=~".+:sma_.+"}')
        assert_healthy(server)
    assert same_series(series, "metrics") == same_series(series, "sd")
    assert {labels["plant"] for labels in series if labels["job"] == "sd"} == {"home"}


def test_days_of_the_past_are_right_and_add_up(tmp_path: Path, version: Tools) -> None:
    """Four hundred days of one reading each, at the device's midnights; the clocks change twice."""
    stamps = [*midnights(MAY - 401 * DAY, MAY)]
    samples = (pair for stamp in stamps for pair in kept_by_devices(HOME, stamp))
    noons = [stamp + 12 * HOUR for stamp in stamps[1:]]

    with holding(samples, tmp_path, version) as server:

        def days(name: str) -> dict[str, list[float]]:
            """The values at all noons, of the day before each."""
            query = inlined(name, recorded())
            span = {"start": noons[0], "end": noons[-1], "step": DAY}
            found = server.get("query_range", query=query, **span)["result"]
            return {
                row["metric"].get("device", ""): [float(value) for _, value in row["values"]]
                for row in found
            }

        by_device = days("device:sma_pv_joules:delta1d")
        house, autarky = (
            days("plant:sma_house_joules:delta1d"),
            days("plant:sma_autarky:ratio_delta1d"),
        )
        at_midnights = [
            server.query(inlined("plant:sma_pv_joules:delta1d", recorded()), at=stamp)[0][1]
            for stamp in stamps[-31:]
        ]
    for name, model in MODELS.items():
        truth = energies(HOME, stamps[0], stamps[-1])[model]
        assert len(by_device[name]) == 400
        assert sum(by_device[name]) == pytest.approx(truth, abs=2 * 3600)
    truths = [energies(HOME, begin, end) for begin, end in pairwise(stamps)]
    assert house[""] == pytest.approx([truth["house"] for truth in truths], rel=0.02)
    assert autarky[""] == pytest.approx(
        [1 - truth["import"] / truth["house"] for truth in truths], abs=0.01
    )
    assert at_midnights == pytest.approx([truth["pv"] for truth in truths[-31:]], rel=0.001)


def same_series(found: list[dict[str, str]], job: str) -> set[frozenset[tuple[str, str]]]:
    """The series of a job, without it and without the instance."""
    return {
        frozenset((n, v) for n, v in labels.items() if n not in {"job", "instance"})
        for labels in found
        if labels["job"] == job
    }


def assert_healthy(server: Prometheus) -> None:
    """No rule failed, and no alert is on its way."""
    groups = server.get("rules")["groups"]
    failures = {
        rule["name"]: rule["lastError"]
        for group in groups
        for rule in group["rules"]
        if rule["health"] == "err"
    }
    assert failures == {}
    assert server.get("alerts")["alerts"] == []


# --- beside the demonstration ---


def test_beside_the_demonstration(tmp_path: Path, version: Tools) -> None:
    """Scraped both ways at once, which costs the simulated devices one read."""
    with exporter("--demo") as (url, _):
        configuration = {
            **WITH_RULES,
            "global": {"scrape_interval": "1s", **WITH_RULES["global"]},
            "scrape_configs": [
                {
                    "job_name": "metrics",
                    "static_configs": [{"targets": [url.removeprefix("http://")]}],
                },
                {
                    "job_name": "sd",
                    "http_sd_configs": [{"url": f"{url}/sd", "refresh_interval": "1s"}],
                },
            ],
        }
        with prometheus(configuration, tmp_path, command=version.prometheus) as server:
            server.wait_for(lambda s: len(s.query("plant:sma_self_consumption:ratio")) == 2)
            for one, other in SAME_NOW.items():
                server.wait_for(partial(agree, one, other))
            days = server.query('{__name__=~".+delta1d"}')
            server.wait_for(lambda s: not s.get("alerts")["alerts"])
            assert_healthy(server)
    assert days == []


#: Queries that say the same: one meter counts once, however many inverters report it.
SAME_NOW = {
    "plant:sma_pv_power_watts:sum": "sum by (job) (sma_pv_power_watts)",
    "plant:sma_meter_import_power_watts:sum": "max by (job) (sma_meter_import_power_watts)",
    "plant:sma_house_power_watts:sum": (
        "group by (job) (sma_up) * on () group_left () avg(plant:sma_house_power_watts:sum)"
    ),
}


def agree(one: str, other: str, server: Prometheus) -> bool:
    """Whether two queries give the same for both jobs, or nearly: devices are read one after the other."""
    first, second = (by("job", server.query(query)) for query in (one, other))
    return len(first) == 2 and first == pytest.approx(second, rel=0.03, abs=20)
