"""OpenMetrics with timestamps: what one series looks like in it, and a file that can be continued.

promtool wants the samples of a series in the order of time (it drops others without a word), a family's in
one piece, and `# EOF` at the end: without it a file is refused. So a file is written in that order, whole
lines at a time, and gets its end when everything is in it. What was cut short is therefore known by
its lacking end, and where to go on by its last whole line.
"""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST

from ..metrics import families as metrics
from ..metrics.exposition import head
from ..metrics.exposition import series as series_of
from ..sma.history import HistoryError
from .errors import HistoryUsageError

_BEGINNING, _END = b"# HELP sma_", b"# EOF\n"
_BLOCK = 1 << 16

_FAMILY_OF = {
    sensor: (family, part)
    for family in metrics.ALL_FAMILIES
    for sensor, part in family.sensors.items()
}


@dataclass(frozen=True, slots=True)
class Series:
    """The one series of a family that a file holds: its head, and what stands before each value."""

    header: bytes
    prefix: str
    is_counter: bool

    @property
    def name(self) -> str:
        """The name of the metric."""
        return self.prefix.partition("{")[0]


def new_series(sensor: str, device: str, labels: Mapping[str, str], note: str) -> Series:
    """Return what the live series of a sensor is in OpenMetrics, with further labels.

    `note` is added to the HELP, so that a file tells how it was made. KeyError for a sensor without family.
    """
    family, part = _FAMILY_OF[sensor]
    metric = metrics.new_metric(family)
    documentation = f"{metric.documentation} {note}"
    header = head(CONTENT_TYPE_LATEST, metric.name, documentation, metric.type, metric.unit)
    own = {"device": device} | ({family.label: part} if family.label else {})
    prefix = series_of(family.name, own | dict(labels))
    return Series(header.encode(), prefix, family.kind == metrics.COUNTER)


def metric_of(sensor: str) -> str:
    """Return the name of the metric that a sensor becomes; KeyError for a sensor without family."""
    return _FAMILY_OF[sensor][0].name


@dataclass(frozen=True, slots=True)
class Position:
    """The last whole line of a file."""

    prefix: str
    value: float
    stamp: int


@dataclass(frozen=True, slots=True)
class Begun:
    """What a file holds already: how it begins, and where it ends (None: before any sample)."""

    head: bytes = b""
    position: Position | None = None
    is_complete: bool = False


class Output:
    """Where the lines go: standard output (`path` None), or a file that can be continued."""

    def __init__(
        self, stream: BinaryIO, path: Path | None = None, begun: Begun | None = None
    ) -> None:
        self.path = path
        self.begun = begun or Begun()
        self._stream = stream
        self._prefix = self.begun.position.prefix if self.begun.position else ""

    @classmethod
    def create(cls, path: Path) -> Self:
        """Begin a new file. HistoryError if there is one already, or it cannot be written."""
        is_device = path.exists() and not path.is_file()
        try:
            return cls(path.open("wb" if is_device else "xb", buffering=0), path)
        except FileExistsError:
            raise HistoryUsageError(
                f"{path} is there already: continue it with --resume, or remove it"
            ) from None
        except OSError as error:
            raise _unwritable(path, error) from None

    @classmethod
    def resume(cls, path: Path) -> Self:
        """Continue a file behind its last whole line; begin a new one if there is none."""
        if not path.exists():
            return cls.create(path)
        try:
            with ExitStack() as on_failure:
                stream = on_failure.enter_context(path.open("r+b", buffering=0))
                output = cls(stream, path, _trimmed(stream, path))
                on_failure.pop_all()
                return output
        except OSError as error:
            raise _unwritable(path, error) from None

    def write(self, series: Series, lines: list[str]) -> None:
        """Add whole lines of a series, all at once; its header goes before the first."""
        if not lines:
            return
        text = "".join(lines).encode()
        if self._prefix != series.prefix:
            text, self._prefix = series.header + text, series.prefix
        self._write(text)

    def finish(self) -> None:
        """Put the end to it: now it can be used."""
        self._write(_END)

    def close(self) -> None:
        """Leave it alone. A file stays with what is in it; an empty one goes."""
        if self.path is None:
            return
        self._stream.close()
        if self.path.is_file() and self.path.stat().st_size == 0:
            self.path.unlink()

    def _write(self, text: bytes) -> None:
        rest = memoryview(text)
        try:
            while rest:
                rest = rest[self._stream.write(rest) :]
            self._stream.flush()
        except BrokenPipeError:  # who reads standard output has enough
            raise
        except OSError as error:
            raise _unwritable(self.path, error) from None


def _trimmed(stream: BinaryIO, path: Path) -> Begun:
    """Cut off what is no whole line, and a header that no sample follows; return what is left."""
    head = stream.read(_BLOCK)
    if not (head.startswith(_BEGINNING) or _BEGINNING.startswith(head)):
        raise _foreign(path)
    lines, end = _last_lines(stream)
    if lines[-1:] == [_END]:
        return Begun(head, is_complete=True)
    while lines and lines[-1].startswith(b"#"):
        end -= len(lines.pop())
    position = _position(lines[-1], path) if lines else None
    stream.truncate(end)
    stream.seek(end)
    return Begun(head, position)


def _last_lines(stream: BinaryIO) -> tuple[list[bytes], int]:
    """Return the last whole lines of a file, a sample among them if there is one, and where they end."""
    size = stream.seek(0, os.SEEK_END)
    length = _BLOCK
    while True:
        start = max(size - length, 0)
        stream.seek(start)
        text = stream.read(size - start)
        whole = text.rfind(b"\n") + 1
        lines = text[:whole].splitlines(keepends=True)
        if start > 0:
            del lines[:1]  # most likely not its whole
        if start == 0 or any(not line.startswith(b"#") for line in lines):
            return lines, start + whole
        length *= 4


def _position(line: bytes, path: Path) -> Position:
    try:
        prefix, value, stamp = line.decode().rsplit(" ", 2)
        return Position(prefix, float(value), int(stamp))
    except ValueError:
        raise _foreign(path) from None


def _foreign(path: Path) -> HistoryUsageError:
    return HistoryUsageError(f"{path} is not what backfill has written: nothing can be added to it")


def _unwritable(path: Path | None, error: OSError) -> HistoryError:
    return HistoryError(f"{path or 'standard output'} cannot be written: {error.strerror or error}")
