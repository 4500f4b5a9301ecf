"""Log lines in logfmt or JSON, as Prometheus and its exporters write them, on standard error.

    time=2026-11-23T05:29:22.123Z level=info source=device.py:123 msg="login refused" device=roof

What a line is about goes into `extra`, not into the message:

    log.warning("login refused", extra={"device": "roof", "reason": "authentication"})
"""

import atexit
import json
import logging
import math
import re
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TextIO

from .queued_stream import QueuedStream

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
FORMATS = ("logfmt", "json")

# Their lines quote whole addresses, and so session ids: at debug every request, at warning a reply with odd
# headers. What goes wrong in them reaches us as an exception anyway.
_QUIET_LIBRARIES = ("requests", "urllib3")

#: What every record has, and what a formatter adds to one.
_RECORD_KEYS = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}

_NEEDS_QUOTES = frozenset(' ="\\')

_Value = str | int | float | None

#: Seconds that the end of the process waits for lines to be written.
_DRAIN_SECONDS = 1.0

_LOGGER = logging.getLogger(__name__)


def setup(
    level: str,
    format: str,  # noqa: A002 - the flag's word
    stream: TextIO | None = None,
    *,
    queued: bool = False,
) -> None:
    """Send every log line of the process to `stream`, by default standard error.

    With `queued` nothing that is written to standard error keeps the process waiting, and a thread that ends
    by an exception logs it. A second call replaces the first. ValueError when `level` or `format` is none of
    LEVELS or FORMATS.
    """
    if level not in LEVELS:
        raise ValueError(f"the log level must be one of {', '.join(LEVELS)}")
    if format not in FORMATS:
        raise ValueError(f"the log format must be one of {', '.join(FORMATS)}")
    formatter = _LineFormatter(_json if format == "json" else _logfmt, tracebacks=level == "debug")
    if queued:
        _queue_standard_error(formatter)
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for earlier in [*root.handlers]:
        if isinstance(earlier.formatter, _LineFormatter):
            root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(LEVELS[level])
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    # Python would print warnings to standard error as plain text, between lines that a program reads.
    logging.captureWarnings(capture=True)


def dropped_lines() -> int:
    """Return how many lines were lost because standard error did not take them."""
    streams = (getattr(handler, "stream", None) for handler in logging.getLogger().handlers)
    return sum(stream.dropped for stream in streams if isinstance(stream, QueuedStream))


def _queue_standard_error(formatter: logging.Formatter) -> None:
    def lost(count: int) -> str:
        sentence = "standard error did not take the log lines: some were dropped"
        record = _LOGGER.makeRecord(
            _LOGGER.name, logging.WARNING, __file__, 0, sentence, (), None, extra={"lines": count}
        )
        return formatter.format(record)

    try:
        stream = QueuedStream(sys.stderr.fileno(), lost)
    except RuntimeError:  # no thread: then as Python does it
        return
    atexit.register(stream.drain, _DRAIN_SECONDS)
    sys.stderr = stream
    threading.excepthook = _log_uncaught


def _log_uncaught(ended: threading.ExceptHookArgs) -> None:
    name = ended.thread.name if ended.thread else ""
    message = (
        f"internal error ({ended.exc_type.__name__}): please report it, with --log.level=debug"
    )
    _LOGGER.error(message, extra={"in": name})
    _LOGGER.debug("internal error", exc_info=ended.exc_value)


class _LineFormatter(logging.Formatter):
    """A record as one line, whatever texts are in it."""

    def __init__(self, write: Callable[[Mapping[str, _Value]], str], *, tracebacks: bool) -> None:
        super().__init__()
        self._write = write
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        own: dict[str, object] = {
            "time": time.replace("+00:00", "Z"),
            "level": _level(record.levelno),
            "source": f"{record.filename}:{record.lineno}",
            "msg": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            own["error"] = f"{type(error).__name__}: {error}"
            if self._tracebacks:
                own["traceback"] = self.formatException(record.exc_info)
        # The line's own keys first, and never replaced by a field of the same name.
        keys = own | _extra(record) | own
        return self._write({_key(key): _value(value) for key, value in keys.items()})


def _extra(record: logging.LogRecord) -> dict[str, object]:
    """Return what the caller has added to a record."""
    return {key: value for key, value in vars(record).items() if key not in _RECORD_KEYS}


def _level(number: int) -> str:
    """Return the word for a level; one that a library made up counts as the next lower."""
    return next((word for word, least in reversed(LEVELS.items()) if number >= least), "debug")


def _key(key: str) -> str:
    return re.sub("[^A-Za-z0-9_.]", "_", key) or "_"


def _value(value: object) -> _Value:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value)


def _json(keys: Mapping[str, _Value]) -> str:
    return json.dumps(keys)


def _logfmt(keys: Mapping[str, _Value]) -> str:
    return " ".join(f"{key}={_logfmt_value(value)}" for key, value in keys.items())


def _logfmt_value(value: _Value) -> str:
    if not isinstance(value, str):
        return json.dumps(value)  # null, true, 1.5
    if value and value.isprintable() and not _NEEDS_QUOTES & set(value):
        return value
    return '"' + "".join(map(_escape, value)) + '"'


def _escape(character: str) -> str:
    """Keep what can be read; nothing may end the line, move the cursor or turn the direction of writing."""
    if character.isprintable() and character not in '"\\':
        return character
    return json.dumps(character)[1:-1]
