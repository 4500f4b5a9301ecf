"""An exporter among devices that send whatever costs memory and time: small, and in time for the others."""

import gzip
import itertools
import json
import random
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.devices import NAME, POWER, RATED, SERIAL, STATUS, TOTAL
from support.needs import require_path
from support.programs import exporter, get, values
from support.raw_devices import Call, WebConnectFake, reply

SEED = 20251129
SCRAPES = 300
WARM_UP = 100

#: What Prometheus waits; other tests may run beside this one, so half a second more is not late.
SCRAPE_SECONDS = 3.0
SLACK_SECONDS = 0.5

#: The limit in the manifests.
MOST_BYTES = 160 * 1024 * 1024
#: More than what the scrapes after the warm-up may leave behind.
GROWTH_BYTES = 6 * 1024 * 1024

MEGABYTES_8 = 8 * 1024 * 1024
COUNTRY, MESSAGE = "6180_08671E00", "6180_08414900"

Values = Mapping[str, object]
Attack = Callable[[int, Values], bytes]


def one(val: object) -> object:
    return {"1": [{"val": val}]}


HEALTHY: Values = {
    POWER: one(1840),
    TOTAL: one(1_234_567),
    STATUS: one([{"tag": 307}]),
    SERIAL: one(3_001_234_567),
    RATED: one(5000),
    NAME: one("Roof"),
}


def result(number: int, found: Values) -> bytes:
    """A reply whose member has a new name each time: who answers is asked again."""
    return reply({"result": {f"0199-xxxxx{number % 1000:03d}": dict(found)}})


def in_empty_gzip_members(_: int, found: Values) -> bytes:
    body = json.dumps({"result": {"0199-xxxxx385": dict(found)}}).encode()
    return reply(gzip.compress(b"") * 400_000 + gzip.compress(body), 200, "Content-Encoding: gzip")


def bomb(_: int, __: Values) -> bytes:
    return reply(gzip.compress(b" " * 100_000_000, 9), 200, "Content-Encoding: gzip")


def longest_name(number: int, found: Values) -> bytes:
    return result(number, {**found, NAME: one(f"{number} " + "\x7fx" * (MEGABYTES_8 // 2))})


def long_name(number: int, found: Values) -> bytes:
    return result(number, {**found, NAME: one(f"{number} " + "\x7fx" * 100_000)})


def standards(number: int, found: Values) -> bytes:
    tags = [{"tag": number * 40_000 + n} for n in range(40_000)]
    return result(number, {**found, COUNTRY: one(tags), MESSAGE: one(tags)})


def twins(number: int, found: Values) -> bytes:
    return result(number, {**found, MESSAGE: one([{"tag": 885}, {"tag": 886}])})


def objects(size: int) -> Attack:
    return lambda *_: reply(b"[" + b",".join(itertools.repeat(b"{}", size // 3)) + b"]")


def depths(_: int, __: Values) -> bytes:
    return reply(b'{"result":{"0199-xxxxx385":' + b"[" * 900_000)


def digits(_: int, __: Values) -> bytes:
    return reply(b'{"result":{"0199-xxxxx385":{"6100_40263F00":' + b"9" * 900_000 + b"}}}")


def keys(number: int, found: Values) -> bytes:
    unknown = {f"6100_{number * 15_000 + n:08X}": one(n) for n in range(15_000)}
    return result(number, {**found, **unknown})


def healthy(number: int, found: Values) -> bytes:
    return result(number, found)


ATTACKS: tuple[Attack, ...] = (
    *(in_empty_gzip_members, bomb, longest_name, long_name, standards, twins, depths, digits, keys),
    *(objects(MEGABYTES_8), objects(1_000_000), healthy, healthy),
)


class Hostile(WebConnectFake):
    """A device that answers reads as one of the attacks; each is there for the values and the parameters."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__(HEALTHY)
        self._dice = dice
        self._count = itertools.count(1)
        self._made = threading.Lock()  # one large reply at a time in this process
        for name in ("getAllOnlValues", "getValues"):
            self.answers[name] = self._attack

    def _attack(self, call: Call) -> bytes | None:
        if call.sid not in self.sessions:
            return self.unknown_session
        with self._made:
            return self._dice.choice(ATTACKS)(next(self._count), self.values)


def memory(pid: int, what: str) -> int:
    """Bytes of a process: "VmRSS", what it has now, or "VmHWM", the most that it ever had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    match = re.search(rf"{what}:\s+(\d+) kB", status)
    assert match
    return int(match[1]) * 1024


@pytest.fixture
def configuration(tmp_path: Path) -> Iterator[Path]:
    dice = random.Random(SEED)
    with ExitStack() as stack:
        roof = stack.enter_context(WebConnectFake(HEALTHY))
        rows = [
            ("roof", roof),
            *((f"hostile{n}", stack.enter_context(Hostile(dice))) for n in range(3)),
        ]
        lines = [
            f'  - {{name: {name}, url: "{device.url}", password: "{device.password}"'
            f", timeout: {'5s' if device is roof else '1s'}, min_interval: 0s"
            f"{', session: keep' if name == 'hostile0' else ''}}}\n"
            for name, device in rows
        ]
        file = tmp_path / "sma.yml"
        file.write_text("devices:\n" + "".join(lines), encoding="utf-8")
        file.chmod(0o600)
        yield file


@pytest.mark.long
def test_the_exporter_stays_small_and_the_healthy_device_is_in_time(configuration: Path) -> None:
    require_path(Path("/proc/self/status"), "Linux' /proc")
    with exporter("--config.file", str(configuration)) as (url, program):
        pid = program.process.pid
        settled = 0
        shown: set[str] = set()
        for number in range(SCRAPES):
            answer = get(
                f"{url}/metrics", **{"X-Prometheus-Scrape-Timeout-Seconds": str(SCRAPE_SECONDS)}
            )
            samples = values(answer.text)
            assert answer.status_code == 200
            assert answer.elapsed.total_seconds() < SCRAPE_SECONDS + SLACK_SECONDS
            assert samples['sma_up{device="roof"}'] == 1
            assert samples['sma_ac_power_watts{device="roof"}'] == 1840
            assert len(answer.content) < 200_000
            shown |= {series for series, value in samples.items() if value and "failing" in series}
            if number == WARM_UP:
                settled = memory(pid, "VmRSS")
        assert get(f"{url}/-/healthy").status_code == 200
        grown = memory(pid, "VmRSS") - settled
        peak = memory(pid, "VmHWM")
        assert program.stop() == 0
    sys.stdout.write(
        f"peak {peak / 2**20:.0f} MiB, grown by {grown / 2**20:.1f} MiB after {WARM_UP} scrapes\n"
    )
    assert peak < MOST_BYTES
    assert grown < GROWTH_BYTES
    assert any('reason="protocol"' in series for series in shown)
