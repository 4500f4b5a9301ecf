"""Days, zones, and the pieces in which a device is asked: daylight saving time included."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.backfills import BERLIN, at

from sma_exporter.backfill.errors import HistoryUsageError
from sma_exporter.backfill.time_ranges import (
    Span,
    devices_zone,
    given_zone,
    parse_date,
    pieces,
    wanted_span,
    with_slack,
)
from sma_exporter.sma.history import DAY, FIVE_MINUTES

NOW = datetime(2025, 6, 14, 11, tzinfo=UTC).timestamp()
LATEST = int(NOW) - 3 * 3600

day = date.fromisoformat


class TestZone:
    def test_the_flag_comes_first(self) -> None:
        zone = given_zone("Asia/Tokyo", {"TZ": "Europe/Berlin"})

        assert zone is not None
        assert str(zone) == "Asia/Tokyo (--timezone)"

    @pytest.mark.parametrize("tz", ["Europe/Berlin", ":Europe/Berlin"])
    def test_then_the_environment(self, tz: str) -> None:
        zone = given_zone(None, {"TZ": tz})

        assert zone is not None
        assert str(zone) == "Europe/Berlin (TZ)"

    @pytest.mark.parametrize("environ", [{}, {"TZ": ""}, {"TZ": ":"}])
    def test_else_it_is_not_given(self, environ: dict[str, str]) -> None:
        assert given_zone(None, environ) is None

    @pytest.mark.parametrize(
        "name", ["Berlin", "CET-1CEST,M3.5.0,M10.5.0/3", "/etc/localtime", "Europe", "../x", "\0"]
    )
    def test_an_unknown_one_is_refused(self, name: str) -> None:
        with pytest.raises(HistoryUsageError, match=r"TZ says .* no time zone"):
            given_zone(None, {"TZ": name})
        with pytest.raises(HistoryUsageError, match=r"--timezone says .* no time zone"):
            given_zone(name, {})

    def test_an_empty_flag_is_no_zone(self) -> None:
        with pytest.raises(HistoryUsageError):
            given_zone("", {})

    def test_of_the_device(self) -> None:
        assert str(devices_zone("Europe/Paris", "roof")) == "Europe/Paris (the device's)"

    def test_a_device_that_does_not_tell_is_never_taken_for_utc(self) -> None:
        with pytest.raises(HistoryUsageError, match=r"does not say .* --timezone"):
            devices_zone(None, "roof")


class TestDate:
    def test_a_day_is_no_moment(self) -> None:
        assert type(parse_date("2024-12-31")) is date

    def test_a_moment(self) -> None:
        assert parse_date("2024-12-31T12:30") == datetime(2024, 12, 31, 12, 30)  # noqa: DTZ001
        assert parse_date("2024-12-31T12:30Z") == datetime(2024, 12, 31, 12, 30, tzinfo=UTC)

    @pytest.mark.parametrize("text", ["", "yesterday", "31.12.2024", "2024-02-30", "12:00"])
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - the command line says it in its own words
            parse_date(text)


class TestSpan:
    def test_days_are_whole_and_local(self) -> None:
        span = wanted_span(day("2024-06-01"), day("2024-06-02"), BERLIN, NOW)

        assert span == Span(at("2024-06-01T00:00"), at("2024-06-03T00:00"))

    @pytest.mark.parametrize(("text", "hours"), [("2024-03-31", 23), ("2024-10-27", 25)])
    def test_a_day_on_which_clocks_are_changed(self, text: str, hours: int) -> None:
        span = wanted_span(day(text), day(text), BERLIN, NOW)

        assert span.end - span.start == hours * 3600

    def test_moments_are_taken_as_they_are(self) -> None:
        first, last = parse_date("2024-06-01T08:00"), parse_date("2024-06-01T10:00Z")

        span = wanted_span(first, last, BERLIN, NOW)

        assert span == Span(at("2024-06-01T08:00"), at("2024-06-01T12:00"))

    @pytest.mark.parametrize("last", [None, day("2025-06-14"), day("2031-01-01")])
    def test_the_last_three_hours_are_left_out(self, last: date | None) -> None:
        assert wanted_span(day("2025-06-01"), last, BERLIN, NOW).end == LATEST

    @pytest.mark.parametrize("every", [DAY, FIVE_MINUTES])
    def test_and_stay_so_with_slack(self, every: int) -> None:
        span = Span(0, LATEST)

        assert with_slack(span, every, NOW) == span

    def test_daily_entries_may_be_off_by_an_hour(self) -> None:
        assert with_slack(Span(10_000, 20_000), DAY, NOW) == Span(6_400, 23_600)
        assert with_slack(Span(10_000, 20_000), FIVE_MINUTES, NOW) == Span(10_000, 20_000)

    @pytest.mark.parametrize(
        ("first", "last", "words"),
        [
            ("2024-02-01", "2024-01-01", "later than"),
            ("2025-06-14T12:00", None, "too young"),
            ("2026-01-01", None, "too young"),
            ("2024-01-01", "9999-12-31", "beyond"),
        ],
    )
    def test_what_leaves_nothing_is_refused(self, first: str, last: str | None, words: str) -> None:
        with pytest.raises(HistoryUsageError, match=words):
            wanted_span(parse_date(first), parse_date(last) if last else None, BERLIN, NOW)

    def test_before_1970_nothing_is_asked_for(self) -> None:
        assert wanted_span(day("1960-01-01"), None, BERLIN, NOW).start == 0


class TestPieces:
    def test_five_minute_entries_are_asked_for_by_the_day(self) -> None:
        span = Span(at("2024-03-30T06:00"), at("2024-04-01T12:00"))

        assert [*pieces(span, BERLIN, FIVE_MINUTES)] == [
            Span(at("2024-03-30T06:00"), at("2024-03-31T00:00")),
            Span(at("2024-03-31T00:00"), at("2024-04-01T00:00")),
            Span(at("2024-04-01T00:00"), at("2024-04-01T12:00")),
        ]

    def test_daily_entries_are_asked_for_by_the_year(self) -> None:
        span = Span(at("2022-06-01T00:00"), at("2024-02-01T00:00"))

        assert [*pieces(span, BERLIN, DAY)] == [
            Span(at("2022-06-01T00:00"), at("2023-01-01T00:00")),
            Span(at("2023-01-01T00:00"), at("2024-01-01T00:00")),
            Span(at("2024-01-01T00:00"), at("2024-02-01T00:00")),
        ]

    @given(
        start=st.integers(1_000_000_000, 1_800_000_000),
        seconds=st.integers(0, 900 * DAY),
        every=st.sampled_from([DAY, FIVE_MINUTES]),
        # Clocks that change at midnight, a day that was never there, half an hour.
        name=st.sampled_from(
            ["Europe/Berlin", "America/Asuncion", "Pacific/Apia", "Australia/Lord_Howe"]
        ),
    )
    def test_they_cover_the_span_and_none_is_long(
        self, start: int, seconds: int, every: int, name: str
    ) -> None:
        span = Span(start, start + seconds)

        cut = [*pieces(span, ZoneInfo(name), every)]

        most = timedelta(days=366 if every == DAY else 1, hours=1).total_seconds()
        assert all(piece.end - piece.start <= most for piece in cut)
        assert all(a.end == b.start for a, b in pairwise(cut))
        if seconds:
            assert (cut[0].start, cut[-1].end) == (span.start, span.end)
        else:
            assert cut == []
