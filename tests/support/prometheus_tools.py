"""Prometheus and promtool, in the versions that the rules are for."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from support.needs import require_tool

#: The machine's own (Debian 12 has 2.42), and 3.x where it is to be had: `.ci/prometheus-3` fetches it.
VERSIONS = ("own", "3")

_FOLDER_OF_3 = "PROMETHEUS_3"


class Tools(NamedTuple):
    """The paths of the two commands."""

    prometheus: str
    promtool: str

    def run(self, *arguments: object) -> str:
        """Run promtool; return what it says. AssertionError with that when it finds something wrong."""
        done = subprocess.run(
            [self.promtool, *map(str, arguments)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def tools(version: str) -> Tools:
    """Return the commands of a version; where they are missing, the test is skipped.

    3.x also in CI: it comes from a suite of Debian that moves, and may be away for a day.
    """
    if version == "own":
        return Tools(require_tool("prometheus"), require_tool("promtool"))
    folder = Path(os.environ.get(_FOLDER_OF_3, ""))
    found = Tools(*(str(folder / name) for name in Tools._fields))
    if not all(os.access(path, os.X_OK) and Path(path).is_file() for path in found):
        pytest.skip(f"needs Prometheus 3: {_FOLDER_OF_3} names the folder that holds it")
    return found
