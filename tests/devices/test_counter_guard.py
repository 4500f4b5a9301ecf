"""Lifetime totals: what is believed at once, what after a while, and what never."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sma_exporter.devices.counter_guard import CounterGuard

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
WATTS = 5000.0
MOST_A_DAY = 2 * WATTS * DAY
START = 1000.0
FULL = 1.0e12  # joules, more than any leap here


class Total:
    """One total of a device with WATTS of rated power, under guard."""

    def __init__(self, reset_delay: float = DAY, watts: float | None = WATTS) -> None:
        self.guard = CounterGuard()
        self._reset_delay = reset_delay
        self.log: list[tuple[bool, float | None]] = []
        self._watts = {} if watts is None else {"total_yield": watts}

    def shows(self, value: float | None, at: float) -> bool:
        """Offer a reading; tell whether it may be shown."""
        totals = {} if value is None else {"total_yield": value}
        changes = self.guard.check(totals, self._watts, START + at, self._reset_delay)
        self.log += [(bool(change.why), change.value) for change in changes]
        return value is not None and not self.guard.is_withheld("total_yield")

    def after(self, value: float) -> "Total":
        """Accept a reading at time 0."""
        assert self.shows(value, 0)
        return self


# --- what no device can have counted ---

MOST_EVER = WATTS * 30 * 365.25 * DAY
IMPOSSIBLE = MOST_EVER + 1e6


@pytest.mark.parametrize("before", [None, FULL], ids=["at-first", "later"])
def test_what_thirty_years_cannot_have_produced_is_never_believed(before: float | None) -> None:
    total = Total() if before is None else Total().after(before)

    assert not any(total.shows(IMPOSSIBLE + hour, hour * HOUR) for hour in range(1, 24 * 30))
    assert total.guard.withheld == 1
    assert total.shows(before or 1.0, 31 * DAY)


def test_what_cannot_be_stays_withheld_when_it_becomes_null() -> None:
    total = Total()
    total.shows(IMPOSSIBLE, 0)

    assert not total.shows(None, 5)
    assert total.guard.withheld == 1
    assert total.log == [(True, IMPOSSIBLE)]


def test_a_bound_that_becomes_tighter_takes_back_what_was_believed() -> None:
    guard = CounterGuard()
    guard.check({"total_yield": IMPOSSIBLE}, {}, START, DAY)
    believed = not guard.is_withheld("total_yield")

    guard.check({"total_yield": IMPOSSIBLE}, {"total_yield": WATTS}, START + 1, DAY)
    taken_back = guard.is_withheld("total_yield")
    guard.check({"total_yield": 5.0}, {"total_yield": WATTS}, START + 5, DAY)

    assert believed
    assert taken_back
    assert not guard.is_withheld("total_yield")


def test_a_bound_that_is_wrong_for_a_while_forgets_nothing() -> None:
    guard = CounterGuard()
    guard.check({"total_yield": FULL}, {"total_yield": WATTS}, START, DAY)
    guard.check({"total_yield": FULL}, {"total_yield": 1.0}, START + 5, DAY)

    guard.check({"total_yield": FULL / 2}, {"total_yield": WATTS}, START + 10, DAY)

    assert guard.is_withheld("total_yield")


def test_a_0_after_what_cannot_be_is_a_0_after_a_start() -> None:
    total = Total()
    total.shows(IMPOSSIBLE, 0)

    assert not total.shows(0.0, 5)
    assert total.shows(0.0, 5 + 15 * MINUTE)


# --- null, lower, leaps ---


def test_a_first_reading_is_believed() -> None:
    assert Total().shows(FULL, 0)


def test_null_is_withheld_until_the_total_is_back() -> None:
    total = Total().after(FULL)

    assert not total.shows(None, 5)
    assert total.guard.withheld == 1
    assert total.shows(FULL, 10)
    assert total.guard.withheld == 0


def test_a_total_that_was_never_there_is_not_counted_as_withheld() -> None:
    guard = CounterGuard()

    changes = guard.check({}, {}, START, DAY)

    assert changes == []
    assert guard.withheld == 0


@pytest.mark.parametrize("value", [FULL - 1, FULL / 2, 1.0, 0.0])
def test_lower_is_withheld(value: float) -> None:
    total = Total().after(FULL)

    assert not total.shows(value, 5)
    assert total.guard.withheld == 1


@pytest.mark.parametrize("value", [FULL, FULL + 1], ids=["the-same", "a-little-more"])
def test_lower_is_over_at_the_old_value(value: float) -> None:
    total = Total().after(FULL)
    total.shows(FULL - 100, 5)
    total.shows(FULL - 50, 10)

    assert total.shows(value, 15)
    assert not total.shows(FULL - 1, 20)


@pytest.mark.parametrize("hours", [0, 1, 100])
@pytest.mark.parametrize(
    ("watts", "most"),
    [(5000.0, 10_000), (None, 2_000_000)],
    ids=["rated-power", "unknown-is-1-MW"],
)
def test_the_most_that_is_believed_at_once_is_twice_the_rated_power_for_the_time_and_a_day(
    watts: float | None, most: float, hours: float
) -> None:
    leap = most * (hours * HOUR + DAY)

    assert Total(watts=watts).after(FULL).shows(FULL + leap, hours * HOUR)
    assert not Total(watts=watts).after(FULL).shows(FULL + leap + 1, hours * HOUR)


@pytest.mark.parametrize("meanwhile", [None, FULL - 1, 0.0], ids=["null", "lower", "0"])
def test_time_counts_from_the_last_accepted_value(meanwhile: float | None) -> None:
    total = Total().after(FULL)
    for hour in range(1, 48):
        total.shows(meanwhile, hour * HOUR)

    assert total.shows(FULL + 3 * MOST_A_DAY, 2 * DAY)


# --- leaps that hold ---

LEAP = FULL + 5 * MOST_A_DAY


def test_a_leap_is_believed_when_it_has_held_for_15_minutes() -> None:
    total = Total().after(FULL)

    assert not total.shows(LEAP, 5)
    assert not total.shows(LEAP + 10, 5 + 14.9 * MINUTE)
    assert total.shows(LEAP + 20, 5 + 15 * MINUTE)


def test_a_leap_that_was_believed_is_the_measure_from_then_on() -> None:
    total = Total().after(FULL)
    total.shows(LEAP, 5)
    total.shows(LEAP, 5 + 15 * MINUTE)

    assert total.shows(LEAP + 1, HOUR)
    assert not total.shows(FULL, HOUR + 5)


@pytest.mark.parametrize(
    "values",
    [
        (LEAP, LEAP - 1),
        (LEAP, FULL),
        (LEAP, FULL - 1),
        (LEAP, 0.0),
        (LEAP, None, 0.0),
        (LEAP, LEAP + 5 * MOST_A_DAY),
        (LEAP, LEAP + 5 * MOST_A_DAY, 0.0, None),
    ],
    ids=["down", "old-value", "lower", "0", "null-and-0", "two-leaps", "all-sorts"],
)
def test_rubbish_that_alternates_is_never_believed(values: tuple[float | None, ...]) -> None:
    total = Total().after(FULL)

    shown = set()
    for step in range(1, 1000):
        value = values[step % len(values)]
        if total.shows(value, step * MINUTE):
            shown.add(value)

    assert shown <= {FULL}


# --- 0 after a start ---


def test_a_plain_0_after_a_start_is_believed_after_15_minutes() -> None:
    total = Total()

    assert not total.shows(0.0, 0)
    assert total.guard.withheld == 1
    assert not total.shows(0.0, 14.9 * MINUTE)
    assert total.shows(0.0, 15 * MINUTE)


def test_a_0_after_a_start_gives_way_to_a_value_at_once() -> None:
    total = Total()
    total.shows(0.0, 0)

    assert total.shows(FULL, 5)


def test_a_0_after_a_start_stays_withheld_when_it_becomes_null() -> None:
    total = Total()
    total.shows(0.0, 0)

    assert not total.shows(None, 5)
    assert total.guard.withheld == 1
    assert total.log == [(True, 0.0)]


def test_0_is_never_a_reset() -> None:
    total = Total(reset_delay=HOUR).after(FULL)

    assert not any(total.shows(0.0, hour * HOUR) for hour in range(1, 24 * 30))
    assert total.shows(FULL, 31 * DAY)


# --- resets ---


def test_lower_is_a_reset_when_it_stayed_lower_and_rose_for_the_delay() -> None:
    total = Total().after(FULL)

    assert not total.shows(100.0, 0.5 * HOUR)
    assert not total.shows(200.0, 12 * HOUR)
    assert not total.shows(300.0, 24.4 * HOUR)
    assert total.shows(400.0, 24.5 * HOUR)
    assert total.shows(400.0, 25 * HOUR)


def test_lower_that_does_not_rise_is_never_a_reset() -> None:
    total = Total().after(FULL)

    assert not any(total.shows(100.0, hour * HOUR) for hour in range(1, 24 * 30))


def test_the_delay_can_be_configured() -> None:
    total = Total(reset_delay=HOUR).after(FULL)

    assert not total.shows(100.0, MINUTE)
    assert not total.shows(200.0, 60 * MINUTE)
    assert total.shows(200.0, 61 * MINUTE)


@pytest.mark.parametrize("night", [None, 0.0], ids=["null", "0"])
def test_a_night_without_values_does_not_interrupt_a_reset(night: float | None) -> None:
    total = Total().after(FULL)
    total.shows(100.0, HOUR)
    for hour in range(8, 20):
        total.shows(night, hour * HOUR)

    assert total.shows(200.0, 25 * HOUR)


@pytest.mark.parametrize(
    "interruption", [FULL, 50.0, 100.0 + 5 * MOST_A_DAY], ids=["old-value", "fall", "leap"]
)
def test_the_delay_starts_anew_when_the_line_breaks(interruption: float) -> None:
    total = Total().after(FULL)
    total.shows(100.0, HOUR)
    total.shows(interruption, 20 * HOUR)

    assert not total.shows(200.0, 25 * HOUR)
    assert not total.shows(300.0, 43.9 * HOUR)


# --- another device ---


def test_another_serial_number_starts_anew() -> None:
    total = Total().after(FULL)
    total.shows(None, 5)

    total.guard.forget()

    assert total.guard.withheld == 0
    assert total.shows(100.0, 10)


def test_0_of_another_device_is_a_0_after_a_start() -> None:
    total = Total().after(FULL)
    total.guard.forget()

    assert not total.shows(0.0, 5)
    assert total.shows(0.0, 5 + 15 * MINUTE)


# --- what is said of it ---


def test_one_change_for_each_change() -> None:
    total = Total().after(FULL)

    for at, value in enumerate([None, None, 5.0, 6.0, 0.0, FULL, FULL, LEAP, None, FULL + 1]):
        total.shows(value, 5 + at)

    assert total.log == [(True, None), (False, FULL), (True, LEAP), (False, FULL + 1)]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "none"),
        (FULL - 1, "lower"),
        (0.0, "0, which is no reset"),
        (LEAP, "leap"),
    ],
    ids=["null", "lower", "0", "leap"],
)
def test_a_change_says_why_and_what_was_accepted(value: float | None, why: str) -> None:
    guard = CounterGuard()
    guard.check({"total_yield": FULL}, {"total_yield": WATTS}, START, DAY)
    totals = {} if value is None else {"total_yield": value}

    (change,) = guard.check(totals, {"total_yield": WATTS}, START + 5, DAY)

    assert why in change.why
    assert change[0] == "total_yield"
    assert change[2:] == (value, FULL)


def test_each_total_is_judged_by_itself() -> None:
    guard = CounterGuard()
    guard.check({"total_yield": FULL, "pv_gen_meter": FULL}, {}, START, DAY)

    changes = guard.check({"total_yield": FULL + 1, "pv_gen_meter": 1.0}, {}, START + 5, DAY)

    assert [change.sensor for change in changes] == ["pv_gen_meter"]
    assert guard.withheld == 1
    assert not guard.is_withheld("total_yield")


# --- whatever is sent ---

STEPS = st.sampled_from([5.0, MINUTE, 15 * MINUTE, HOUR, 12 * HOUR, DAY])
VALUES = st.one_of(
    st.none(),
    st.sampled_from([0.0, 1.0, 2.0, FULL - 1, FULL, FULL + 1, LEAP, LEAP + 1, 2 * LEAP]),
    st.floats(-1e12, 1e14, allow_nan=False),
    st.just(IMPOSSIBLE),
)
Reading = tuple[float, float | None]


def line_before(history: list[Reading], low: float, high: float) -> list[Reading]:
    """Return the readings at the end that never fall and lie between two values.

    Nulls do not count, and among readings that are too low anyway zeros do not either.
    """
    line: list[Reading] = []
    for at, value in reversed(history):
        if value is None or value > MOST_EVER or (value == 0 and low < 0):
            continue
        if not low < value < high or (line and value > (line[0][1] or 0)):
            break
        line.insert(0, (at, value))
    return line


@given(st.lists(st.tuples(STEPS, VALUES), max_size=60))
def test_whatever_is_sent_totals_fall_and_leap_by_the_rules_only(
    sent: list[tuple[float, float | None]],
) -> None:
    total, at = Total(), 0.0
    history: list[Reading] = []
    shown: list[tuple[float, float, int]] = []
    for step, value in sent:
        at += step
        history.append((at, value))
        if total.shows(value, at):
            assert value is not None
            assert value <= MOST_EVER
            shown.append((at, value, len(history)))

    for (then, old, _), (now, new, length) in pairwise(shown):
        if new < old:
            line = line_before(history[:length], -float("inf"), old)
            assert new != 0
            assert new > (line[0][1] or 0)
            assert now - line[0][0] >= DAY
        elif new - old > 2 * WATTS * (now - then + DAY):
            line = line_before(history[:length], old, float("inf"))
            assert now - line[0][0] >= 15 * MINUTE


@given(st.lists(st.tuples(STEPS, VALUES), max_size=60))
def test_whatever_is_sent_each_change_is_told_once(sent: list[tuple[float, float | None]]) -> None:
    total, at, withheld = Total(), 0.0, False
    for step, value in sent:
        at += step
        told = len(total.log)
        total.shows(value, at)
        now_withheld = total.guard.is_withheld("total_yield")

        assert total.log[told:] == ([(now_withheld, value)] if now_withheld != withheld else [])
        assert total.guard.withheld == int(now_withheld)
        withheld = now_withheld
