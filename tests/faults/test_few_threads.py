"""The end of a process that can start no more threads: it logs out with those that it has."""

import resource
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from benchmarks.processes import status_bytes
from support.devices import PASSWORD
from support.programs import exporter, get, values

from sma_exporter.simulator import Simulator

DEVICES = 60

#: Memory that the process may still take: less than the stack of a thread.
REST_BYTES = 6 << 20


@pytest.fixture
def simulators() -> Iterator[Sequence[Simulator]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Simulator("sb-1.5")) for _ in range(DEVICES)]


def test_all_devices_are_logged_out_without_new_threads(
    simulators: Sequence[Simulator], tmp_path: Path
) -> None:
    file = tmp_path / "sma.yml"
    lines = [f"  - {{name: d{i}, url: '{one.url}'}}" for i, one in enumerate(simulators)]
    text = f"defaults: {{password: {PASSWORD}, session: keep, timeout: 20s}}\ndevices:"
    file.write_text("\n".join([text, *lines]), encoding="utf-8")
    with exporter(f"--config.file={file}") as (url, program):
        shown = values(get(f"{url}/metrics", **{"X-Prometheus-Scrape-Timeout-Seconds": "30"}).text)
        before = sum(simulator.sessions for simulator in simulators)
        pid = program.process.pid
        most = status_bytes(pid, "VmSize") + REST_BYTES
        resource.prlimit(pid, resource.RLIMIT_AS, (most, most))
        code = program.stop()

    assert sum(value for name, value in shown.items() if name.startswith("sma_up{")) == DEVICES
    assert before == DEVICES
    assert code == 0
    assert [simulator.sessions for simulator in simulators] == [0] * DEVICES
