"""The files that the web configuration is made of: read now, and watched for changes later."""

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path

from ..config.files import read_text
from ..config.reader import ValidationError

#: Seconds until a file that could not be read is tried again: it may not change any more.
RETRY_SECONDS = 1.0

_Signature = tuple[int, ...]


class WatchedFiles:
    """Reads files, and can tell whether one of them has changed since."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Signature | None] = {}
        self._contents: dict[Path, bytes] = {}
        self._failed_at: float | None = None

    def read(self, path: Path) -> str:
        """Return the text of a file. Raises ValidationError with a sentence that begins with its path."""
        # Before the reading: what changes meanwhile is seen as a change afterwards.
        self._seen[path] = _signature(path)
        try:
            text = read_text(path)
        except ValidationError:
            self._failed_at = time.monotonic()
            raise
        self._contents[path] = hashlib.sha256(text.encode()).digest()
        return text

    def changed(self) -> bool:
        """Tell whether any of the files is another one now, was written to, came, went, or failed."""
        if self._failed_at is not None and time.monotonic() >= self._failed_at + RETRY_SECONDS:
            return True
        return any(_signature(path) != seen for path, seen in self._seen.items())

    @property
    def contents(self) -> Mapping[Path, bytes]:
        """A digest of what was read from each file."""
        return self._contents


def _signature(path: Path) -> _Signature | None:
    # Of what a symbolic link leads to in the end: Kubernetes replaces secrets by turning links over.
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
