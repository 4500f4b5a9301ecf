"""What ends a backfill, beside the failures of the device itself, in sentences."""

from ..sma.history import HistoryError


class HistoryUsageError(HistoryError):
    """Raised for dates, a time zone or a file that do not fit: asking once more changes nothing."""
