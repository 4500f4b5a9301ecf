"""The limit of open files: raised at the start, and said where it is too low."""

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

PREPARE = """
import resource, sys
from sma_exporter.cli import logs, open_files

soft, hard, devices = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
logs.setup("info", "json")
open_files.prepare(devices)
open_files.prepare(devices)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def prepared(soft: int, hard: int, devices: int) -> tuple[list[dict[str, Any]], Sequence[int]]:
    """Prepare twice in a process with these limits: the log, and the limits afterwards."""
    line = [sys.executable, "-c", PREPARE, *map(str, (soft, hard, devices))]
    ended = subprocess.run(line, capture_output=True, text=True, check=True)
    return [*map(json.loads, ended.stderr.splitlines())], [*map(int, ended.stdout.split())]


@pytest.fixture
def hard() -> int:
    """What this process may have; the tests need some thousands."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < 4096:
        pytest.skip(f"only {most} files may be open here")
    return 4096


def test_it_is_raised_to_what_is_allowed_and_said_once(hard: int) -> None:
    log, limits = prepared(1024, hard, devices=1200)

    assert limits == [hard, hard]
    assert [(line["level"], line["from"], line["to"]) for line in log] == [("info", 1024, hard)]


def test_nothing_is_said_where_nothing_changes(hard: int) -> None:
    assert prepared(hard, hard, devices=1200) == ([], [hard, hard])


def test_too_few_for_the_devices_is_a_warning(hard: int) -> None:
    log, limits = prepared(512, 1024, devices=1200)

    warning = log[-1]
    assert limits == [1024, 1024]
    assert (warning["level"], warning["limit"], warning["devices"]) == ("warn", 1024, 1200)
    assert "LimitNOFILE=" in warning["msg"]
    assert warning["wanted"] > 1200
