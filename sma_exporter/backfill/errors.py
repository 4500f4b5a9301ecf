"""What ends a backfill, in sentences; the failures of the device itself are webconnect's."""


class HistoryError(Exception):
    """Raised when a device's past cannot be had or written."""


class HistoryUsageError(HistoryError):
    """Raised for dates, a time zone or a file that do not fit: asking once more changes nothing."""


class Stopped(HistoryError):
    """Raised when the user wants it to end."""

    def __init__(self) -> None:
        super().__init__("stopped")
