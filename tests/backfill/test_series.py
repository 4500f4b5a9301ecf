"""A logger's readings on their way into lines: base units, order, and the guard of the live counters."""

import logging
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.backfills import BERLIN

from sma_exporter.backfill.openmetrics import Position, new_series
from sma_exporter.backfill.series import SeriesHistory
from sma_exporter.backfill.time_ranges import Span, Zone
from sma_exporter.sma.history import DAY, FIVE_MINUTES, HistorySeries

START = 1_700_000_100
KWH = 3_600_000
YIELD = HistorySeries("28672", "total yield", FIVE_MINUTES, "total_yield")
CHARGE = HistorySeries("28816", "state of charge", FIVE_MINUTES, "battery_soc_total")


def history(
    kept: HistorySeries = YIELD, watts: float = 5000.0, reset_delay: float = DAY
) -> SeriesHistory:
    return SeriesHistory(
        kept,
        FIVE_MINUTES,
        new_series(kept.sensor, "roof", {}, ""),
        Span(START, START + 10 * DAY),
        Zone(BERLIN, "the test"),
        max_rate=watts,
        reset_delay=reset_delay,
    )


def written(history: SeriesHistory, *entries: tuple[int, float]) -> list[tuple[float, int]]:
    """Offer entries (seconds after START, value); return value and seconds of those written."""
    lines = history.lines([(START + seconds, value) for seconds, value in entries])
    parts = [line.rsplit(" ", 2) for line in lines]
    assert all(prefix == history.series.prefix for prefix, _, _ in parts)
    return [(float(value), int(stamp) - START) for _, value, stamp in parts]


class TestLines:
    def test_an_int_is_written_as_one_and_a_fraction_is_kept(self) -> None:
        assert history().lines([(START, 4_442_400), (START + 300, 4_442_400.5)]) == [
            f'sma_yield_joules_total{{device="roof"}} 4442400 {START}\n',
            f'sma_yield_joules_total{{device="roof"}} 4442400.5 {START + 300}\n',
        ]

    def test_what_stands_there_already_is_left_out(self) -> None:
        copy = history()

        first = written(copy, (0, 10), (300, 11))
        second = written(copy, (300, 11), (600, 12), (600, 12))

        assert [seconds for _, seconds in first + second] == [0, 300, 600]

    @given(
        st.lists(
            st.tuples(st.integers(0, 9 * DAY), st.integers(-10, 10**10)), min_size=1, max_size=60
        )
    )
    def test_whatever_comes_the_lines_are_in_order_and_a_counter_never_falls_at_once(
        self, readings: list[tuple[int, int]]
    ) -> None:
        lines = written(history(reset_delay=100 * DAY), *sorted(readings))

        assert all(a < b for (_, a), (_, b) in pairwise(lines))
        assert all(a <= b for (a, _), (b, _) in pairwise(lines))


class TestGuard:
    def test_lower_readings_are_left_out(self) -> None:
        lines = written(history(), (0, 9000 * 3600), (300, 0), (600, 17), (900, 9001 * 3600))

        assert [seconds for _, seconds in lines] == [0, 900]

    def test_what_stays_lower_and_rises_for_a_day_is_a_reset(self) -> None:
        readings = [(0, 9000), *((300 * n, 10 + n) for n in range(1, 300))]

        lines = written(history(), *readings)

        assert [seconds for _, seconds in lines[:2]] == [0, 300 + DAY]
        assert len(lines) == 1 + 300 - 289

    def test_a_reset_in_daily_readings(self) -> None:
        readings = [(0, 9000), (DAY, 10), (2 * DAY, 4000), (3 * DAY, 9500)]

        lines = written(history(), *readings)

        assert [seconds / DAY for _, seconds in lines] == [0, 2, 3]

    def test_a_leap_beyond_the_rated_power_must_hold(self) -> None:
        readings = [(0, 0.5 * KWH), (300, 9000 * KWH), (600, 0.6 * KWH)]

        assert [seconds for _, seconds in written(history(), *readings)] == [0, 600]

    def test_a_meter_may_leap_further(self) -> None:
        assert len(written(history(watts=1e6), (0, 500), (300, 9000 * KWH))) == 2

    def test_below_zero_is_no_reading(self) -> None:
        assert written(history(), (0, -5), (300, 5)) == [(5.0, 300)]

    def test_the_state_of_charge_may_fall(self) -> None:
        assert len(written(history(CHARGE), (0, 80), (300, 10), (600, 0))) == 3

    def test_it_says_so_once(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        copy = history()

        written(copy, (0, 9000), (300, 1), (600, 2), (900, 9001), (1200, 9002))
        copy.report()

        said = [(record.levelname, record.getMessage()) for record in caplog.records]
        assert said == [
            ("WARNING", "readings are left out: lower than before"),
            ("INFO", "readings are taken again"),
            ("INFO", "a series is written"),
        ]
        about = caplog.records[-1].__dict__
        assert (about["written"], about["left_out"]) == (3, 2)


class TestResume:
    def test_it_goes_on_behind_the_position(self) -> None:
        copy = history()
        copy.go_on_from(Position(copy.series.prefix, 9000.0, START + 600))

        assert copy.rest.start == START + 600
        assert written(copy, (600, 9000), (900, 5), (1200, 9001)) == [(9001.0, 1200)]

    @pytest.mark.parametrize("cut", range(1, 12))
    def test_what_the_guard_holds_back_is_the_same_as_without_a_pause(self, cut: int) -> None:
        """Nothing is written while a reading is withheld, so all that was withheld is read again."""
        readings = [(0, 9000), (300, 3), *((300 + n * DAY // 4, 3 + n) for n in range(1, 10))]
        straight = written(history(), *readings)

        before = written(history(), *readings[:cut])
        again = history()
        value, seconds = before[-1]
        again.go_on_from(Position(again.series.prefix, value, START + seconds))

        assert before + written(again, *readings) == straight
