"""Deadlines, by a clock of the test's own."""

import time

import pytest

from sma_exporter.sma.deadline import Deadline


class Clock:
    """A clock that stands still until it is put forward."""

    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_what_is_left_runs_out_and_is_never_below_0(clock: Clock) -> None:
    deadline = Deadline.after(5, clock)

    left = [deadline.left()]
    for seconds in (2, 3, 100):
        clock.now += seconds
        left.append(deadline.left())

    assert left == [5, 3, 0, 0]


def test_a_deadline_may_be_in_the_past_from_the_start(clock: Clock) -> None:
    assert Deadline(clock.now - 1, clock).left() == 0
    assert Deadline.after(-1, clock).left() == 0


@pytest.mark.parametrize(("seconds", "left"), [(2, 2), (5, 5), (8, 5), (-1, 0)])
def test_a_part_of_the_time_ends_no_later_than_the_whole(
    clock: Clock, seconds: float, left: float
) -> None:
    whole = Deadline.after(5, clock)

    part = whole.at_most(seconds)

    assert part.left() == left
    clock.now += 1
    assert part.left() == max(left - 1, 0)
    assert whole.left() == 4


def test_the_clock_is_the_monotonic_one_if_none_is_given() -> None:
    deadline = Deadline(time.monotonic() + 1000)

    assert 990 < deadline.left() <= 1000
    assert 990 < Deadline.after(1000).left() <= 1000


def test_a_deadline_shows_what_is_left(clock: Clock) -> None:
    assert repr(Deadline.after(2.5, clock)) == "Deadline(in 2.5 s)"
