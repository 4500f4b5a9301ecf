"""How long the command takes: to say what it can do, and from its start to the first complete answer."""

import socket
import subprocess
import tempfile
import time
from contextlib import suppress

from .processes import module
from .scrapes import PATIENCE_SECONDS, configured, farm, scraped

DEVICES = 3


def help_seconds() -> float:
    """Return the seconds of `--help`."""
    start = time.perf_counter()
    subprocess.run(module("sma_exporter", "--help"), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def start_seconds(latency: float) -> float:
    """Return the seconds from the start of the command to the first answer with all values."""
    with (
        farm(DEVICES, latency) as devices,
        configured(devices.urls, "scrape") as path,
        tempfile.TemporaryFile() as log,
    ):
        port = _free_port()
        listen = f"127.0.0.1:{port}"
        command = module("sma_exporter", "--config.file", path, "--web.listen-address", listen)
        start = time.perf_counter()
        with subprocess.Popen(command, stderr=log) as process:
            try:
                while time.perf_counter() - start < PATIENCE_SECONDS:
                    with suppress(ConnectionRefusedError):
                        scraped(f"http://{listen}/metrics", DEVICES)
                        return time.perf_counter() - start
                    time.sleep(0.002)
            finally:
                process.terminate()
    raise TimeoutError


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
