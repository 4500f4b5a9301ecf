"""A history of any protocol: `backfill` needs nothing but the seam."""

from contextlib import closing
from pathlib import Path

import pytest
from support.backfills import at, samples, wanted
from support.devices import NOON

from sma_exporter import backfill as history
from sma_exporter import config
from sma_exporter.sma.history import (
    DAY,
    Entry,
    HistoryDevice,
    HistoryError,
    HistorySeries,
    SeriesState,
)
from sma_exporter.sma.source import Identity


class Toy:
    """A device that has kept two series of days in its memory."""

    noun = "channel"
    series = (
        HistorySeries("yield", "total yield", DAY, "total_yield"),
        HistorySeries("battery.charge", "battery state of charge", DAY, "battery_soc_total"),
        HistorySeries("wind", "wind of the day", DAY),
    )

    def __init__(self) -> None:
        days = [at("2025-06-01T00:00") + n * DAY for n in range(3)]
        self.kept: dict[str, list[Entry]] = {
            "yield": [*zip(days, (3600, 7200, 10800), strict=True)],
            "battery.charge": [*zip(days, (0.5, 0.25, 1), strict=True)],
        }

    def describe(self) -> HistoryDevice:
        return HistoryDevice(
            Identity(serial="3007400001"), 5000.0, "Europe/Berlin", has_battery=True
        )

    def probe(self, series: HistorySeries, now: float) -> SeriesState:
        if series.key not in self.kept:
            return SeriesState(why_not="not kept")
        return SeriesState(DAY, self.kept[series.key][-1][0])

    def entries(self, series: HistorySeries, start: int, end: int) -> list[Entry]:
        return [entry for entry in self.kept[series.key] if start <= entry[0] <= end]


def toy(serial: str = "") -> config.DeviceSettings:
    return config.DeviceSettings(name="toy", url="http://192.0.2.1", serial=serial)


def written(path: Path, settings: config.DeviceSettings) -> str:
    with closing(history.output(path, resume=False)) as output:
        order = wanted("2025-06-01", "2025-06-02")
        history.backfill(Toy(), settings, order, output, now=NOON)
    return path.read_text(encoding="utf-8")


def test_two_series_of_a_toy(tmp_path: Path) -> None:
    first, second, third = (at(f"2025-06-0{day}T00:00") for day in (1, 2, 3))
    text = written(tmp_path / "toy.om", toy())
    lines = [line for line in text.splitlines() if line[0] != "#"]

    labels = '{device="toy",instance="roof",job="sma"}'
    assert lines == [
        f"sma_yield_joules_total{labels} 3600 {first}",
        f"sma_yield_joules_total{labels} 7200 {second}",
        f"sma_yield_joules_total{labels} 10800 {third}",
        f"sma_battery_state_of_charge_ratio{labels} 0.5 {first}",
        f"sma_battery_state_of_charge_ratio{labels} 0.25 {second}",
        f"sma_battery_state_of_charge_ratio{labels} 1 {third}",
    ]
    assert "Channel battery.charge from 2025-06-01T00:00:00+02:00 on.\n" in text


def test_the_list_of_a_toy() -> None:
    lines = "\n".join(history.listing(Toy(), toy(), None, now=NOON)).splitlines()

    assert lines == [
        "toy: time zone Europe/Berlin (the device's)",
        "",
        "channel        every  first entry       last entry        metric, or what it keeps",
        "yield          1 day  2025-06-01 00:00  2025-06-03 00:00  sma_yield_joules_total",
        "battery.charge 1 day  2025-06-01 00:00  2025-06-03 00:00  sma_battery_state_of_charge_ratio",
        "",
        "not kept: wind",
    ]


def test_another_device_than_the_configured_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "toy.om"

    with pytest.raises(HistoryError, match="serial number 3007400001, configured is 3001234567"):
        written(path, toy("3001234567"))

    assert not path.exists()


def test_nor_is_its_history_listed() -> None:
    with pytest.raises(HistoryError, match="serial number 3007400001, configured is 3001234567"):
        next(history.listing(Toy(), toy("3001234567"), None, now=NOON))


GARBAGE = 8_092_788_451_938_808_000 * 3600


def yields(path: Path, *values: int) -> list[float]:
    """What is written of a total that read like this day by day."""
    source = Toy()
    source.kept["yield"] = [
        (at("2025-06-01T00:00") + day * DAY, value) for day, value in enumerate(values)
    ]
    with closing(history.output(path, resume=path.exists())) as output:
        order = wanted("2025-06-01", "2025-06-10")
        history.backfill(source, toy(), order, output, now=NOON)
    return [sample.value for sample in samples(path.read_text("utf-8"), "sma_yield")]


def test_a_first_reading_that_cannot_be_is_left_out_and_what_follows_written(
    tmp_path: Path,
) -> None:
    assert yields(tmp_path / "toy.om", GARBAGE, 3600, 7200) == [3600, 7200]
    assert yields(tmp_path / "bad.om", *[GARBAGE] * 5, 3600, GARBAGE, 7200) == [3600, 7200]


def test_a_file_that_holds_what_cannot_be_is_continued_with_what_can(tmp_path: Path) -> None:
    path = tmp_path / "toy.om"
    yields(path, 3600)
    begun, _, _ = path.read_text("utf-8").partition("sma_yield_joules_total{")
    stamp = at("2025-06-01T00:00")
    labels = 'device="toy",instance="roof",job="sma"'
    last = f"sma_yield_joules_total{{{labels}}} {GARBAGE} {stamp}\n"
    path.write_text(begun + last, "utf-8")

    assert yields(path, GARBAGE, 3600, 7200) == [float(GARBAGE), 3600, 7200]
