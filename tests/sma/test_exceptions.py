"""The tree of exceptions: its users' `except` clauses rest on it."""

import pytest

from sma_exporter import webconnect
from sma_exporter.webconnect import (
    SmaAuthenticationException,
    SmaConnectionException,
    SmaException,
    SmaNoLoggerException,
    SmaNotWebConnectException,
    SmaPinException,
    SmaReadException,
    SmaSessionLimitException,
    SmaSeveralDevicesException,
    SmaTimeoutException,
    SmaTlsException,
)

PARENTS: dict[type[Exception], type[Exception]] = {
    SmaException: Exception,
    SmaAuthenticationException: SmaException,
    SmaSessionLimitException: SmaAuthenticationException,
    SmaConnectionException: SmaException,
    SmaTimeoutException: SmaConnectionException,
    SmaTlsException: SmaConnectionException,
    SmaPinException: SmaTlsException,
    SmaReadException: SmaException,
    SmaNoLoggerException: SmaReadException,
    SmaNotWebConnectException: SmaReadException,
    SmaSeveralDevicesException: SmaReadException,
}


def test_all_exceptions_are_covered_and_can_be_imported() -> None:
    assert {kind.__name__ for kind in PARENTS} == {
        name for name in webconnect.__all__ if name.endswith("Exception")
    }


@pytest.mark.parametrize("kind", PARENTS, ids=lambda kind: kind.__name__)
def test_an_exception_stands_in_its_place_and_says_when_it_is_raised(
    kind: type[Exception],
) -> None:
    assert kind.__base__ is PARENTS[kind]
    assert kind.__doc__
    assert kind is SmaException or kind.__doc__.startswith("Raised when ")


@pytest.mark.parametrize("kind", PARENTS, ids=lambda kind: kind.__name__)
def test_without_further_knowledge_nothing_is_lost_sent_or_refused(
    kind: type[SmaException],
) -> None:
    error = kind("words")

    assert str(error) == "words"
    assert error.login_lost is False
    if isinstance(error, SmaConnectionException):
        assert (error.sent, error.refused) == (False, False)
    if isinstance(error, SmaTlsException):
        assert error.fingerprint is None
    if isinstance(error, SmaReadException):
        assert error.err is None
