"""Scrapes of simulated devices: the exporter and its peer in turn, over HTTP, as Prometheus asks.

Whoever is measured must be right: an answer that lacks a device, a login that was refused or a session that
is left behind ends the benchmark.
"""

import gzip
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sma_exporter.simulator import PASSWORD

from .processes import HEADERS, Program, get, get_json, module, started
from .rows import BY_NAME, KEEP, MANY, SCRAPE, Result

#: Scrapes before those that count: the first one reads the parameters too.
WARM_UP = 2
#: Left to a program after its last request was answered.
SETTLE_SECONDS = 0.02
PATIENCE_SECONDS = 60.0


class WrongAnswerError(Exception):
    """Raised when what is measured did not do its work."""


@dataclass
class Measured:
    """What scrapes of one program took: seconds of wall and of CPU each; bytes at the end."""

    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    samples: int = 0
    peak: int = 0


@dataclass
class Run:
    """The exporter and its peer in front of the same devices, and how those fared."""

    count: int
    session: str
    exporter: Measured = field(default_factory=Measured)
    peer: Measured = field(default_factory=Measured)
    farm_cpus: list[float] = field(default_factory=list)
    late: float = 0.0
    latest: float = 0.0


class Farm:
    """Simulated devices in a process of their own."""

    def __init__(self, program: Program, latency: float) -> None:
        said = json.loads(program.said)
        self.urls: Sequence[str] = said["urls"]
        self.latency = latency
        self.program = program
        self._counts_url = said["counts"]

    def counts(self) -> Mapping[str, float]:
        """Return what has happened so far."""
        counts: Mapping[str, float] = get_json(self._counts_url)
        return counts

    def settle(self, sessions: int) -> Mapping[str, float]:
        """Wait until all requests are answered and so many sessions are open."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            counts = self.counts()
            if counts["refused"]:
                raise WrongAnswerError(f"a device refused something: {counts}")
            if not counts["pending"] and counts["sessions"] == sessions:
                time.sleep(SETTLE_SECONDS)
                return counts
            time.sleep(SETTLE_SECONDS)
        raise WrongAnswerError(f"{sessions} sessions expected: {counts}")


@contextmanager
def farm(
    count: int, latency: float, *, tls: bool = False, own_hosts: bool = False
) -> Iterator[Farm]:
    """Start simulated devices, all at one host or each at its own."""
    options = ["--devices", str(count), "--latency", str(latency), *(["--tls"] if tls else [])]
    options += ["--own-hosts"] if own_hosts else []
    with started(module("tests.benchmarks.farm", *options), r"(\{.*\})") as program:
        yield Farm(program, latency)


@contextmanager
def configured(urls: Sequence[str], session: str) -> Iterator[str]:
    """Write the exporter's configuration and give its path."""
    defaults = {"password": PASSWORD, "session": session, "min_interval": "0s"}
    devices = [{"name": f"device-{i:03d}", "url": url} for i, url in enumerate(urls)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sma.yml"  # JSON is YAML
        path.write_text(json.dumps({"defaults": defaults, "devices": devices}), encoding="utf-8")
        yield str(path)


def exporter_command(path: str) -> list[str]:
    """Return the command that serves the devices of a file on a free port."""
    return module("sma_exporter", "--config.file", path, "--web.listen-address", "127.0.0.1:0")


@contextmanager
def exporter(urls: Sequence[str], session: str) -> Iterator[tuple[str, Program]]:
    """Start the exporter, as a user does; give the URL of its metrics."""
    with configured(urls, session) as path:
        pattern = r"msg=listening address=(\S+)"
        with started(exporter_command(path), pattern) as program:
            yield f"http://{program.said}/metrics", program


@contextmanager
def peer(urls: Sequence[str], session: str) -> Iterator[tuple[str, Program]]:
    """Start the peer; give the URL of its metrics."""
    options = ["--keep"] if session == KEEP else []
    with started(module("tests.benchmarks.peer", *options, *urls), r"^(http://\S+)") as program:
        yield f"{program.said}/metrics", program


def scraped(url: str, count: int) -> tuple[float, int]:
    """Scrape; return the seconds and the number of samples of an answer that is as it should be."""
    page = get(url, HEADERS)
    body = gzip.decompress(page.body) if page.encoding == "gzip" else page.body
    samples = [line for line in body.decode().splitlines() if not line.startswith("#")]
    up = [line for line in samples if line.startswith("sma_up{") and float(line.split()[-1]) == 1]
    power = [line for line in samples if line.startswith(("sma_ac_power_w", "sma_grid_power{"))]
    if page.status != 200 or not len(up) == len(power) == count:
        raise WrongAnswerError(
            f"{url}: HTTP {page.status}, {len(up)} up and {len(power)} with power of {count} devices"
        )
    return page.seconds, len(samples)


def run(count: int, session: str, latency: float, repetitions: int) -> Run:
    """Scrape so many devices with both programs in turn."""
    result = Run(count, session)
    with farm(count, latency) as devices:
        with (
            exporter(devices.urls, session) as (exporter_url, exporter_program),
            peer(devices.urls, session) as (peer_url, peer_program),
        ):
            held = count if session == KEEP else 0
            turns = (
                (exporter_url, exporter_program, result.exporter),
                (peer_url, peer_program, result.peer),
            )
            for _ in range(WARM_UP):
                for url, _, _ in turns:
                    scraped(url, count)
            before = devices.settle(2 * held)
            for _ in range(repetitions):
                for url, program, measured in turns:
                    cpu, farm_cpu = program.cpu, devices.program.cpu
                    seconds, measured.samples = scraped(url, count)
                    counts = devices.settle(2 * held)
                    measured.walls.append(seconds)
                    measured.cpus.append(program.cpu - cpu)
                    if program is exporter_program:
                        result.farm_cpus.append(devices.program.cpu - farm_cpu)
            answers = counts["answers"] - before["answers"]
            result.late, result.latest = (
                (counts["late"] - before["late"]) / answers,
                counts["latest"],
            )
            for _, program, measured in turns:
                measured.peak = program.peak
        devices.settle(0)  # whoever ends logs out
    return result


def results(runs: Mapping[tuple[int, str], Run], latency: float) -> Iterator[Result]:
    """Yield the rows that can be had from these runs."""
    for (count, session), one in runs.items():
        walls, trips = one.exporter.walls, 2 if session == SCRAPE else 1
        name = f"wall-{session}-{count}"
        if session == SCRAPE:
            yield Result(BY_NAME[f"{name}-pysma"], walls, one.peer.walls)
        if count <= MANY:
            yield Result(BY_NAME[f"{name}-limit"], walls, [trips * latency])
        mine, theirs = (_each(measured.cpus, count) for measured in (one.exporter, one.peer))
        yield Result(BY_NAME[f"cpu-{session}-{count}"], mine, theirs)
    yield from _growth(runs)
    yield from _of_the_farm(runs, latency)


def _growth(runs: Mapping[tuple[int, str], Run]) -> Iterator[Result]:
    few, many, most = (runs.get((count, SCRAPE)) for count in (10, 100, 300))
    if few and many and most:
        cpus = [_each(one.exporter.cpus, one.count) for one in (most, few)]
        yield Result(BY_NAME["growth-cpu"], *cpus)
        yield Result(BY_NAME["growth-memory"], [_further(many, most)], [_further(few, many)])


def _further(few: Run, many: Run) -> float:
    """Return the kilobytes of each further device."""
    return (many.exporter.peak - few.exporter.peak) / (many.count - few.count) / 1000


def _of_the_farm(runs: Mapping[tuple[int, str], Run], latency: float) -> Iterator[Result]:
    late = max(one.late for one in runs.values())
    yield Result(BY_NAME["farm-late"], [late * 1000], [latency * 1000])
    if most := runs.get((300, SCRAPE)):
        yield Result(
            BY_NAME["farm-cpu"], *(_each(c, 1) for c in (most.farm_cpus, most.exporter.cpus))
        )


def _each(seconds: Sequence[float], count: int) -> list[float]:
    return [value / count * 1000 for value in seconds]


def peak_memory(count: int, latency: float, repetitions: int) -> float:
    """Return the most memory (MB) of the exporter with so many devices: the worse kind of session."""
    peaks = []
    for session in (SCRAPE, KEEP):
        with farm(count, latency) as devices, exporter(devices.urls, session) as (url, program):
            for _ in range(repetitions):
                scraped(url, count)
                devices.settle(count if session == KEEP else 0)
            peaks.append(program.peak / 1e6)
    return max(peaks)
