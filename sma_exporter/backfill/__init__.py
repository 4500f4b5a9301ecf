"""What a device has kept of its own history, for Prometheus' backfill.

`command` walks the wanted span; `time_ranges` has days, zones and pieces of time; `series` judges and
writes one series; `openmetrics` is the file; `listing` shows what there is.
"""

from ..sma.history import HistoryError, Stopped
from .command import INTERVALS, Wanted, backfill, output
from .errors import HistoryUsageError
from .listing import listing
from .time_ranges import given_zone, parse_date

__all__ = [
    "INTERVALS",
    "HistoryError",
    "HistoryUsageError",
    "Stopped",
    "Wanted",
    "backfill",
    "given_zone",
    "listing",
    "output",
    "parse_date",
]
