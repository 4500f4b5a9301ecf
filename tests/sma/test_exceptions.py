"""The tree of exceptions: its users' `except` clauses rest on it, and the label `reason`."""

import pytest

from sma_exporter.sma import exceptions
from sma_exporter.sma.exceptions import (
    Pause,
    Reason,
    SmaAuthenticationException,
    SmaConnectionException,
    SmaCredentialsException,
    SmaException,
    SmaIdentityException,
    SmaPinException,
    SmaReadException,
    SmaSessionLimitException,
    SmaTimeoutException,
    SmaTlsException,
    SmaUnsupportedException,
)
from sma_exporter.webconnect import exceptions as webconnect
from sma_exporter.webconnect.exceptions import (
    SmaErrorReplyException,
    SmaNoLoggerException,
    SmaNotWebConnectException,
    SmaSeveralDevicesException,
)

#: Each class, its parent, its reason and its pause.
TREE: list[tuple[type[SmaException], type[Exception], Reason, Pause | None]] = [
    (SmaException, Exception, Reason.INTERNAL, None),
    (SmaAuthenticationException, SmaException, Reason.AUTHENTICATION, Pause.REFUSED),
    (SmaSessionLimitException, SmaAuthenticationException, Reason.SESSION_LIMIT, Pause.FULL),
    (SmaCredentialsException, SmaException, Reason.AUTHENTICATION, None),
    (SmaIdentityException, SmaException, Reason.IDENTITY, None),
    (SmaConnectionException, SmaException, Reason.CONNECTION, None),
    (SmaTimeoutException, SmaConnectionException, Reason.TIMEOUT, None),
    (SmaTlsException, SmaConnectionException, Reason.TLS, None),
    (SmaPinException, SmaTlsException, Reason.CERTIFICATE_PIN, None),
    (SmaReadException, SmaException, Reason.PROTOCOL, None),
    (SmaUnsupportedException, SmaReadException, Reason.UNSUPPORTED, None),
    (SmaErrorReplyException, SmaReadException, Reason.PROTOCOL, None),
    (SmaNoLoggerException, SmaReadException, Reason.PROTOCOL, None),
    (SmaNotWebConnectException, SmaUnsupportedException, Reason.UNSUPPORTED, None),
    (SmaSeveralDevicesException, SmaUnsupportedException, Reason.UNSUPPORTED, None),
]
KINDS = [kind for kind, *_ in TREE]


def test_the_tree_is_whole_and_every_reason_has_a_class() -> None:
    named = {
        value
        for module in (exceptions, webconnect)
        for name, value in vars(module).items()
        if name.startswith("Sma")
    }

    assert named == {*KINDS}
    assert {kind.reason for kind in KINDS} == {*Reason}


@pytest.mark.parametrize(("kind", "parent", "reason", "pause"), TREE)
def test_an_exception_stands_in_its_place_and_says_when_it_is_raised_and_why(
    kind: type[SmaException], parent: type[Exception], reason: Reason, pause: Pause | None
) -> None:
    assert kind.__base__ is parent
    assert (kind.reason, kind.pause) == (reason, pause)
    assert kind.__doc__
    assert kind is SmaException or kind.__doc__.startswith("Raised when ")


@pytest.mark.parametrize("kind", KINDS)
def test_without_further_knowledge_nothing_is_lost_sent_or_refused(
    kind: type[SmaException],
) -> None:
    error = kind("words")

    assert str(error) == "words"
    assert (error.login_lost, error.retry_after, error.free_sessions) == (False, 0.0, None)
    if isinstance(error, SmaConnectionException):
        assert (error.sent, error.refused) == (False, False)
    if isinstance(error, SmaTlsException):
        assert error.fingerprint is None
    if isinstance(error, SmaReadException):
        assert error.err is None


def test_a_pause_of_one_failure_is_not_that_of_its_class() -> None:
    lost, other = SmaTimeoutException("words"), SmaTimeoutException("words")
    lost.pause = Pause.LOST_LOGIN

    assert lost.login_lost
    assert not other.login_lost
