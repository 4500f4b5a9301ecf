"""The files that the door is made of: read now, and watched for changes later."""

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from ..config.structure import ValidationError

#: Configurations, keys and certificates are far smaller.
LARGEST_BYTES = 1024 * 1024

_Signature = tuple[int, ...]


class Files:
    """Reads files, and can tell whether one of them has changed since."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Signature | None] = {}
        self._contents: dict[Path, bytes] = {}

    def read(self, path: Path) -> str:
        """Return the text of a file. Raises ValidationError with a sentence that continues its key's name."""
        # Before the reading: what changes meanwhile is seen as a change afterwards.
        self._seen[path] = _signature(path)
        try:
            data = _read(path)
            self._contents[path] = hashlib.sha256(data).digest()
            return data.decode("utf-8-sig")
        except OSError as error:
            sentence = f"{path} cannot be read by uid {os.geteuid()}: {error.strerror}"
        except UnicodeDecodeError:
            sentence = f"{path} is not UTF-8 text"
        raise ValidationError(sentence)

    def changed(self) -> bool:
        """Tell whether any of the files is another one now, was written to, came or went."""
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


def _read(path: Path) -> bytes:
    # Not blocking: a pipe without a writer would hold up every client.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValidationError(
                f"{path} is no regular file; it is read again later, so it must be one"
            )
        data = file.read(LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        raise ValidationError(
            f"{path} is larger than {LARGEST_BYTES // 1024} KiB; is it the right file?"
        )
    return data
