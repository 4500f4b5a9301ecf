"""Standard error that nobody reads, or that fails: lines are lost and counted, and nothing waits for it."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.devices import PASSWORD
from support.programs import PATIENCE_SECONDS, command, eventually_address, get, values

from sma_exporter.cli.queued_stream import QueuedStream
from sma_exporter.simulator import Simulator

DROPPED = "sma_exporter_log_lines_dropped_total"

#: Long names make long lines: at debug the queue is full after so many scrapes of so many devices.
DEVICES, SCRAPES = 100, 60
NAME = "roof " + 110 * "x"


def lost(count: int) -> str:
    return f"lost {count}"


class Pipe:
    """A pipe of 4 KiB whose reader reads when it is told to."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096)

    def read(self) -> str:
        return os.read(self.reader, 1 << 20).decode()

    def read_until(self, last: str) -> str:
        text = ""
        while not text.endswith(last):
            text += self.read()
        return text

    def close(self) -> None:
        for descriptor in (self.reader, self.writer):
            os.close(descriptor)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.read_until("end\n")
    made.close()


class TestQueue:
    def test_lines_keep_their_order(self, pipe: Pipe) -> None:
        stream = QueuedStream(pipe.writer, lost)
        for number in range(100):
            stream.write(f"{number}\n")
        stream.write("a line ")
        stream.write("in pieces\nend\n")
        written = pipe.read_until("end\n")

        assert written.splitlines() == [*map(str, range(100)), "a line in pieces", "end"]
        assert stream.dropped == 0
        stream.write("end\n")

    def test_a_full_one_drops_lines_and_says_how_many_where_they_would_be(self, pipe: Pipe) -> None:
        stream = QueuedStream(pipe.writer, lost, most_bytes=10_000)
        begin = time.monotonic()
        for number in range(1000):
            stream.write(f"{number:099}\n")
        took = time.monotonic() - begin
        dropped = stream.dropped
        *before, note = pipe.read_until(f"lost {dropped}\n").splitlines()
        stream.write("again\nend\n")

        assert took < 5
        assert 800 < dropped < 1000
        assert [int(line) for line in before] == [*range(1000 - dropped)]
        assert note == f"lost {dropped}"
        assert pipe.read_until("again\nend\n") == "again\nend\n"
        stream.write("end\n")

    def test_the_end_waits_for_what_is_written_but_only_so_long(self, pipe: Pipe) -> None:
        stream = QueuedStream(pipe.writer, lost)
        stream.write("x" * 10_000 + "\n")
        begin = time.monotonic()
        stream.drain(0.2)
        waited = time.monotonic() - begin
        pipe.read_until("x\n")
        stream.drain(PATIENCE_SECONDS)

        assert 0.2 <= waited < 5
        stream.write("end\n")

    def test_a_non_blocking_one_is_waited_for(self, pipe: Pipe) -> None:
        os.set_blocking(pipe.writer, False)
        stream = QueuedStream(pipe.writer, lost)
        stream.write("x" * 50_000 + "\nend\n")

        assert pipe.read_until("end\n") == "x" * 50_000 + "\nend\n"
        stream.write("end\n")

    def test_one_that_fails_delays_no_end(self) -> None:
        with Path("/dev/full").open("wb") as full:
            stream = QueuedStream(full.fileno(), lost, most_bytes=1000)
            for _ in range(100):
                stream.write("x" * 99 + "\n")
            begin = time.monotonic()
            stream.drain(PATIENCE_SECONDS)

            assert time.monotonic() - begin < PATIENCE_SECONDS / 2
            assert stream.dropped == 90

    def test_nothing_lands_in_a_file_that_gets_the_descriptors_number(self, tmp_path: Path) -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        stream = QueuedStream(full, lost)
        stream.write("not yours\n")
        stream.drain(PATIENCE_SECONDS)
        os.close(full)
        other = os.open(tmp_path / "data", os.O_WRONLY | os.O_CREAT)
        time.sleep(1.5)  # it is tried again each second
        os.close(other)

        assert other == full
        assert (tmp_path / "data").read_bytes() == b""


# --- the exporter ---


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def configuration(simulator: Simulator, folder: Path, count: int) -> Path:
    """Devices with long names, none of which answers but for the first: a long line each."""
    path = folder / "sma.yml"
    names = ["roof", *(f"{NAME} {number}" for number in range(count))]
    devices = [
        {"name": name, "url": simulator.url if name == "roof" else f"http://127.0.0.1:{port}"}
        for port, name in enumerate(names, start=1)
    ]
    defaults = {"password": PASSWORD, "min_interval": "0s", "session": "keep", "timeout": "2s"}
    path.write_text(json.dumps({"defaults": defaults, "devices": devices}), encoding="utf-8")
    return path


@pytest.fixture
def file(simulator: Simulator, tmp_path: Path) -> Path:
    return configuration(simulator, tmp_path, DEVICES)


@contextmanager
def unread(pipe_bytes: int, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start the exporter with a pipe for its standard error; give it and the end to read from."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, pipe_bytes)
    line = command(*arguments, "--web.listen-address=127.0.0.1:0")
    with subprocess.Popen(line, stderr=writer) as process:
        os.close(writer)
        try:
            yield process, reader
        finally:
            process.kill()
            os.close(reader)


@pytest.mark.parametrize(
    ("pipe_bytes", "level", "style", "devices", "scrapes"),
    [
        (4096, "debug", "logfmt", DEVICES, SCRAPES),
        (4096, "debug", "json", DEVICES, SCRAPES),
        (65536, "info", "logfmt", 300, 3),
    ],
)
def test_a_log_that_nobody_reads_keeps_nothing_waiting(
    simulator: Simulator,
    tmp_path: Path,
    pipe_bytes: int,
    level: str,
    style: str,
    devices: int,
    scrapes: int,
) -> None:
    file = configuration(simulator, tmp_path, devices)
    arguments = (f"--config.file={file}", f"--log.level={level}", f"--log.format={style}")
    with unread(pipe_bytes, *arguments) as (process, _):
        url = eventually_address(process.pid)
        for _ in range(scrapes):
            answer = get(f"{url}/metrics")
        process.send_signal(signal.SIGHUP)
        healthy = get(f"{url}/-/healthy")
        own = values(get(f"{url}/metrics/exporter").text)
        begin = time.monotonic()
        process.terminate()
        code = process.wait(PATIENCE_SECONDS)
        took = time.monotonic() - begin

    assert values(answer.text)['sma_up{device="roof"}'] == 1
    assert healthy.ok
    if level == "debug":
        assert own[DROPPED] > 0
    assert code == 0
    assert took < 15
    assert simulator.sessions == 0


def test_a_log_that_is_read_again_says_how_many_lines_are_missing(file: Path) -> None:
    with unread(4096, f"--config.file={file}", "--log.level=debug") as (process, reader):
        url = eventually_address(process.pid)
        for _ in range(SCRAPES):
            get(f"{url}/metrics")
        dropped = values(get(f"{url}/metrics/exporter").text)[DROPPED]
        process.terminate()
        text = b""
        while piece := os.read(reader, 65536):
            text += piece
        code = process.wait(PATIENCE_SECONDS)

    lines = text.decode().splitlines()
    told = [line for line in lines if "some were dropped" in line]
    assert dropped > 0
    assert sum(int(line.rpartition("lines=")[2]) for line in told) >= dropped
    assert all("level=warn" in line for line in told)
    assert all(line.startswith("time=") for line in lines)
    assert code == 0


@pytest.mark.parametrize("way", ["full disk", "reader gone", "closed"])
def test_a_log_that_cannot_be_written_costs_nothing(
    file: Path, simulator: Simulator, way: str
) -> None:
    program = command(f"--config.file={file}", "--web.listen-address=127.0.0.1:0")
    redirected = {"full disk": "2>/dev/full", "reader gone": "2> >(exec 0<&-)", "closed": "2>&-"}
    line = ["bash", "-c", f'exec "$@" {redirected[way]}', "bash", *program]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            url = eventually_address(process.pid)
            for _ in range(3):
                answer = get(f"{url}/metrics")
            process.terminate()
            out, err = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            process.kill()

    assert values(answer.text)['sma_up{device="roof"}'] == 1
    assert process.returncode == 0
    assert (out, err) == (b"", b"")
    assert simulator.sessions == 0


FAILING_THREAD = """
import sys, threading, warnings
from sma_exporter.cli import logs

logs.setup("info", "json", queued=True)
def fail():
    raise ValueError("a secret")
thread = threading.Thread(target=fail, name="example")
thread.start()
thread.join()
warnings.warn("old way")
print("printed", file=sys.stderr)
"""


def test_threads_and_warnings_are_log_lines() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FAILING_THREAD], capture_output=True, text=True, check=True
    )
    *lines, printed = ended.stderr.splitlines()
    thread, warning = map(json.loads, lines)

    assert thread["msg"].startswith("internal error (ValueError)")
    assert (thread["level"], thread["in"]) == ("error", "example")
    assert "old way" in warning["msg"]
    assert printed == "printed"
    assert "a secret" not in ended.stderr
