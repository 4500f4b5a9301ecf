"""A request for the history is repeated after pauses that grow, and what cannot help is not tried."""

from collections.abc import Iterator

import pytest
from support.backfills import Pauses

from sma_exporter.sma.exceptions import (
    Pause,
    SmaAuthenticationException,
    SmaConnectionException,
    SmaException,
    SmaReadException,
    SmaTlsException,
)
from sma_exporter.sma.history import PAUSES, Stopped, repeated


class Request:
    """Fails as often as it is told to, then brings 5."""

    def __init__(self, *failures: SmaException) -> None:
        self._failures: Iterator[SmaException] = iter(failures)
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        for failure in self._failures:
            raise failure
        return 5


def lost() -> SmaException:
    error = SmaConnectionException("lost", sent=True)
    error.pause = Pause.LOST_LOGIN
    return error


def ask(request: Request, pauses: Pauses) -> int:
    return repeated(request, pauses, "roof", is_final=lambda error: str(error) == "final")


def test_what_answers_is_asked_once() -> None:
    request, pauses = Request(), Pauses()
    assert (ask(request, pauses), request.asked, pauses.seconds) == (5, 1, [])


def test_a_failure_is_repeated_after_pauses_that_grow() -> None:
    request, pauses = Request(SmaReadException("x"), SmaConnectionException("x")), Pauses()
    assert ask(request, pauses) == 5
    assert pauses.seconds == [*PAUSES[:2]]


def test_in_the_end_the_failure_is_raised() -> None:
    request, pauses = Request(*[SmaReadException("x")] * 20), Pauses()
    with pytest.raises(SmaReadException):
        ask(request, pauses)
    assert (request.asked, pauses.seconds) == (len(PAUSES) + 1, [*PAUSES])


@pytest.mark.parametrize(
    "failure",
    [
        SmaReadException("final"),
        SmaAuthenticationException("x"),
        SmaTlsException("x"),
        SmaException("x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_cannot_help_is_not_tried(failure: SmaException) -> None:
    request, pauses = Request(failure), Pauses()
    with pytest.raises(type(failure)):
        ask(request, pauses)
    assert (request.asked, pauses.seconds) == (1, [])


def test_a_login_that_was_lost_waits_its_own_time() -> None:
    request, pauses = Request(*[lost() for _ in range(5)]), Pauses()
    assert ask(request, pauses) == 5
    assert pauses.seconds == [10, 20, 40, 80, 160]


@pytest.mark.parametrize("calls", [0, 1])
def test_the_user_may_stop_before_a_request_and_in_a_pause(calls: int) -> None:
    request = Request(SmaReadException("x"))
    with pytest.raises(Stopped):
        ask(request, Pauses(calls=calls))
    assert request.asked == calls
