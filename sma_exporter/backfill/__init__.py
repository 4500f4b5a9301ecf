"""What a device has logged of its own past, for Prometheus' backfill.

`backfill` walks the wanted span; `loggers` is the table of what devices keep; `spans` has days, zones and
pieces of time; `source` asks a device; `past` judges and converts; `openmetrics` writes; `listing` shows
what there is.
"""

from .command import INTERVALS, Wanted, backfill, output
from .errors import HistoryError, HistoryUsageError, Stopped
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
