"""The one reader of files: those of the configuration may hang, change, or be something else."""

import errno
import os
import stat
from pathlib import Path

from .reader import ValidationError

#: Configurations, passwords, keys and certificates are far smaller.
LARGEST_BYTES = 1024 * 1024


#: Not blocking: a pipe without a writer would be waited for. A terminal must not become the process' own.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def read_bytes(path: Path) -> bytes:
    """Return what is in a file. Raises ValidationError with a sentence that begins with the path."""
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if not stat.S_ISREG(mode):
                raise ValidationError(
                    f"{path} is no regular file; it is read again later, so it must be one"
                )
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(LARGEST_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        sentence = f"{path} cannot be read by uid {os.geteuid()}: {error.strerror}"
        raise ValidationError(sentence) from None
    if len(data) > LARGEST_BYTES:
        raise ValidationError(
            f"{path} is larger than {LARGEST_BYTES // 1024} KiB; is it the right file?"
        )
    return data


def read_text(path: Path) -> str:
    """Return the text in a file, without a byte order mark. Raises ValidationError."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValidationError(f"{path} is not UTF-8 text") from None
