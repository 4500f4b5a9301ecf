"""What can go wrong with a device, told apart as far as somebody could act on it.

Each class carries its reason.

PySMA's four names are the roots, so that its users' `except` clauses keep their meaning::

    SmaException
    ├── SmaAuthenticationException      the device refuses the password
    │   └── SmaSessionLimitException    right or wrong, the device has no session left
    ├── SmaCredentialsException         there is no password to log in with: none was sent
    ├── SmaIdentityException            another device than the configured one answers
    ├── SmaConnectionException          no answer: refused, unreachable, dropped
    │   ├── SmaTimeoutException         no complete answer in the time that was given
    │   └── SmaTlsException             no trusted connection
    │       └── SmaPinException         another certificate than the pinned one
    └── SmaReadException                an answer, but not one that can be used
        └── SmaUnsupportedException     it will not be usable with the next try either

No message ever holds a password or a session id.
"""

from enum import Enum, StrEnum
from typing import ClassVar


class Reason(StrEnum):
    """Why a read fails: the values of the label `reason`, in the order of exposition."""

    CONNECTION = "connection"
    TIMEOUT = "timeout"
    TLS = "tls"
    CERTIFICATE_PIN = "certificate_pin"
    AUTHENTICATION = "authentication"
    SESSION_LIMIT = "session_limit"
    IDENTITY = "identity"
    PROTOCOL = "protocol"
    UNSUPPORTED = "unsupported"
    INTERNAL = "internal"


class Pause(Enum):
    """Why a device is left alone: seconds at first, and at most. Each failure in a row doubles them."""

    LOST_LOGIN = (10.0, 300.0)
    """A login without an answer, or a session that could not be closed: one may be left behind."""
    REFUSED = (60.0, 900.0)
    """A wrong password: devices lock the account after some."""
    FULL = (10.0, 120.0)
    """No free session."""


class SmaException(Exception):
    """Base of all exceptions about a device.

    `pause`: whether, and how long, the device is to be left alone now. `retry_after`: seconds that
    the device itself names. `free_sessions`: as the device told when it was asked, else None.
    """

    reason: ClassVar[Reason] = Reason.INTERNAL
    pause: Pause | None = None
    retry_after: float = 0.0
    free_sessions: int | None = None

    @property
    def login_lost(self) -> bool:
        """Whether a session may have been left behind, mostly by a login without an answer."""
        return self.pause is Pause.LOST_LOGIN

    @property
    def brief(self) -> str:
        """Why, without the sentence: that may name an address or a user."""
        return str(self.reason)


class SmaAuthenticationException(SmaException):
    """Raised when the device refuses the password for the group that was tried."""

    reason = Reason.AUTHENTICATION
    pause = Pause.REFUSED


class SmaSessionLimitException(SmaAuthenticationException):
    """Raised when a login is refused because all sessions are taken."""

    reason = Reason.SESSION_LIMIT
    pause = Pause.FULL


class SmaCredentialsException(SmaException):
    """Raised when there is no password to log in with: its file cannot be read, or none is configured."""

    reason = Reason.AUTHENTICATION


class SmaIdentityException(SmaException):
    """Raised when another device than the configured one answers at its address."""

    reason = Reason.IDENTITY


class SmaConnectionException(SmaException):
    """Raised when the device does not answer.

    `sent` tells whether the request had been sent by then, so whether it may have had an effect.
    `refused` tells that nobody listens on the port.
    """

    reason = Reason.CONNECTION

    def __init__(self, message: str, *, sent: bool = False, refused: bool = False) -> None:
        super().__init__(message)
        self.sent = sent
        self.refused = refused

    @property
    def closed(self) -> bool:
        """Whether somebody is there: took the request, and closed the connection."""
        return self.sent


class SmaTimeoutException(SmaConnectionException):
    """Raised when a request, taken as a whole, was not answered in its time."""

    reason = Reason.TIMEOUT

    @property
    def closed(self) -> bool:
        """False: nobody is known to be there."""
        return False


class SmaTlsException(SmaConnectionException):
    """Raised when no trusted TLS connection comes about.

    `fingerprint` is what the device's certificate would be pinned by ("sha256:AB:CD:…"); None
    when it could not be had, or must not be offered.
    """

    reason = Reason.TLS

    def __init__(self, message: str, *, fingerprint: str | None = None) -> None:
        super().__init__(message)
        self.fingerprint = fingerprint


class SmaPinException(SmaTlsException):
    """Raised when the device shows another certificate than the pinned one, before anything is sent."""

    reason = Reason.CERTIFICATE_PIN


class SmaReadException(SmaException):
    """Raised when a reply cannot be used: malformed, too large, cut, without a result, or an error.

    `err` is the number of the device's error body or the HTTP status; None where there was neither.
    """

    reason = Reason.PROTOCOL

    def __init__(self, message: str, *, err: int | None = None) -> None:
        super().__init__(message)
        self.err = err

    @property
    def brief(self) -> str:
        """Why, with the number of the error if it is a usual one."""
        reason = str(self.reason)
        return reason if self.err is None or self.err > 999 else f"{reason}: err {self.err}"


class SmaUnsupportedException(SmaReadException):
    """Raised when what answers cannot be read as configured, and will not be with the next try either."""

    reason = Reason.UNSUPPORTED
