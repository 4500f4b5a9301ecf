"""What a test needs from outside the project: without it the test is skipped, in CI it fails."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def _missing(what: str) -> NoReturn:
    reason = f"needs {what}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and nothing may be missing in CI", pytrace=False)
    pytest.skip(reason)


def require_path(path: Path, what: str) -> Path:
    """Return the path if it is there; `what` names it for the report."""
    if not path.exists():
        _missing(what)
    return path


def require_tool(name: str) -> str:
    """Return the path of a command-line tool."""
    return shutil.which(name) or _missing(f"the command-line tool {name}")
