"""What can go wrong with a device, told apart as far as somebody could act on it.

PySMA's four names are the roots, so that its users' `except` clauses keep their meaning::

    SmaException
    ├── SmaAuthenticationException      the password was refused for this group
    │   └── SmaSessionLimitException    right or wrong, the device has no session left (err 503)
    ├── SmaConnectionException          no answer: refused, unreachable, dropped
    │   ├── SmaTimeoutException         no complete answer in the time that was given
    │   └── SmaTlsException             no trusted connection
    │       └── SmaPinException         another certificate than the pinned one
    └── SmaReadException                an answer, but not one that can be used
        ├── SmaNoLoggerException        the device keeps no such logger, or shows it to others only
        ├── SmaNotWebConnectException   something else answers here
        └── SmaSeveralDevicesException  one reply speaks for several devices

No message ever holds a password or a session id.
"""


class SmaException(Exception):
    """Base of all exceptions of this package.

    `login_lost` is true when a login was sent and its answer never came back: the device may
    hold a session that nobody can close, so whoever tries again should wait.
    """

    login_lost = False


class SmaAuthenticationException(SmaException):
    """Raised when the device refuses the password for the group that was tried."""


class SmaSessionLimitException(SmaAuthenticationException):
    """Raised when a login is answered with err 503: all sessions are taken."""


class SmaConnectionException(SmaException):
    """Raised when the device does not answer.

    `sent` tells whether the request had been sent by then, so whether it may have had an effect.
    `refused` tells that nobody listens on the port.
    """

    def __init__(self, message: str, *, sent: bool = False, refused: bool = False) -> None:
        super().__init__(message)
        self.sent = sent
        self.refused = refused


class SmaTimeoutException(SmaConnectionException):
    """Raised when a request, taken as a whole, was not answered in its time."""


class SmaTlsException(SmaConnectionException):
    """Raised when no trusted TLS connection comes about.

    `fingerprint` is what the device's certificate would be pinned by ("sha256:AB:CD:…"); None
    when it could not be had, or must not be offered.
    """

    def __init__(self, message: str, *, fingerprint: str | None = None) -> None:
        super().__init__(message)
        self.fingerprint = fingerprint


class SmaPinException(SmaTlsException):
    """Raised when the device shows another certificate than the pinned one, before anything is sent."""


class SmaReadException(SmaException):
    """Raised when a reply cannot be used: not JSON, too large, cut, without result, or an error.

    `err` is the number of the device's error body or the HTTP status; None where there was neither.
    """

    def __init__(self, message: str, *, err: int | None = None) -> None:
        super().__init__(message)
        self.err = err


class SmaNoLoggerException(SmaReadException):
    """Raised when a logger is asked for and the reply has no list of entries.

    Some firmware says so too of a time in which nothing was stored.
    """


class SmaNotWebConnectException(SmaReadException):
    """Raised when what answers does not speak WebConnect: a web page, ennexOS, a WebBox."""


class SmaSeveralDevicesException(SmaReadException):
    """Raised when one reply holds the values of more than one device."""
