"""Data loggers: what a device says of its history, in one session, and never a login too many."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from support.backfills import Pauses, at
from support.devices import NOON, PASSWORD, calls, count, sending, settings, visitor

from sma_exporter.devices.protocols import PROTOCOLS
from sma_exporter.simulator import Simulator, faults
from sma_exporter.simulator.faults import Fault
from sma_exporter.sma.history import (
    DAY,
    FIVE_MINUTES,
    PAUSES,
    HistoryError,
    HistorySeries,
    HistorySource,
    SeriesState,
    Stopped,
)
from sma_exporter.webconnect import (
    LOGGERS,
    SMA,
    SmaAuthenticationException,
    SmaConnectionException,
    SmaReadException,
    SmaSessionLimitException,
    make_session,
)
from sma_exporter.webconnect.client import LogEntry
from sma_exporter.webconnect.data_logger import DataLoggerSource, readings

Simulate = Callable[..., Simulator]
BY_KEY = {series.key: series for series in DataLoggerSource.series}
YIELD, DAILY, CHARGED = BY_KEY["28672"], BY_KEY["28704"], BY_KEY["29344"]
TIME_ZONE_KEY = "6800_08838D00"
HOUR = (int(NOON) - 7200, int(NOON) - 3600)


@pytest.fixture
def device(simulate: Simulate) -> Simulator:
    return simulate("stp-10-se", clock=lambda: NOON)


@contextmanager
def source(
    simulator: Simulator, wait: Callable[[float], bool] | None = None, **keys: Any
) -> Iterator[HistorySource]:
    open_history = PROTOCOLS["webconnect"].history
    with open_history(settings(simulator, **keys), wait or Pauses(), None) as opened:
        yield opened


class TestReadings:
    def test_they_are_put_in_order(self) -> None:
        entries: list[LogEntry] = [{"t": 600, "v": 2}, {"t": 300, "v": 1}]

        assert readings(entries, 0, 900) == [(300, 1), (600, 2)]

    def test_whole_numbers_may_be_written_as_floats(self) -> None:
        (entry,) = readings([{"t": 300.0, "v": 7.0}], 0, 900)

        assert entry == (300, 7)
        assert [*map(type, entry)] == [int, int]

    @pytest.mark.parametrize(
        "entry",
        [
            {"t": 300, "v": None},
            {"t": 300},
            {"v": 1},
            {"t": None, "v": 1},
            {"t": "300", "v": 1},
            {"t": True, "v": 1},
            {"t": 300.5, "v": 1},
            {"t": 300, "v": "1"},
            {"t": 300, "v": True},
            {"t": 300, "v": [{"tag": 307}]},
            {"t": 300, "v": 0xFFFF_FFFF},
            {"t": 300, "v": float("nan")},
            {"t": 99, "v": 1},
            {"t": 901, "v": 1},
            None,
            [],
            "300",
        ],
    )
    def test_what_is_no_reading_is_left_out(self, entry: Any) -> None:
        assert readings([entry, {"t": 900, "v": 0}], 100, 900) == [(900, 0)]


class TestDescription:
    def test_of_a_hybrid(self, device: Simulator) -> None:
        with source(device) as asked:
            found = asked.describe()

        assert (found.rated, found.zone, found.has_battery) == (10_000.0, "Europe/Berlin", True)
        assert found.identity.serial == str(device.serial)

    def test_of_one_without_a_battery(self, simulate: Simulate) -> None:
        with source(simulate("stp-10-se", battery=False, clock=lambda: NOON)) as asked:
            assert not asked.describe().has_battery

    def test_of_a_meter(self, simulate: Simulate) -> None:
        with source(simulate("emeter-20", clock=lambda: NOON)) as asked:
            found = asked.describe()

        assert (found.rated, found.zone, found.has_battery) == (None, "Europe/Berlin", False)

    def test_a_device_on_automatic_time_tells_no_zone(self, device: Simulator) -> None:
        automatic = sending({TIME_ZONE_KEY: [{"tag": 9499}]})
        device.faults.add(Fault(faults.mutate(automatic), path="getValues"))

        with source(device) as asked:
            assert asked.describe().zone is None


class TestSession:
    def test_one_login_and_a_logout(self, device: Simulator) -> None:
        with source(device) as asked:
            asked.describe()
            asked.entries(YIELD, *HOUR)
            assert device.sessions == 1

        assert (device.logins, device.logouts, device.sessions) == (1, 1, 0)

    def test_without_a_password_nothing_is_asked(self, device: Simulator) -> None:
        with pytest.raises(HistoryError, match="password"), source(device, password=None):
            pass

        assert calls(device) == []

    def test_an_expired_session_is_renewed(self, device: Simulator) -> None:
        with source(device) as asked:
            asked.describe()
            device.expire_sessions()
            assert len(asked.entries(YIELD, *HOUR)) == 13

        assert (device.logins, device.sessions) == (2, 0)

    def test_a_full_device_ends_it_at_once(self, simulate: Simulate) -> None:
        full = simulate("sb-3.6", max_sessions=1)
        visitor(full)
        pauses = Pauses()

        with (
            source(full, pauses) as asked,
            pytest.raises(SmaSessionLimitException, match="no free session"),
        ):
            asked.describe()

        assert count(full)["login"] == 2
        assert pauses.seconds == []

    def test_so_it_does_when_the_session_was_lost_on_the_way(self, simulate: Simulate) -> None:
        device = simulate("sb-3.6", max_sessions=1, clock=lambda: NOON)
        pauses = Pauses()

        with source(device, pauses) as asked:
            asked.describe()
            device.expire_sessions()
            visitor(device)
            with pytest.raises(SmaSessionLimitException):
                asked.entries(YIELD, *HOUR)

        assert pauses.seconds == []

    def test_a_refused_password_is_not_tried_again(self, device: Simulator) -> None:
        with (
            source(device, password="Cloudy-5678") as asked,
            pytest.raises(SmaAuthenticationException),
        ):
            asked.describe()

        assert device.login_attempts == 1

    def test_a_login_without_an_answer_is_repeated_after_the_pause_that_it_calls_for(
        self, device: Simulator
    ) -> None:
        pauses = Pauses()
        with source(device, pauses) as asked:
            asked.describe()
            device.expire_sessions()
            device.faults.add(Fault(faults.drop_after(), path="login", times=3))
            assert len(asked.entries(YIELD, *HOUR)) == 13

        assert pauses.seconds == [10.0, 20.0, 40.0]
        assert device.login_attempts == 1 + 3 + 1

    def test_the_password_is_nowhere(
        self, device: Simulator, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        device.faults.add(Fault(faults.drop(), path="getLogger", times=3))

        with source(device) as asked:
            asked.describe()
            asked.entries(YIELD, *HOUR)

        assert caplog.records
        assert not [record for record in caplog.records if PASSWORD in str(record.__dict__)]


class TestRepeats:
    @pytest.mark.parametrize(
        "fault",
        [
            faults.drop(),
            faults.truncate(0.5),
            faults.status(500),
            faults.error(404),
            faults.body(b"<html></html>"),
            faults.body(b'{"result":'),
        ],
    )
    def test_a_request_that_fails_is_repeated(self, device: Simulator, fault: Any) -> None:
        pauses = Pauses()
        with source(device, pauses) as asked:
            asked.describe()
            device.faults.add(Fault(fault, path="getLogger", times=4))

            assert len(asked.entries(YIELD, *HOUR)) == 13

        assert pauses.seconds
        assert pauses.seconds == [*PAUSES[: len(pauses.seconds)]]
        assert device.logins == 1

    def test_but_not_for_ever(self, device: Simulator) -> None:
        pauses = Pauses()
        with source(device, pauses) as asked:
            asked.describe()
            device.faults.add(Fault(faults.status(500), path="getLogger"))
            with pytest.raises(SmaReadException, match="HTTP 500"):
                asked.entries(YIELD, *HOUR)

        assert pauses.seconds == [*PAUSES]
        assert count(device)["getLogger"] == len(PAUSES) + 1
        assert device.sessions == 0

    def test_a_device_that_went_away(self, device: Simulator) -> None:
        with source(device) as asked:
            asked.describe()
            device.stop()
            with pytest.raises(SmaConnectionException, match="refuses"):
                asked.entries(YIELD, *HOUR)

    def test_and_came_back(self, device: Simulator) -> None:
        def back_after_a_while(seconds: float) -> bool:
            if seconds >= 10:
                device.start()
            return False

        with source(device, back_after_a_while) as asked:
            asked.describe()
            device.stop()
            assert len(asked.entries(YIELD, *HOUR)) == 13

    def test_the_first_contact_is_not_repeated(self, device: Simulator) -> None:
        device.stop()
        pauses = Pauses()

        with source(device, pauses) as asked, pytest.raises(SmaConnectionException):
            asked.describe()

        assert pauses.seconds == []

    def test_each_request_may_take_longer_than_a_read_of_values(self, device: Simulator) -> None:
        device.faults.add(Fault(faults.delay(0.3), path="getLogger", times=1))

        with source(device, timeout=0.1) as asked:
            assert len(asked.entries(YIELD, *HOUR)) == 13

    def test_it_stops_between_two_requests(self, device: Simulator) -> None:
        with source(device, Pauses(calls=2)) as asked:
            asked.entries(YIELD, *HOUR)
            asked.entries(YIELD, *HOUR)
            with pytest.raises(Stopped):
                asked.entries(YIELD, *HOUR)

        assert count(device)["getLogger"] == 2
        assert device.sessions == 0

    def test_it_stops_in_a_pause(self, device: Simulator) -> None:
        device.faults.add(Fault(faults.status(500), path="getLogger"))

        with source(device, lambda seconds: seconds > 0) as asked, pytest.raises(Stopped):
            asked.entries(YIELD, *HOUR)

        assert count(device)["getLogger"] == 1
        assert device.sessions == 0


def kept_at(*stamps: int) -> Any:
    """A fault: every logger has these entries, as far as they are asked for, and no others."""
    return faults.mutate(
        lambda reply: {
            "result": {uid: [{"t": t, "v": 7} for t in stamps] for uid in reply["result"]}
        }
    )


class TestProbe:
    def found(self, device: Simulator, series: HistorySeries, **keys: Any) -> SeriesState:
        with source(device, **keys) as asked:
            return asked.probe(series, NOON)

    def test_five_minutes(self, device: Simulator) -> None:
        assert self.found(device, YIELD) == SeriesState(FIVE_MINUTES, int(NOON))
        assert self.found(device, CHARGED) == SeriesState(FIVE_MINUTES, int(NOON))

    def test_daily(self, device: Simulator) -> None:
        found = self.found(device, DAILY)

        assert found.every == DAY
        assert found.last is not None
        assert 0 <= NOON - found.last < DAY

    def test_one_that_nobody_has_established_may_be_daily(self, device: Simulator) -> None:
        midnight = int(NOON) - 40_000
        device.faults.add(Fault(kept_at(midnight - DAY, midnight), path="getLogger"))

        assert self.found(device, CHARGED) == SeriesState(DAY, midnight)

    @pytest.mark.parametrize("stamps", [(), (1000,), (1000, 700)])
    def test_too_little_to_tell(self, device: Simulator, stamps: tuple[int, ...]) -> None:
        """A year of it may then be asked for by the day only."""
        device.faults.add(Fault(kept_at(*(int(NOON) - t for t in stamps)), path="getLogger"))

        assert self.found(device, CHARGED).every in {None, FIVE_MINUTES}

    def test_it_asks_for_no_more_than_a_day_at_once(self, device: Simulator) -> None:
        device.faults.add(Fault(kept_at(int(NOON)), path="getLogger"))

        self.found(device, CHARGED)

        assert count(device)["getLogger"] == 2

    def test_the_day_before_may_have_no_list(self, device: Simulator) -> None:
        empty = faults.mutate(lambda _: {"result": {}})
        device.faults.add(Fault(kept_at(int(NOON)), path="getLogger", times=1))
        device.faults.add(Fault(empty, path="getLogger"))

        assert self.found(device, CHARGED) == SeriesState(None, int(NOON))

    def test_one_that_looks_like_the_installers(self, device: Simulator) -> None:
        found = self.found(device, BY_KEY["28930"])

        assert found.why_not == "most likely for the installer only"

    @pytest.mark.parametrize("hour", range(24))
    def test_a_daily_entry_is_in_it_whenever_it_is_asked(
        self, simulate: Simulate, hour: int
    ) -> None:
        """On the day of 25 hours too."""
        now = at("2024-10-27T00:00") + 2 * 3600 + hour * 3600
        device = simulate("sb-3.6", clock=lambda: now)

        with source(device) as asked:
            assert asked.probe(DAILY, now).last is not None

    @pytest.mark.parametrize(
        ("group", "password", "words"),
        [
            ("user", PASSWORD, "not kept, or for the installer only"),
            ("installer", "Sunny-9876", "not kept"),
        ],
    )
    def test_one_that_is_not_there(
        self, simulate: Simulate, group: str, password: str, words: str
    ) -> None:
        device = simulate("sb-3.6", clock=lambda: NOON)

        found = self.found(device, CHARGED, group=group, password=password)

        assert found == SeriesState(why_not=words)

    @pytest.mark.parametrize(
        ("group", "password", "words"),
        [
            ("user", PASSWORD, "for the installer only"),
            ("installer", "Sunny-9876", "refused by the device"),
        ],
    )
    @pytest.mark.parametrize("number", [401, 403])
    def test_one_that_is_refused(
        self, device: Simulator, group: str, password: str, words: str, number: int
    ) -> None:
        device.faults.add(Fault(faults.error(number), path="getLogger"))

        assert self.found(device, YIELD, group=group, password=password) == SeriesState(
            why_not=words
        )
        assert device.sessions == 0

    def test_a_time_without_entries_may_have_no_list(self, device: Simulator) -> None:
        device.faults.add(Fault(faults.mutate(lambda _: {"result": {}}), path="getLogger"))

        with source(device) as asked:
            assert asked.entries(YIELD, *HOUR) == []


class TestTable:
    def test_numbers_are_unique(self) -> None:
        assert len({logger.number for logger in LOGGERS}) == len(LOGGERS)

    @pytest.mark.parametrize("every", [DAY, FIVE_MINUTES])
    def test_no_two_loggers_have_one_sensor_at_one_interval(self, every: int) -> None:
        sensors = [s.sensor for s in LOGGERS if s.sensor and s.every in {every, None}]

        assert len(set(sensors)) == len(sensors)

    def test_loggers_of_the_installer(self) -> None:
        numbers = {logger.number for logger in LOGGERS if logger.is_for_installer}

        assert 28930 in numbers  # 7102
        assert not numbers & {logger.number for logger in LOGGERS if logger.sensor}

    @pytest.mark.parametrize(
        ("words", "unit"),
        [
            ("voltage", "0.01 V"),
            ("current", "0.001 A"),
            ("frequency", "0.01 Hz"),
            ("temperature", "0.1 °C"),
            ("power", "W"),
            ("resistance", "Ohm"),
        ],
    )
    def test_the_unit_is_that_of_what_is_logged(self, words: str, unit: str) -> None:
        units = {logger.unit for logger in LOGGERS if words in logger.title.split(",")[0].split()}

        assert units == {unit}

    def test_values_come_in_the_sensors_base_unit(self, device: Simulator) -> None:
        def entries(reply: Any) -> Any:
            return {"result": {uid: [{"t": HOUR[0], "v": 57}] for uid in reply["result"]}}

        device.faults.add(Fault(faults.mutate(entries), path="getLogger"))

        with source(device) as asked:
            assert asked.entries(YIELD, *HOUR) == [(HOUR[0], 57 * 3600)]
            assert asked.entries(BY_KEY["28816"], *HOUR) == [(HOUR[0], 0.57)]
            assert asked.entries(BY_KEY["10016"], *HOUR) == [(HOUR[0], 57)]


class TestLibrary:
    """`SMA.read_logger` by itself."""

    @pytest.mark.parametrize("log", [28672, LOGGERS[0]], ids=["number", "row"])
    def test_times_of_all_kinds(self, device: Simulator, log: Any) -> None:
        start, end = datetime.fromtimestamp(HOUR[0], UTC), float(HOUR[1]) + 0.9
        with SMA(make_session(), device.url, PASSWORD) as client:
            found = client.read_logger(log, start, end)

            assert found == client.read_logger(28672, *HOUR)
        assert [entry["t"] for entry in found] == [*range(HOUR[0], HOUR[1] + 1, FIVE_MINUTES)]

    @pytest.mark.parametrize(
        ("start", "end", "words"),
        [
            (datetime(2025, 6, 14), HOUR[1], "time zone"),  # noqa: DTZ001
            (HOUR[1], HOUR[0], "before the start"),
            (float("nan"), HOUR[1], "finite"),
            (HOUR[0], float("inf"), "finite"),
        ],
    )
    def test_times_that_make_no_sense(
        self, device: Simulator, start: Any, end: Any, words: str
    ) -> None:
        with (
            SMA(make_session(), device.url, PASSWORD) as client,
            pytest.raises(ValueError, match=words),
        ):
            client.read_logger(28672, start, end)

        assert calls(device) == []
