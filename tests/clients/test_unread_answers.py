"""Clients that ask for long answers and do not take them: the memory for these answers is bounded."""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests
from support.devices import PASSWORD
from support.needs import require_path
from support.programs import PATIENCE_SECONDS, exporter, get
from support.raw_devices import WebConnectFake

from sma_exporter.simulator import Simulator

DEVICES = 150
#: For the answers under way; one is about 4 MB, and 120 of them were 1 GB.
MEMORY_MB = 110.0


def values_of_a_device() -> dict[str, object]:
    """All that a simulated device says."""
    found: dict[str, object] = {}
    with Simulator("stp-10-se") as simulator, requests.Session() as session:
        session.trust_env = False

        def call(name: str, **payload: object) -> dict[str, Any]:
            reply = session.post(f"{simulator.url}/dyn/{name}", json=payload, timeout=5).json()
            result: dict[str, Any] = reply["result"]
            return result

        sid = call("login.json", right="usr", **{"pass": PASSWORD})["sid"]
        for name in ("getAllOnlValues", "getAllParamValues"):
            for values in call(f"{name}.json?sid={sid}", destDev=[]).values():
                found |= values
    return found


def megabytes(pid: int, what: str) -> float:
    """What a process takes (VmRSS), or took at most (VmHWM)."""
    text = require_path(Path(f"/proc/{pid}/status"), "/proc").read_text()
    return int(re.findall(rf"{what}:\s+(\d+)", text)[0]) / 1024


def test_a_hundred_and_twenty_readers_that_never_read(tmp_path: Path) -> None:
    long_name = "a" * 120
    with WebConnectFake(values_of_a_device()) as fake:
        config = tmp_path / "sma.yml"
        devices = "".join(
            f"  - {{name: {long_name}{number}, url: '{fake.url}/d{number}'}}\n"
            for number in range(DEVICES)
        )
        config.write_text(
            f"defaults: {{password: {PASSWORD}, session: keep, min_interval: 1h, timeout: 20s}}\n"
            f"devices:\n{devices}"
        )
        with exporter(f"--config.file={config}") as (url, program):
            waits = {"X-Prometheus-Scrape-Timeout-Seconds": "30"}
            size = len(get(f"{url}/metrics", **waits).content)
            get(f"{url}/metrics", **waits)
            before = megabytes(program.process.pid, "VmRSS")
            script = Path(__file__).with_name("abuse.py")
            host, _, port = url.removeprefix("http://").partition(":")
            command = [sys.executable, str(script), "readers_that_never_read", host, port, "plain"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as abuse:
                try:
                    assert abuse.stdout is not None
                    assert abuse.stdout.readline() == "begun\n"
                    end = time.monotonic() + 6
                    while time.monotonic() < end:
                        begin = time.monotonic()
                        assert get(f"{url}/-/healthy").status_code == 200
                        assert time.monotonic() - begin < PATIENCE_SECONDS / 3
                        time.sleep(0.1)
                    most = megabytes(program.process.pid, "VmHWM")
                finally:
                    abuse.kill()

    assert size > 4_000_000
    assert most < before + MEMORY_MB, (before, most)
