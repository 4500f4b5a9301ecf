"""The energies that the dashboard of the plant shows, on a real Prometheus with a past that is known.

Each case is a home of its own, under a job of its own: what its devices read, when, and what a day gives.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import past
import pytest
from real_prometheus import Prometheus, prometheus
from support import grafana
from support.grafana import Browser

BERLIN = ZoneInfo("Europe/Berlin")
#: A summer afternoon: this year began in winter time.
NOW = datetime(2026, 5, 17, 15, 30, 20, 600_000, tzinfo=BERLIN)
PLANT = grafana.load("plant")

PV, YIELD = "sma_pv_generation_joules_total", "sma_yield_joules_total"
IMPORT, EXPORT = "sma_meter_import_joules_total", "sma_meter_export_joules_total"
CHARGE, DISCHARGE = "sma_battery_charge_joules_total", "sma_battery_discharge_joules_total"
METER, UP = "sma_meter_info", "sma_up"

KWH = 3.6e6
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

#: Lifetime energy at a time, in kWh.
Total = Callable[[datetime], float]


def by_day(kwh: float) -> Total:
    """So much every day, while the sun shines: 6 to 18 o'clock by the zone of the home."""

    def total(time: datetime) -> float:
        local = time.astimezone(BERLIN)
        hours = local.hour + local.minute / 60 + local.second / 3600
        return kwh * (local.toordinal() - 700_000 + min(1.0, max(0.0, (hours - 6) / 12)))

    return total


def always(kwh: float) -> Total:
    """So much every 24 hours, day and night."""
    return lambda time: kwh * time.timestamp() / 86_400


def every(step: timedelta, start: datetime, end: datetime) -> list[datetime]:
    """Points in time, in real time also where clocks are changed."""
    first, last = start.astimezone(UTC), end.astimezone(UTC)
    return [first + n * step for n in range(math.ceil((last - first) / step))]


def midnights(start: date, end: date, zone: ZoneInfo | None = None) -> list[datetime]:
    """When a device's own logger writes a reading a day."""
    days = (start + n * DAY for n in range((end - start).days + 1))
    return [datetime(d.year, d.month, d.day, tzinfo=zone or UTC) for d in days]


Readings = dict[str, list[tuple[float, float]]]


@dataclass(frozen=True)
class Home:
    """What a Prometheus has scraped of a home, and read from its devices' past."""

    job: str

    def read(self, device: str, times: Iterable[datetime], totals: Mapping[str, Total]) -> Readings:
        """The readings of a device's counters at these times."""
        moments = [*times]
        return {
            self.series(family, device): [(t.timestamp(), total(t) * KWH) for t in moments]
            for family, total in totals.items()
        }

    def present(
        self, device: str, times: Iterable[datetime], serial: str | None = None
    ) -> Readings:
        """That a device was scraped at these times, and the meter that it told of."""
        ones = [(time.timestamp(), 1.0) for time in times]
        meter = {} if serial is None else {self.series(METER, device, serial=serial): ones}
        return {self.series(UP, device): ones, **meter}

    def series(self, family: str, device: str, **labels: str) -> str:
        return past.series(family, job=self.job, instance="here", device=device, **labels)


def merged(*parts: Readings) -> Readings:
    """Readings of the same series one after the other."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: [row for part in parts for row in part.get(name, [])] for name in names}


# --- the homes ---

#: Scraped without a gap since before the year began, off the full minute as scrapes are.
SCRAPED = every(10 * MINUTE, datetime(2025, 12, 28, 0, 0, 17, tzinfo=BERLIN), NOW)
LATELY = every(10 * MINUTE, datetime(2026, 5, 17, 9, 0, 17, tzinfo=BERLIN), NOW)

HYBRID = {
    PV: by_day(20),
    YIELD: by_day(23),
    CHARGE: by_day(5),
    DISCHARGE: always(4.5),
    IMPORT: always(6),
    EXPORT: by_day(10),
}


def scraped() -> Readings:
    home = Home("scraped")
    return merged(home.read("hybrid", SCRAPED, HYBRID), home.present("hybrid", SCRAPED, "77"))


def daily() -> Readings:
    """A daily reading at midnight until the exporter came, this morning."""
    home = Home("daily")
    known = midnights(date(2024, 12, 31), date(2026, 5, 17), BERLIN)
    return merged(
        home.read("hybrid", known, HYBRID),
        home.read("hybrid", LATELY, HYBRID),
        home.present("hybrid", LATELY, "77"),
    )


def daily_utc() -> Readings:
    """The same of a device that puts its midnight where Greenwich has it."""
    home = Home("daily-utc")
    known = midnights(date(2024, 12, 31), date(2026, 5, 17))
    totals = {PV: by_day(20), YIELD: by_day(20)}
    return merged(home.read("roof", known, totals), home.read("roof", LATELY, totals))


def yield_only() -> Readings:
    """The same of a device that keeps the history of its yield only. Slightly less than its PV."""
    home = Home("yield-only")
    known = midnights(date(2024, 12, 31), date(2026, 5, 17), BERLIN)
    return merged(
        home.read("roof", known, {YIELD: by_day(19)}),
        home.read("roof", LATELY, {PV: by_day(20), YIELD: by_day(19)}),
    )


LAST_NIGHT = datetime(2026, 5, 17, 3, 0, tzinfo=BERLIN)


def is_dark(time: datetime) -> bool:
    return not 6 <= time.astimezone(BERLIN).hour < 21


def asleep() -> Readings:
    """An inverter that says nothing at night, and a day without Prometheus over the turn of the month."""
    home = Home("asleep")
    gone = datetime(2026, 4, 30, 12, 1, tzinfo=BERLIN), datetime(2026, 5, 1, 13, tzinfo=BERLIN)
    times = [t for t in SCRAPED if not is_dark(t) and not gone[0] < t < gone[1]]
    return home.read("roof", times, {PV: by_day(20), YIELD: by_day(20)})


def night() -> Readings:
    """The same inverter, as it is known before sunrise."""
    home = Home("night")
    times = [time for time in SCRAPED if not is_dark(time) and time < LAST_NIGHT]
    return home.read("roof", times, {PV: by_day(20), YIELD: by_day(20)})


def new() -> Readings:
    """A first inverter since ever, a second one since a week ago, with a long life behind it."""
    home = Home("new")
    since = datetime(2026, 5, 10, 12, 0, 17, tzinfo=BERLIN)
    return merged(
        home.read("old", SCRAPED, {PV: by_day(20)}),
        home.read("new", every(2 * MINUTE, since, NOW), {PV: by_day(8)}),
    )


def shared_meter() -> Readings:
    """Two inverters with one meter. One sleeps at night, and its count of the meter began elsewhere."""
    home = Home("shared-meter")
    by_light = [time for time in SCRAPED if not is_dark(time)]
    elsewhere = {IMPORT: lambda t: always(6)(t) + 5000, EXPORT: lambda t: by_day(10)(t) + 3000}
    return merged(
        home.read("hybrid", SCRAPED, HYBRID),
        home.present("hybrid", SCRAPED, "77"),
        home.read("roof", by_light, {PV: by_day(12), YIELD: by_day(12), **elsewhere}),
        home.present("roof", by_light, "77"),
    )


def meter_told_by_one() -> Readings:
    """Two inverters with one meter, whose serial number one of them does not tell."""
    home = Home("meter-told-by-one")
    meter = {IMPORT: always(6), EXPORT: by_day(10)}
    return merged(
        home.read("hybrid", SCRAPED, meter),
        home.present("hybrid", SCRAPED, "77"),
        home.read("roof", SCRAPED, meter),
        home.present("roof", SCRAPED, ""),
    )


def meter_never_told() -> Readings:
    home = Home("meter-never-told")
    return merged(
        home.read("roof", SCRAPED, {IMPORT: always(6), EXPORT: by_day(10)}),
        home.present("roof", SCRAPED, ""),
    )


def meter_told_late() -> Readings:
    home = Home("meter-told-late")
    return merged(
        home.read("roof", SCRAPED, {IMPORT: always(6), EXPORT: by_day(10)}),
        home.present("roof", [time for time in SCRAPED if time < LATELY[0]], ""),
        home.present("roof", [time for time in SCRAPED if time >= LATELY[0]], "77"),
    )


def two_meters() -> Readings:
    home = Home("two-meters")
    return merged(
        home.read("one", SCRAPED, {PV: by_day(20), IMPORT: always(6), EXPORT: by_day(10)}),
        home.present("one", SCRAPED, "77"),
        home.read("two", SCRAPED, {PV: by_day(20), IMPORT: always(3), EXPORT: by_day(7)}),
        home.present("two", SCRAPED, "78"),
    )


def no_meter() -> Readings:
    home = Home("no-meter")
    return merged(
        home.read("roof", SCRAPED, {PV: by_day(20)}),
        home.present("roof", SCRAPED),
    )


def odd_names() -> Readings:
    """Names that mean something in regular expressions."""
    home = Home("odd-names")
    return merged(
        home.read("roof (west) 1.5+", SCRAPED, {PV: by_day(20)}),
        home.read("roof (west) 145", SCRAPED, {PV: by_day(7)}),
    )


HOMES = (
    *(scraped, daily, daily_utc, yield_only, asleep, night, new),
    *(shared_meter, meter_told_by_one, meter_never_told, meter_told_late, two_meters, no_meter),
    odd_names,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    past.remember(merged(*(home() for home in HOMES)), folder)
    with prometheus({}, folder, "--storage.tsdb.retention.time=100y") as running:
        yield running


Show = Callable[..., float | None]


@pytest.fixture
def show(server: Prometheus) -> Show:
    """The number that a panel shows to somebody who looks at a home; None for none."""

    def shown(job: str, title: str, legend: str, now: datetime = NOW, **boxes: str) -> float | None:
        browser = Browser(now, {"job": (job,)}, boxes)
        panel = grafana.panel(PLANT, title)
        (asked,) = [r for r in browser.requests_of(PLANT, panel) if r.legend == legend]
        found = server.query(asked.expr, asked.end)
        assert len(found) <= 1, found
        return found[0][1] if found else None

    return shown


def near(kwh: float, within: float = 0.1) -> object:
    """About so much: a scrape every ten minutes sees what a day gives to a hundredth."""
    return pytest.approx(kwh, abs=within)


# --- days, months and years by the zone of whoever looks ---

#: From 6 to 18 o'clock: what of a day's sun there was at 15:30.
SUN = 9.5 / 12
DAYS = {"Today": 0, "This month": 16, "This year": 136}
#: This year 1 hour of winter time is gone.
HOURS = {"Today": 15.5, "This month": 16 * 24 + 15.5, "This year": 136 * 24 + 14.5}


@pytest.mark.parametrize("title", DAYS)
@pytest.mark.parametrize("job", ["scraped", "daily"])
def test_energy_counts_from_midnight_of_the_browser(show: Show, job: str, title: str) -> None:
    suns, days = DAYS[title] + SUN, HOURS[title] / 24
    pv, imported, exported = 20 * suns, 6 * days, 10 * suns
    house = pv - 5 * suns + 4.5 * days + imported - exported

    assert show(job, title, "PV") == near(pv)
    assert show(job, title, "from grid") == near(imported)
    assert show(job, title, "into grid") == near(exported)
    assert show(job, title, "House") == near(house)
    assert show(job, title, "Self-consumption") == near(1 - exported / pv, 0.01)
    assert show(job, title, "Autarky") == near(1 - imported / house, 0.01)


def test_a_daily_reading_at_midnight_belongs_to_the_day_that_begins(show: Show) -> None:
    """Whatever the milliseconds of the moment are, which Grafana rounds in `$__range`."""
    for milliseconds in (1, 499, 500, 501, 999):
        now = NOW.replace(microsecond=milliseconds * 1000)

        assert show("daily", "This month", "PV", now) == near(20 * (16 + SUN))


@pytest.mark.parametrize("title", ["This month", "This year"])
def test_a_device_may_count_its_days_in_another_zone(show: Show, title: str) -> None:
    assert show("daily-utc", title, "PV") == near(20 * (DAYS[title] + SUN))


def test_somebody_elsewhere_has_another_day(show: Show) -> None:
    now = NOW.astimezone(ZoneInfo("America/New_York"))
    from_six_in_berlin = 15.5 - 6

    assert show("scraped", "Today", "PV", now) == near(20 * from_six_in_berlin / 12)
    assert show("scraped", "Today", "from grid", now) == near(6 * 9.5 / 24)


def test_history_may_know_the_yield_only(show: Show) -> None:
    assert show("yield-only", "This month", "PV") == near(19 * (16 + SUN))
    assert show("yield-only", "This year against last year", "last year") == near(
        19 * (136 + 15.5 / 24), 1.0
    )


def test_the_yield_of_a_hybrid_is_not_its_pv(show: Show) -> None:
    assert show("scraped", "This month", "PV") != near(23 * (16 + SUN), 30)


# --- who sleeps, comes and goes ---


def test_at_night_totals_stay(show: Show) -> None:
    assert show("night", "Today", "PV", LAST_NIGHT) == 0
    assert show("night", "This month", "PV", LAST_NIGHT) == near(20 * 16)


def test_what_happened_while_nobody_looked_is_in_it(show: Show) -> None:
    """From noon to one o'clock over the turn of the month nobody did: all of it is May's."""
    assert show("asleep", "This month", "PV") == near(20 * (16 + SUN + 0.5))
    assert show("asleep", "This year", "PV") == near(20 * (136 + SUN))


def test_a_new_device_brings_what_it_gave_since(show: Show) -> None:
    """Not its whole life, nor nothing until the month is over; and it takes nothing from the others."""
    assert show("new", "This month", "PV") == near(20 * (16 + SUN) + 8 * (7 + SUN - 0.5))
    assert show("new", "This year", "PV") == near(20 * (136 + SUN) + 8 * (7 + SUN - 0.5), 1.0)


# --- meters ---


@pytest.mark.parametrize("title", DAYS)
def test_two_inverters_on_one_meter_do_not_double_the_house(show: Show, title: str) -> None:
    suns, days = DAYS[title] + SUN, HOURS[title] / 24
    house = (20 + 12 - 5 - 10) * suns + (4.5 + 6) * days

    assert show("shared-meter", title, "PV") == near(32 * suns)
    assert show("shared-meter", title, "from grid") == near(6 * days)
    assert show("shared-meter", title, "into grid") == near(10 * suns)
    assert show("shared-meter", title, "House") == near(house)


@pytest.mark.parametrize("job", ["meter-told-by-one", "meter-never-told", "meter-told-late"])
def test_a_meter_counts_once_whoever_tells_its_serial_number(show: Show, job: str) -> None:
    for title, days in DAYS.items():
        assert show(job, title, "from grid") == near(6 * HOURS[title] / 24)
        assert show(job, title, "into grid") == near(10 * (days + SUN))


def test_one_that_slept_at_midnight_does_not_count_the_evening_before(show: Show) -> None:
    at_ten = NOW.replace(hour=10, minute=0)

    assert show("shared-meter", "Today", "from grid", at_ten) == near(6 * 10 / 24)


def test_two_meters_are_two(show: Show) -> None:
    assert show("two-meters", "This month", "from grid") == near(9 * (16 + 15.5 / 24))


@pytest.mark.parametrize("legend", ["House", "from grid", "into grid", "Autarky"])
def test_without_a_meter_there_is_the_yield_only(show: Show, legend: str) -> None:
    assert show("no-meter", "Today", "PV") == near(20 * SUN)
    assert show("no-meter", "Today", legend) is None
    assert show("no-meter", "Earned and saved today in ${currency}", "earned") is None
    assert show("no-meter", "Earned and saved today in ${currency}", "saved") is None


# --- money ---


def test_earned_and_saved(show: Show) -> None:
    title = "Earned and saved this month in ${currency}"
    suns, days = 16 + SUN, 16 + 15.5 / 24
    prices = {"feed_in_tariff": "0.1", "import_price": "0.4"}
    own = (20 - 5 - 10) * suns + 4.5 * days

    assert show("scraped", title, "earned", **prices) == near(0.1 * 10 * suns)
    assert show("scraped", title, "saved", **prices) == near(0.4 * own)


def test_an_empty_box_is_a_price_of_nothing(show: Show) -> None:
    title = "Earned and saved this month in ${currency}"

    assert show("scraped", title, "earned", feed_in_tariff="") == 0


# --- last year ---


@pytest.mark.parametrize(
    ("title", "days"),
    [("This month against last year's", 16), ("This year against last year", 136)],
)
def test_the_same_days_last_year_from_daily_readings(show: Show, title: str, days: int) -> None:
    """The day that is not over counts in proportion to its hours."""
    this, last = 20 * (days + SUN), 20 * (days + 15.5 / 24)

    assert show("daily", title, "this year") == near(this)
    assert show("daily", title, "last year") == near(last, 1.0)  # an hour of winter time
    assert show("daily", title, "difference") == near(this / last - 1, 0.005)


def test_without_last_year_there_is_nothing_to_compare(show: Show) -> None:
    title = "This year against last year"

    assert show("scraped", title, "this year") == near(20 * (136 + SUN))
    assert show("scraped", title, "last year") is None
    assert show("scraped", title, "difference") is None


# --- each day ---


def test_the_bars_of_the_days(server: Prometheus) -> None:
    browser = Browser(NOW, {"job": ("daily",)})
    panel = grafana.panel(PLANT, "Energy of each day")
    asked = {request.legend: request for request in browser.requests_of(PLANT, panel)}

    for legend, day, today in (("PV", 20.0, 20 * SUN), ("House", 15.5, None)):
        request = asked[legend]
        answer = server.get(
            "query_range",
            query=request.expr,
            start=request.start,
            end=request.end,
            step=request.step,
        )
        (found,) = answer["result"]
        times = [datetime.fromtimestamp(time, BERLIN) for time, _ in found["values"]]
        bars = [float(value) for _, value in found["values"]]

        assert [*map(datetime.date, times)] == [NOW.date() - n * DAY for n in range(30, -1, -1)]
        assert {time.hour for time in times} == {0}
        assert bars[:-1] == [pytest.approx(day, abs=0.01)] * 30
        assert today is None or bars[-1] == near(today)


# --- choices ---


def test_a_name_is_no_regular_expression(server: Prometheus) -> None:
    browser = Browser(NOW, {"job": ("odd-names",), "device": ("roof (west) 1.5+",)})
    panel = grafana.panel(PLANT, "This month")
    (asked,) = [r for r in browser.requests_of(PLANT, panel) if r.legend == "PV"]

    ((_, value),) = server.query(asked.expr, asked.end)

    assert value == near(20 * (16 + SUN))
