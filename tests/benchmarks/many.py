"""The life of an exporter with many devices: its start, a reload that changes every address, its stop."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .processes import PATIENCE_SECONDS
from .rows import BY_NAME, KEEP, Result
from .scrapes import configured, exporter_command, farm, scraped


class Life(NamedTuple):
    """Seconds of each part: `start` to the first complete answer."""

    start: float
    reload: float
    stop: float


def live(count: int, latency: float) -> Life:
    """Start an exporter of so many devices that keep their sessions, reload and stop it."""
    with (
        farm(count, latency, own_hosts=True) as devices,
        configured(devices.urls, KEEP) as path,
    ):
        begin = time.perf_counter()
        with subprocess.Popen(exporter_command(path), stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr is not None
                address = _said(process.stderr, r"msg=listening address=(\S+)")
                url = f"http://{address}/metrics"
                scraped(url, count)
                start = time.perf_counter() - begin

                _turn_round(Path(path))
                begin = time.perf_counter()
                process.send_signal(signal.SIGHUP)
                _said(process.stderr, "(configuration reloaded)")
                reload = time.perf_counter() - begin
                devices.settle(0)  # whoever leaves logs out

                scraped(url, count)
                begin = time.perf_counter()
                process.terminate()
                process.wait(PATIENCE_SECONDS)
                stop = time.perf_counter() - begin
            finally:
                process.kill()
        devices.settle(0)
    return Life(start, reload, stop)


def _said(lines: Iterable[str], pattern: str) -> str:
    for line in lines:
        if found := re.search(pattern, line):
            return found[1]
    raise RuntimeError(f"the exporter ended without {pattern}")


def _turn_round(path: Path) -> None:
    """Give each device of a configuration another one's address."""
    document = json.loads(path.read_text(encoding="utf-8"))
    devices = document["devices"]
    urls = [device["url"] for device in reversed(devices)]
    for device, url in zip(devices, urls, strict=True):
        device["url"] = url
    path.write_text(json.dumps(document), encoding="utf-8")


def results(few: int, many: int, lives: Mapping[int, Sequence[Life]]) -> Iterator[Result]:
    """Yield the rows: milliseconds for each device."""
    for part in Life._fields:
        each = {
            count: [getattr(life, part) / count * 1000 for life in lives[count]]
            for count in (few, many)
        }
        yield Result(BY_NAME[f"many-{part}"], each[many], each[few])
