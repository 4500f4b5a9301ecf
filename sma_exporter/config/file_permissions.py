"""Files with passwords that every user of this machine can read: a warning, once, when they are loaded."""

import os
import shlex
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import values
from .model import DeviceSettings
from .reader import ValidationError

#: A file may lie on a mount that hangs: so many seconds are waited for all of them.
LOOK_SECONDS = 1.0


def password_files(devices: Sequence[DeviceSettings]) -> Iterator[ValidationError]:
    """Find the password files, each once, at the first device that has it. No file is read."""
    files: dict[Path, int] = {}
    for index, device in enumerate(devices):
        if device.password_file is not None:
            files.setdefault(device.password_file, index)
    found: list[Path] = []

    def look() -> None:
        found.extend(path for path in files if is_open_to_all(path))

    if files:
        looking = threading.Thread(target=look, name="password files", daemon=True)
        looking.start()
        looking.join(LOOK_SECONDS)
    for path in [*found]:
        yield ValidationError(_sentence(path), "devices", files[path], "password_file")


def configuration(path: Path, raw: Any) -> Iterator[ValidationError]:
    """Find a configuration that holds a password itself, and not only where in the environment it is."""
    rows = (raw.get("defaults"), *raw["devices"])
    holds = any(isinstance(row, dict) and values.is_literal(row.get("password")) for row in rows)
    if holds and is_open_to_all(path):
        yield ValidationError(f"holds a password, and {_sentence(path)}")


def _sentence(path: Path) -> str:
    return (
        "can be read by every user of this machine; take that right away: "
        f"chmod o= {shlex.quote(str(path))}"
    )


def is_open_to_all(path: Path) -> bool:
    """Tell whether every user of this machine can read a file, though that could be changed.

    On a read-only mount it cannot: so are the secrets of containers, which nobody else sees.
    """
    try:
        found = path.resolve(strict=True)
        allowed = found.stat().st_mode & stat.S_IROTH and all(
            folder.stat().st_mode & stat.S_IXOTH for folder in found.parents
        )
        return bool(allowed) and not os.statvfs(found).f_flag & os.ST_RDONLY
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        return False
