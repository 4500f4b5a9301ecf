"""What can go wrong with WebConnect alone; everything else is in `sma.exceptions`."""

from ..sma.exceptions import SmaReadException, SmaUnsupportedException


class SmaNoLoggerException(SmaReadException):
    """Raised when a logger is asked for and the reply has no list of entries.

    Some firmware says so too of a time in which nothing was stored.
    """


class SmaErrorReplyException(SmaReadException):
    """Raised when the device answers a call with an error number (`err`), instead of a result."""


class SmaNotWebConnectException(SmaUnsupportedException):
    """Raised when what answers does not speak WebConnect: a web page, ennexOS, a WebBox."""


class SmaSeveralDevicesException(SmaUnsupportedException):
    """Raised when one reply holds the values of more than one device."""
