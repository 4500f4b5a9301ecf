"""Log lines in logfmt or JSON, as Prometheus and its exporters write them, on standard error.

    time=2026-11-23T05:29:22.123Z level=info source=device.py:123 msg="login refused" device=roof

What a line is about goes into `extra`, not into the message:

    log.warning("login refused", extra={"device": "roof", "reason": "authentication"})
"""

import json
import logging
import math
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TextIO

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


def setup(level: str, format: str, stream: TextIO | None = None) -> None:  # noqa: A002 - the flag's word
    """Send every log line of the process to `stream`, by default standard error.

    A second call replaces the first. ValueError when `level` or `format` is none of LEVELS or FORMATS.
    """
    if level not in LEVELS:
        raise ValueError(f"the log level must be one of {', '.join(LEVELS)}")
    if format not in FORMATS:
        raise ValueError(f"the log format must be one of {', '.join(FORMATS)}")
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(
        _LineFormatter(_json if format == "json" else _logfmt, tracebacks=level == "debug")
    )
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
