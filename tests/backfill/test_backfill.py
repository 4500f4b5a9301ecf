"""`sma_exporter backfill`: what a simulated device remembers becomes what its plant has done."""

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.backfills import BERLIN, GOLDEN, Pauses, at, backfill, golden, parsed, samples, wanted
from support.devices import NOON, count, sending

from sma_exporter.backfill.errors import HistoryUsageError
from sma_exporter.simulator import MODELS, Plant, Simulator, faults
from sma_exporter.simulator.faults import Fault
from sma_exporter.sma.history import HistoryError, Stopped
from sma_exporter.webconnect import SmaReadException

TIME_ZONE_KEY = "6800_08838D00"
Simulate = Callable[..., Simulator]

DAY = 86_400


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "roof.om"


@pytest.fixture
def hybrid(simulate: Simulate) -> Simulator:
    return simulate("stp-10-se", clock=lambda: NOON)


@pytest.fixture
def roof(simulate: Simulate) -> Simulator:
    return simulate("sb-3.6", clock=lambda: NOON)


def spoil(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Fault:
    """A device whose loggers have been through something."""

    def spoilt(reply: Any) -> Any:
        return {"result": {uid: change(found) for uid, found in reply["result"].items() if found}}

    return Fault(faults.mutate(spoilt), path="getLogger")


class TestFile:
    def test_golden(self, tmp_path: Path) -> None:
        assert golden(tmp_path) == GOLDEN.read_text(encoding="utf-8")

    @pytest.mark.parametrize("interval", ["1d", "5m"])
    @pytest.mark.parametrize("model", MODELS)
    def test_of_every_model_it_is_openmetrics_with_each_family_once(
        self, simulate: Simulate, path: Path, model: str, interval: str
    ) -> None:
        device = simulate(model, clock=lambda: NOON)

        text = backfill(device, wanted("2025-06-01", "2025-06-03", interval), path)

        families = [*parsed(text)]
        assert families
        assert len({family.name for family in families}) == len(families)
        for family in families:
            stamps = [sample.timestamp for sample in family.samples]
            assert all(a < b for a, b in pairwise(stamps))
            assert len(stamps) == (4 if interval == "1d" else 3 * 288 + 1)

    def test_it_ends_with_its_end(self, roof: Simulator, path: Path) -> None:
        text = backfill(roof, wanted("2025-06-01", "2025-06-03"), path)

        assert text.count("# EOF\n") == 1
        assert text.endswith("# EOF\n")

    def test_labels(self, roof: Simulator, path: Path) -> None:
        text = backfill(roof, wanted("2025-06-01", job="sma", instance='a"b'), path)

        assert {sample.series for sample in samples(text, "sma_yield")} == {
            r'sma_yield_joules_total{device="roof",instance="a\"b",job="sma"}'
        }

    @pytest.mark.parametrize("labels", [{"job": "sma"}, {"plant": "home"}])
    def test_without_the_labels_of_the_scrape_it_warns(
        self,
        roof: Simulator,
        path: Path,
        caplog: pytest.LogCaptureFixture,
        labels: dict[str, str],
    ) -> None:
        backfill(roof, wanted("2025-06-01", "2025-06-02", **labels), path)

        (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
        assert "instance" in warning.__dict__["missing"]


class TestTruth:
    """The plant's own totals, at the stamps that stand in the file."""

    def test_five_minute_readings(self, simulate: Simulate, path: Path) -> None:
        plant = Plant()
        unit = plant.unit("stp-10-se")
        device = simulate("stp-10-se", plant=plant, clock=lambda: NOON)

        text = backfill(device, wanted("2024-10-26", "2024-10-28", "5m"), path)

        truth: dict[str, Callable[[int], float]] = {
            "sma_yield_joules_total": lambda t: plant.at(t).delivered(unit),
            "sma_meter_export_joules_total": lambda t: plant.at(t).forward(plant.at(t).year.grid),
            "sma_meter_import_joules_total": lambda t: plant.at(t).backward(plant.at(t).year.grid),
        }
        for metric, total in truth.items():
            found = samples(text, metric)
            assert len(found) == 2 * 288 + 300 + 1  # the clock is put back by an hour
            for sample in found:
                assert sample.value / 3600 == pytest.approx(total(sample.stamp), abs=1.0)

    def test_a_battery(self, hybrid: Simulator, path: Path) -> None:
        text = backfill(hybrid, wanted("2025-06-01", "2025-06-02", "5m"), path)

        charge = samples(text, "sma_battery_state_of_charge_ratio")
        assert all(0.05 <= sample.value <= 1 for sample in charge)
        assert max(sample.value for sample in charge) > 0.5
        for metric in ("sma_battery_charge_joules_total", "sma_battery_discharge_joules_total"):
            values = [sample.value for sample in samples(text, metric)]
            assert values[0] < values[-1]
            assert all(a <= b for a, b in pairwise(values))

    def test_daily_stamps_are_the_devices(self, roof: Simulator, path: Path) -> None:
        text = backfill(roof, wanted("2025-03-28", "2025-04-01"), path)

        stamps = [datetime.fromtimestamp(s.stamp, BERLIN) for s in samples(text, "sma_yield")]
        assert [stamp.isoformat() for stamp in stamps] == [
            "2025-03-28T00:00:00+01:00",
            "2025-03-29T00:00:00+01:00",
            "2025-03-30T00:00:00+01:00",
            "2025-03-31T00:00:00+02:00",
            "2025-04-01T00:00:00+02:00",
            "2025-04-02T00:00:00+02:00",
        ]

    @pytest.mark.parametrize("off", [-3000, 1700])
    def test_also_when_they_are_off(self, roof: Simulator, path: Path, off: int) -> None:
        roof.faults.add(spoil(lambda found: [{"t": e["t"] + off, "v": e["v"]} for e in found]))

        text = backfill(roof, wanted("2025-03-28", "2025-03-29"), path)

        stamps = [sample.stamp for sample in samples(text, "sma_yield")]
        assert stamps == [at(f"2025-03-{day}T00:00") + off for day in (28, 29, 30)]

    def test_gaps_stay_gaps(self, simulate: Simulate, path: Path) -> None:
        device = simulate("sb-3.6", night_gaps=True, clock=lambda: NOON)

        text = backfill(device, wanted("2025-06-01", "2025-06-02", "5m"), path)

        stamps = [sample.stamp for sample in samples(text, "sma_yield")]
        assert 300 < len(stamps) < 2 * 288
        assert max(b - a for a, b in pairwise(stamps)) > 3600

    def test_nothing_of_the_last_three_hours(self, roof: Simulator, path: Path) -> None:
        text = backfill(roof, wanted("2025-06-13", None, "5m"), path)

        latest = max(sample.stamp for sample in samples(text))
        assert NOON - 3 * 3600 - 300 <= latest <= NOON - 3 * 3600

    def test_not_even_the_last_midnight(self, simulate: Simulate, path: Path) -> None:
        early = at("2025-06-14T02:30")
        device = simulate("sb-3.6", clock=lambda: early)

        text = backfill(device, wanted("2025-06-10"), path, now=early)

        assert samples(text, "sma_yield")[-1].stamp == at("2025-06-13T00:00")


class TestTimeZone:
    def first(self, text: str) -> int:
        return samples(text, "sma_yield")[0].stamp

    def test_the_devices(self, roof: Simulator, path: Path) -> None:
        text = backfill(roof, wanted("2025-06-01", "2025-06-01", "5m"), path)

        assert self.first(text) == at("2025-06-01T00:00")

    def test_a_given_one(self, roof: Simulator, path: Path) -> None:
        text = backfill(roof, wanted("2025-06-01", "2025-06-01", "5m", zone="Asia/Tokyo"), path)

        assert self.first(text) == at("2025-05-31T17:00")

    def test_it_is_said(
        self, roof: Simulator, path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)

        backfill(roof, wanted("2025-06-01", "2025-06-02"), path)

        (said,) = [r for r in caplog.records if r.getMessage() == "asking for the history"]
        assert said.__dict__["time_zone"] == "Europe/Berlin (the device's)"

    def test_none_is_an_error_that_asks(self, roof: Simulator, path: Path) -> None:
        unknown = sending({TIME_ZONE_KEY: [{"tag": 9499}]})
        roof.faults.add(Fault(faults.mutate(unknown), path="getValues"))

        with pytest.raises(HistoryUsageError, match="--timezone"):
            backfill(roof, wanted("2025-06-01"), path)

        assert roof.sessions == 0
        assert not path.exists()


class TestLoggers:
    def metrics(self, text: str) -> list[str]:
        return list(dict.fromkeys(sample.series.partition("{")[0] for sample in samples(text)))

    def test_daily_ones_by_default(self, hybrid: Simulator, path: Path) -> None:
        text = backfill(hybrid, wanted("2025-06-01", "2025-06-03"), path)

        assert self.metrics(text) == [
            "sma_yield_joules_total",
            "sma_meter_export_joules_total",
            "sma_meter_import_joules_total",
            "sma_absorbed_joules_total",
        ]

    def test_every_five_minutes(self, hybrid: Simulator, path: Path) -> None:
        text = backfill(hybrid, wanted("2025-06-01", "2025-06-01", "5m"), path)

        assert self.metrics(text) == [
            "sma_yield_joules_total",
            "sma_pv_generation_joules_total",
            "sma_meter_export_joules_total",
            "sma_meter_import_joules_total",
            "sma_battery_state_of_charge_ratio",
            "sma_battery_charge_joules_total",
            "sma_battery_discharge_joules_total",
            "sma_absorbed_joules_total",
        ]

    def test_a_hybrid_without_a_battery_has_no_history_of_one(
        self, simulate: Simulate, path: Path
    ) -> None:
        device = simulate("stp-10-se", battery=False, clock=lambda: NOON)

        text = backfill(device, wanted("2025-06-01", "2025-06-01", "5m"), path)

        assert not any(metric.startswith("sma_battery") for metric in self.metrics(text))

    def test_what_is_passed_over_is_said(
        self, hybrid: Simulator, path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)

        backfill(hybrid, wanted("2025-06-01", "2025-06-01"), path)

        said = {
            record.__dict__["series"]: record.__dict__["why"]
            for record in caplog.records
            if "no history of" in record.getMessage()
        }
        assert said.keys() == {"29056", "29328", "29344", "29360"}
        assert "--interval 5m" in said["29344"]
        assert "installer" in said["29328"]

    def test_no_year_of_five_minute_entries_is_ever_asked_for(
        self, hybrid: Simulator, path: Path
    ) -> None:
        largest: defaultdict[str, int] = defaultdict(int)

        def measure(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
            largest["entries"] = max(largest["entries"], len(found))
            return found

        hybrid.faults.add(spoil(measure))
        backfill(hybrid, wanted("2015-01-01"), path)
        backfill(hybrid, wanted("2025-05-01", None, "5m"), path.with_suffix(".5m"))

        assert 300 < largest["entries"] <= 367

    def test_a_device_without_any_is_an_error(self, roof: Simulator, path: Path) -> None:
        roof.faults.add(Fault(faults.mutate(lambda _: {"result": {}}), path="getLogger"))

        with pytest.raises(HistoryError, match="keeps nothing for this interval"):
            backfill(roof, wanted("2025-06-01"), path)

        assert not path.exists()
        assert roof.sessions == 0


class TestResume:
    ORDER = wanted("2025-06-01", "2025-06-05", "5m")

    def test_after_a_failure_that_lasted(self, hybrid: Simulator, path: Path) -> None:
        whole = backfill(hybrid, self.ORDER, path.with_suffix(".whole"))
        answers = iter(range(25))

        def fail_later(reply: Any) -> Any:
            return reply if next(answers, None) is not None else b"<html></html>"

        hybrid.faults.add(Fault(faults.mutate(fail_later), path="getLogger"))
        with pytest.raises(SmaReadException):
            backfill(hybrid, self.ORDER, path)
        cut = path.read_text(encoding="utf-8")
        hybrid.faults.clear()
        hybrid.reset_counts()

        assert 0 < len(cut) < len(whole)
        assert whole.startswith(cut)
        assert backfill(hybrid, self.ORDER, path, resume=True) == whole
        # Each logger's last day, and of the eight that are kept the days that had not come.
        assert count(hybrid)["getLogger"] == 9 + (8 * 5 - (25 - 9))

    @pytest.mark.parametrize("calls", range(8, 43, 5))
    def test_after_a_stop_at_any_time(self, hybrid: Simulator, path: Path, calls: int) -> None:
        whole = backfill(hybrid, self.ORDER, path.with_suffix(".whole"))

        with pytest.raises(Stopped):
            backfill(hybrid, self.ORDER, path, wait=Pauses(calls))

        assert hybrid.sessions == 0
        assert backfill(hybrid, self.ORDER, path, resume=True) == whole

    def test_a_complete_file_asks_the_device_nothing(self, roof: Simulator, path: Path) -> None:
        whole = backfill(roof, self.ORDER, path)
        roof.reset_counts()

        assert backfill(roof, self.ORDER, path, resume=True) == whole
        assert roof.requests == []

    @pytest.mark.parametrize(
        "other",
        [
            wanted("2025-06-02", "2025-06-05", "5m"),
            wanted("2025-06-01", "2025-06-05", "1d"),
            wanted("2025-06-01", "2025-06-05", "5m", zone="Asia/Tokyo"),
            wanted("2025-06-01", "2025-06-05", "5m", job="other", instance="roof"),
        ],
        ids=["from", "interval", "time zone", "labels"],
    )
    def test_a_file_that_was_written_for_something_else_is_not_touched(
        self, roof: Simulator, path: Path, other: Any
    ) -> None:
        with pytest.raises(Stopped):
            backfill(roof, self.ORDER, path, wait=Pauses(12))
        before = path.read_text(encoding="utf-8")

        with pytest.raises(HistoryUsageError, match="was written for another"):
            backfill(roof, other, path, resume=True)
        with pytest.raises(HistoryUsageError, match="was written for another"):
            backfill(roof, self.ORDER, path, resume=True, name="garage")

        assert path.read_text(encoding="utf-8") == before

    def test_a_later_end_is_no_hindrance(self, roof: Simulator, path: Path) -> None:
        with pytest.raises(Stopped):
            backfill(roof, wanted("2025-06-01", None, "5m"), path, now=NOON - DAY, wait=Pauses(12))

        text = backfill(roof, wanted("2025-06-01", None, "5m"), path, resume=True)

        assert samples(text)[-1].stamp > NOON - DAY
        assert [*parsed(text)]

    def test_a_reset_not_yet_accepted_is_the_same_as_without_a_pause(
        self, roof: Simulator, path: Path
    ) -> None:
        """The device's total falls to 0 in the first night and counts anew."""
        night = at("2025-06-02T01:00")
        base: dict[int, int] = {}

        def reset(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
            after = [e for e in found if e["t"] >= night]
            for entry in after:
                entry["v"] = (entry["v"] - 70_000) // 2
            base.update({e["t"]: e["v"] for e in after})
            return found

        roof.faults.add(spoil(reset))
        whole = backfill(roof, self.ORDER, path.with_suffix(".whole"))
        values = [sample.value for sample in samples(whole, "sma_yield")]
        assert sum(b < a for a, b in pairwise(values)) == 1  # accepted after a day

        for calls in (6, 7, 8):
            with pytest.raises(Stopped):
                backfill(roof, self.ORDER, path, wait=Pauses(calls))
            assert backfill(roof, self.ORDER, path, resume=True) == whole
            path.unlink()
