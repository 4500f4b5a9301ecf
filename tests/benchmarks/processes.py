"""Programs as processes: started, asked for pages, and measured from outside by what the kernel counts."""

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATIENCE_SECONDS = 60.0

#: As Prometheus 3 asks.
HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    "Accept-Encoding": "gzip",
    "User-Agent": "Prometheus/3.5.0",
    "X-Prometheus-Scrape-Timeout-Seconds": "60",
}

#: Of a process of whatever kind, all its threads, those that have ended too (CPUCLOCK_SCHED).
_CPU_CLOCK = 2


class Program:
    """A started program that says where it serves."""

    def __init__(self, process: subprocess.Popen[str], said: str) -> None:
        self._process = process
        self.said = said

    @property
    def cpu(self) -> float:
        """Seconds of user and system time so far."""
        return time.clock_gettime((~self._process.pid << 3) | _CPU_CLOCK)

    @property
    def peak(self) -> int:
        """The most memory it had (resident), in bytes."""
        return status_bytes(self._process.pid, "VmHWM")


def status_bytes(pid: int, name: str) -> int:
    """Return what the kernel says of a process: VmHWM (the most so far) or VmRSS, in bytes."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    assert found, name
    return int(found[1]) * 1024


@contextmanager
def started(command: Sequence[str], pattern: str) -> Iterator[Program]:
    """Start a program, wait for a line with this pattern and give its group; end it afterwards."""
    with subprocess.Popen(
        [*command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            seen = []
            for line in process.stdout:
                seen.append(line)
                if found := re.search(pattern, line):
                    break
            else:
                raise RuntimeError(f"{command[:4]} ended: {''.join(seen)}")
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield Program(process, found[1])
            process.terminate()
            process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()


def output(name: str, *arguments: str) -> Any:
    """Run a module to its end and return the JSON that it prints."""
    command = module(name, *arguments)
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def module(name: str, *arguments: str) -> list[str]:
    """Return the command line of a module under this interpreter."""
    return [sys.executable, "-m", name, *arguments]


@dataclass(frozen=True)
class Page:
    """An answer, and the seconds until its last byte was there."""

    seconds: float
    status: int
    encoding: str
    body: bytes


def get(url: str, headers: dict[str, str] | None = None) -> Page:
    """Fetch a page over a new connection."""
    parts = urlsplit(url)
    start = time.perf_counter()
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS
    )
    try:
        connection.request("GET", parts.path, headers=headers or {})
        response = connection.getresponse()
        body = response.read()
        seconds = time.perf_counter() - start
    finally:
        connection.close()
    return Page(seconds, response.status, response.getheader("Content-Encoding", ""), body)


def get_json(url: str) -> Any:
    """Fetch a page of JSON."""
    return json.loads(get(url).body)
