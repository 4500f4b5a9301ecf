"""The exporter as a process: its start, signals, reloads and the demonstration."""

import dataclasses
import os
import random
import re
import signal
import socket
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from support.devices import PASSWORD, eventually
from support.programs import (
    PATIENCE_SECONDS,
    Running,
    command,
    exporter,
    get,
    running,
    signal_mask,
    started,
    values,
)

from sma_exporter import __version__, config
from sma_exporter.cli.serve import started_demo
from sma_exporter.devices.fleet import Fleet
from sma_exporter.metrics.collector import DeviceCollector
from sma_exporter.metrics.exposition import registry_of
from sma_exporter.simulator import Simulator, demo_devices
from sma_exporter.sma.deadline import Deadline


def scrape(fleet: Fleet) -> dict[str, float]:
    collector = DeviceCollector(fleet.devices, Deadline.after(20))
    return values(generate_latest(registry_of(collector)).decode())


#: Has every import reported as it is done.
IMPORTS = {"PYTHONPROFILEIMPORTTIME": "1"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration whose only device is switched off."""
    path = tmp_path / "sma.yml"
    path.write_text("devices:\n  - {name: roof, url: 'http://127.0.0.1:9'}\n", encoding="utf-8")
    return path


def test_the_first_line_says_what_starts(file: Path) -> None:
    environ = {"SMA_EXPORTER_REVISION": "0123abc", "SMA_EXPORTER_BRANCH": "main"}
    arguments = (f"--config.file={file}", "--web.listen-address=127.0.0.1:0")
    with running(*arguments, environ=environ) as program:
        assert program.find('msg="starting sma_exporter" (.*)')[1] == (
            f"version={__version__} revision=0123abc branch=main file={file} devices=1"
        )
        assert program.stop() == 0


def test_serving_a_configuration_loads_no_simulator(file: Path) -> None:
    arguments = (f"--config.file={file}", "--web.listen-address=127.0.0.1:0")
    with running(*arguments, environ=IMPORTS) as program:
        port = program.find(r"msg=listening address=127\.0\.0\.1:(\d+)")[1]
        get(f"http://127.0.0.1:{port}/metrics")
        program.stop()
        loaded = {*re.findall(r"\| +sma_exporter\.(\w+)", "\n".join(program.lines))}

    assert "devices" in loaded
    assert "simulator" not in loaded


# --- signals ---


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_start_is_handled_after_it(file: Path, number: signal.Signals) -> None:
    arguments = (f"--config.file={file}", "--web.listen-address=127.0.0.1:0")
    with running(*arguments, environ=IMPORTS) as program:
        program.find(r"\| +sma_exporter\.config$")  # long before the file is read
        program.process.send_signal(number)
        program.find("msg=listening")
        if number == signal.SIGHUP:
            program.find("configuration reloaded")
            program.process.terminate()
        program.find("msg=stopping")

        assert program.stop() == 0


def test_the_check_of_a_configuration_can_be_interrupted(file: Path) -> None:
    with running("--config.check", f"--config.file={file}", environ=IMPORTS) as program:
        program.find(r"\| +sma_exporter\.config$")  # long before the file is read
        program.process.send_signal(signal.SIGTERM)

        assert program.process.wait(PATIENCE_SECONDS) == -signal.SIGTERM


def reloads_at_sighup(program: Running) -> bool:
    """Send SIGHUP, and tell whether a reload follows."""

    def reloads() -> int:
        return sum("configuration reloaded" in line for line in program.lines)

    before = reloads()
    program.process.send_signal(signal.SIGHUP)
    return eventually(lambda: reloads() > before)


def test_no_signal_is_lost_while_scrapes_run(tmp_path: Path) -> None:
    file, at = tmp_path / "sma.yml", random.Random(9)
    done = threading.Event()
    with Simulator() as simulator, ExitStack() as stack:
        file.write_text(
            f"devices: [{{name: roof, url: '{simulator.url}', password: {PASSWORD}, min_interval: 0s}}]",
            encoding="utf-8",
        )
        url, program = stack.enter_context(exporter(f"--config.file={file}"))

        def scrape_on() -> None:
            while not done.is_set():
                get(f"{url}/metrics")

        scrapers = [threading.Thread(target=scrape_on) for _ in range(4)]
        for scraper in scrapers:
            scraper.start()
        try:
            for _ in range(80):
                time.sleep(at.uniform(0, 0.02))
                assert reloads_at_sighup(program)
        finally:
            done.set()
            for scraper in scrapers:
                scraper.join()

        assert program.stop() == 0


def test_a_process_that_was_started_with_sighup_ignored_reloads_all_the_same(file: Path) -> None:
    program = command(f"--config.file={file}", "--web.listen-address=127.0.0.1:0")
    with started(["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *program]) as process:
        pid = process.process.pid
        assert eventually(lambda: signal.SIGHUP in signal_mask(pid, "SigIgn"))
        process.process.send_signal(signal.SIGHUP)  # most likely before Python runs
        process.find("msg=listening")

        assert reloads_at_sighup(process)
        assert process.stop() == 0


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_the_service_manager_is_told_when_it_listens(file: Path, tmp_path: Path, kind: str) -> None:
    name = {"path": str(tmp_path / "notify"), "abstract": f"@sma-exporter-{os.getpid()}"}[kind]
    arguments = (f"--config.file={file}", "--web.listen-address=127.0.0.1:0")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0"))
        manager.settimeout(PATIENCE_SECONDS)
        with running(*arguments, environ={"NOTIFY_SOCKET": name}) as program:
            said = manager.recv(4096)

            assert said == b"READY=1"
            assert program.stop() == 0
            assert any("msg=listening" in line for line in program.lines)


def test_a_service_manager_that_is_not_there_is_a_warning(file: Path, tmp_path: Path) -> None:
    arguments = (f"--config.file={file}", "--web.listen-address=127.0.0.1:0")
    with running(*arguments, environ={"NOTIFY_SOCKET": str(tmp_path / "nobody")}) as program:
        program.find("level=warn .*service manager")

        assert program.stop() == 0


HANGING_RELOAD = """
import time
from sma_exporter import config
from sma_exporter.cli import signals
from sma_exporter.cli.serve import serve
from sma_exporter.devices.fleet import Fleet
from sma_exporter.server import ListenAddress
from sma_exporter.web.app import App
from sma_exporter.web_config import WebConfig

def load():
    print("loading", flush=True)
    time.sleep(60)

signals.hold()
fleet = Fleet(config.Config(()), load)
print("starting", flush=True)
serve(fleet, App(fleet), WebConfig(None), [ListenAddress("127.0.0.1", 0)])
"""


def test_the_process_ends_during_a_reload_whose_files_hang() -> None:
    with started([sys.executable, "-c", HANGING_RELOAD]) as program:
        program.find("starting")
        program.process.send_signal(signal.SIGHUP)
        program.find("loading")
        begin = time.monotonic()

        assert program.stop() == 0
        assert time.monotonic() - begin < 5


# --- the demonstration ---


def test_a_stopped_device_of_the_demonstration_is_down_and_comes_back() -> None:
    demo = demo_devices()
    with ExitStack() as stack:
        loaded = started_demo(demo, stack)
        impatient = [dataclasses.replace(settings, min_interval=0.0) for settings in loaded.devices]
        fleet = Fleet(config.Config(tuple(impatient)))
        before = scrape(fleet)
        assert eventually(
            lambda: demo[1].simulator.sessions == 0
        )  # the logout comes after the values
        demo[1].simulator.stop()
        stopped = scrape(fleet)
        demo[1].simulator.start()
        after = scrape(fleet)
        fleet.close()

        up = [
            [found[f'sma_up{{device="{d.name}"}}'] for d in demo]
            for found in (before, stopped, after)
        ]
        all_up = [1] * len(demo)
        assert up == [all_up, [1, 0, *all_up[2:]], all_up]
        assert [device.simulator.sessions for device in demo] == [0] * len(demo)
