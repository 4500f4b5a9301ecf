"""A logger's readings on their way into lines: base units, order, and the guard of the live counters."""

import logging
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.backfills import BERLIN

from sma_exporter.backfill.loggers import DAY, FIVE_MINUTES, LOGGERS, Logger, candidates
from sma_exporter.backfill.openmetrics import Position, metric_of, series
from sma_exporter.backfill.series import Limits, Past
from sma_exporter.backfill.time_ranges import Span, Zone

START = 1_700_000_100
KWH = 1000
(YIELD,) = (logger for logger in LOGGERS if logger.number == 28672)
(CHARGE,) = (logger for logger in LOGGERS if logger.number == 28816)


def past(logger: Logger = YIELD, watts: float = 5000.0, reset_delay: float = DAY) -> Past:
    line = series(logger.sensor, "roof", {}, "")
    span = Span(START, START + 10 * DAY)
    return Past(
        logger,
        FIVE_MINUTES,
        line,
        span,
        Zone(BERLIN, "the test"),
        Limits(watts, reset_delay),
    )


def written(past: Past, *readings: tuple[int, float]) -> list[tuple[float, int]]:
    """Offer readings (seconds after START, raw value); return value and seconds of those written."""
    lines = past.lines([(START + seconds, raw) for seconds, raw in readings])
    parts = [line.rsplit(" ", 2) for line in lines]
    assert all(prefix + " " == past.series.prefix for prefix, _, _ in parts)
    return [(float(value), int(stamp) - START) for _, value, stamp in parts]


class TestTable:
    def test_numbers_are_unique(self) -> None:
        assert len({logger.number for logger in LOGGERS}) == len(LOGGERS)

    def test_every_sensor_has_a_metric(self) -> None:
        assert all(metric_of(logger.sensor) for logger in LOGGERS if logger.sensor)

    @pytest.mark.parametrize("every", [DAY, FIVE_MINUTES])
    def test_no_two_loggers_write_one_series(self, every: int) -> None:
        sensors = [logger.sensor for logger in candidates(every)]

        assert len(set(sensors)) == len(sensors)

    @pytest.mark.parametrize("every", [DAY, FIVE_MINUTES])
    def test_the_order_is_the_same_at_any_interval(self, every: int) -> None:
        chosen = candidates(every)

        assert chosen == [logger for logger in LOGGERS if logger in chosen]

    def test_loggers_of_the_installer(self) -> None:
        numbers = {logger.number for logger in LOGGERS if logger.is_for_installer}

        assert 28930 in numbers  # 7102
        assert not numbers & {logger.number for logger in LOGGERS if logger.sensor}


class TestLines:
    def test_watt_hours_become_joules(self) -> None:
        assert past().lines([(START, 1234)]) == [
            f'sma_yield_joules_total{{device="roof"}} 4442400 {START}\n'
        ]

    def test_percent_become_a_ratio(self) -> None:
        assert past(CHARGE).lines([(START, 57)]) == [
            f'sma_battery_state_of_charge_ratio{{device="roof"}} 0.57 {START}\n'
        ]

    def test_a_fraction_is_kept(self) -> None:
        assert written(past(), (0, 1.5)) == [(5400.0, 0)]

    def test_what_stands_there_already_is_left_out(self) -> None:
        copy = past()

        first = written(copy, (0, 10), (300, 11))
        second = written(copy, (300, 11), (600, 12), (600, 12))

        assert [seconds for _, seconds in first + second] == [0, 300, 600]

    @given(
        st.lists(
            st.tuples(st.integers(0, 9 * DAY), st.integers(-10, 10**7)), min_size=1, max_size=60
        )
    )
    def test_whatever_comes_the_lines_are_in_order_and_a_counter_never_falls_at_once(
        self, readings: list[tuple[int, int]]
    ) -> None:
        lines = written(past(reset_delay=100 * DAY), *sorted(readings))

        assert all(a < b for (_, a), (_, b) in pairwise(lines))
        assert all(a <= b for (a, _), (b, _) in pairwise(lines))


class TestGuard:
    def test_lower_readings_are_left_out(self) -> None:
        lines = written(past(), (0, 9000), (300, 0), (600, 17), (900, 9001))

        assert [seconds for _, seconds in lines] == [0, 900]

    def test_what_stays_lower_and_rises_for_a_day_is_a_reset(self) -> None:
        readings = [(0, 9000), *((300 * n, 10 + n) for n in range(1, 300))]

        lines = written(past(), *readings)

        assert [seconds for _, seconds in lines[:2]] == [0, 300 + DAY]
        assert len(lines) == 1 + 300 - 289

    def test_a_reset_in_daily_readings(self) -> None:
        readings = [(0, 9000), (DAY, 10), (2 * DAY, 4000), (3 * DAY, 9500)]

        lines = written(past(), *readings)

        assert [seconds / DAY for _, seconds in lines] == [0, 2, 3]

    def test_a_leap_beyond_the_rated_power_must_hold(self) -> None:
        readings = [(0, 0.5 * KWH), (300, 9000 * KWH), (600, 0.6 * KWH)]

        assert [seconds for _, seconds in written(past(), *readings)] == [0, 600]

    def test_a_meter_may_leap_further(self) -> None:
        assert len(written(past(watts=1e6), (0, 500), (300, 9000 * KWH))) == 2

    def test_below_zero_is_no_reading(self) -> None:
        assert written(past(), (0, -5), (300, 5)) == [(18_000.0, 300)]

    def test_the_state_of_charge_may_fall(self) -> None:
        assert len(written(past(CHARGE), (0, 80), (300, 10), (600, 0))) == 3

    def test_it_says_so_once(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        copy = past()

        written(copy, (0, 9000), (300, 1), (600, 2), (900, 9001), (1200, 9002))
        copy.report()

        said = [(record.levelname, record.getMessage()) for record in caplog.records]
        assert said == [
            ("WARNING", "readings are left out: lower than before"),
            ("INFO", "readings are taken again"),
            ("INFO", "a past is written"),
        ]
        about = caplog.records[-1].__dict__
        assert (about["written"], about["left_out"]) == (3, 2)


class TestResume:
    def test_it_goes_on_behind_the_position(self) -> None:
        copy = past()
        copy.go_on_from(Position(copy.series.prefix, 9000 * 3600.0, START + 600))

        assert copy.rest.start == START + 600
        assert written(copy, (600, 9000), (900, 5), (1200, 9001)) == [(9001 * 3600.0, 1200)]

    @pytest.mark.parametrize("cut", range(1, 12))
    def test_what_the_guard_holds_back_is_the_same_as_without_a_pause(self, cut: int) -> None:
        """Nothing is written while it doubts, so it reads again all that it had doubts about."""
        readings = [(0, 9000), (300, 3), *((300 + n * DAY // 4, 3 + n) for n in range(1, 10))]
        straight = written(past(), *readings)

        before = written(past(), *readings[:cut])
        again = past()
        value, seconds = before[-1]
        again.go_on_from(Position(again.series.prefix, value, START + seconds))

        assert before + written(again, *readings) == straight
