"""How long a device is left alone after a login that failed."""

import pytest

from sma_exporter.sma.backoff import Backoff
from sma_exporter.sma.exceptions import Pause

LOST = [10, 20, 40, 80, 160, 300, 300]
REFUSED = [60, 120, 240, 480, 900, 900]
FULL = [10, 20, 40, 80, 120, 120]


@pytest.mark.parametrize(
    ("cause", "pauses"),
    [(Pause.LOST_LOGIN, LOST), (Pause.REFUSED, REFUSED), (Pause.FULL, FULL)],
    ids=["lost", "refused", "full"],
)
def test_each_failure_doubles_the_pause_up_to_a_cap(cause: Pause, pauses: list[float]) -> None:
    backoff, now = Backoff(), 1000.0

    found = []
    for _ in pauses:
        found.append(backoff.failed(cause, now))
        now += found[-1]

    assert found == pauses


@pytest.mark.parametrize("cause", Pause)
def test_the_pause_runs_down_and_then_the_device_may_be_asked(cause: Pause) -> None:
    backoff = Backoff()
    first = backoff.failed(cause, 1000.0)

    left = [backoff.left(1000.0 + passed) for passed in (0, first - 1, first, first + 1)]

    assert left == [first, 1, 0, 0]
    assert backoff.pause is cause


def test_nothing_to_wait_for_before_the_first_failure() -> None:
    backoff = Backoff()

    assert backoff.left(0.0) == 0
    assert backoff.pause is None


@pytest.mark.parametrize(
    ("at_least", "pause"),
    [(0, 60), (59, 60), (61, 61), (1800, 900), (2**32 - 2, 900), (-5, 60)],
    ids=["none", "shorter", "longer", "half-an-hour", "years", "negative"],
)
def test_the_device_can_ask_for_a_longer_pause_but_not_for_a_shorter(
    at_least: float, pause: float
) -> None:
    assert Backoff().failed(Pause.REFUSED, 1000.0, at_least) == pause


def test_a_longer_pause_that_the_device_asked_for_is_not_what_doubles() -> None:
    backoff = Backoff()
    backoff.failed(Pause.REFUSED, 1000.0, at_least=700)

    assert backoff.failed(Pause.REFUSED, 1700.0) == 120


@pytest.mark.parametrize(
    ("before", "then", "first"),
    [
        (Pause.LOST_LOGIN, Pause.REFUSED, 60),
        (Pause.REFUSED, Pause.FULL, 10),
        (Pause.FULL, Pause.LOST_LOGIN, 10),
    ],
    ids=["lost-refused", "refused-full", "full-lost"],
)
def test_another_cause_starts_anew(before: Pause, then: Pause, first: float) -> None:
    backoff = Backoff()
    backoff.failed(before, 1000.0)
    backoff.failed(before, 2000.0)

    assert backoff.failed(then, 3000.0) == first
    assert backoff.failed(before, 4000.0) == before.value[0]


def test_a_pause_that_is_over_is_forgotten() -> None:
    backoff = Backoff()
    backoff.failed(Pause.FULL, 1000.0)
    backoff.failed(Pause.FULL, 1000.0)

    backoff.over()

    assert backoff.left(1000.0) == 0
    assert backoff.pause is None
    assert backoff.failed(Pause.FULL, 1000.0) == 10
