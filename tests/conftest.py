"""Fixtures for more than one room's tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.needs import require_path

from sma_exporter.simulator import Simulator

# What the suites in folders of their own assert in their helpers is shown like in a test.
pytest.register_assert_rewrite("fault_bench", "fault_case", "fault_doings")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with recordings and facts about devices, which lies beside the project."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    return require_path(folder, 'the folder "shared" beside the project')


@pytest.fixture
def simulate() -> Iterator[Callable[..., Simulator]]:
    """Start simulated devices, with Simulator's arguments; they stop when the test is over."""
    with ExitStack() as running:

        def start(*args: Any, **options: Any) -> Simulator:
            return running.enter_context(Simulator(*args, **options))

        yield start
