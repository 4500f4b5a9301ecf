"""Whatever a client does, nobody else notices: the real program, plain and over TLS, with one device."""

import re
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import NamedTuple

import pytest
from abuse import ABUSES
from support import readme
from support.devices import PASSWORD, eventually
from support.needs import require_path
from support.programs import PATIENCE_SECONDS, Running, running
from support.web_configs import TLS, Folder, hashed

from sma_exporter.server import DEFAULT_LIMITS
from sma_exporter.simulator import Simulator

#: Prometheus waits for 10 s unless it is told otherwise, and that must be enough.
SCRAPE_SECONDS = 10.0
#: Beside those of clients: the listener, a read, its logout.
OTHER_THREADS = 8
#: What all clients together may cost: the heads alone could be 4 MB, TLS as much as 10 MB.
MEMORY_MB = 48.0


class Footprint(NamedTuple):
    """What a process takes."""

    threads: int
    megabytes: float


@dataclass
class House:
    """A running exporter, and what an honest client needs."""

    host: str
    port: int
    program: Running
    client: ssl.SSLContext | None

    def connect(self) -> HTTPConnection:
        """A connection that is not open yet."""
        if self.client:
            return HTTPSConnection(
                self.host, self.port, timeout=SCRAPE_SECONDS, context=self.client
            )
        return HTTPConnection(self.host, self.port, timeout=SCRAPE_SECONDS)

    def scrape(self, kept: HTTPConnection | None = None) -> float:
        """Scrape as Prometheus would, and be content with nothing less than everything. Seconds.

        `kept`: a connection that is not closed afterwards.
        """
        begin = time.monotonic()
        connection = kept or self.connect()
        try:
            known = {"Authorization": "Basic cHJvbWV0aGV1czpTdW5ueS0xMjM0"} if self.client else {}
            connection.request("GET", "/metrics", headers=known)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            if kept is None:
                connection.close()
        assert response.status == 200
        assert 'sma_up{device="roof"} 1.0' in text
        assert text.count("\n") > 200
        return time.monotonic() - begin

    def footprint(self) -> Footprint:
        """What the exporter takes now."""
        path = Path(f"/proc/{self.program.process.pid}/status")
        found = dict(re.findall(r"(\w+):\s+(\d+)", require_path(path, "/proc").read_text()))
        return Footprint(int(found["Threads"]), int(found["VmRSS"]) / 1024)

    @contextmanager
    def abused(self, what: str) -> Iterator[None]:
        """Let somebody do this meanwhile."""
        how = "tls" if self.client else "plain"
        script = Path(__file__).with_name("abuse.py")
        command = [sys.executable, str(script), what, self.host, str(self.port), how]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "begun\n"
                yield
                assert process.poll() is None, "the abuse ended before its time"
            finally:
                process.kill()


@pytest.fixture(scope="module", params=["plain", "tls"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """An exporter in front of one device; over TLS it wants a password too."""
    folder = Folder(tmp_path_factory.mktemp("house"))
    folder.issue()
    users = f"basic_auth_users:\n  prometheus: {hashed(PASSWORD, 10)}\n"
    secured = [f"--web.config.file={folder.write(TLS + users)}"] if request.param == "tls" else []
    with Simulator("stp-10-se") as simulator:
        devices = folder.path / "sma.yml"
        devices.write_text(
            f'devices: [{{name: roof, url: "{simulator.url}", password: "{PASSWORD}", min_interval: 0s}}]\n'
        )
        flags = [f"--config.file={devices}", "--web.listen-address=127.0.0.1:0", *secured]
        with running(*flags) as program:
            port = int(program.find(r"msg=listening address=127\.0\.0\.1:(\d+)")[1])
            found = House("127.0.0.1", port, program, folder.client() if secured else None)
            for _ in range(5):
                found.scrape()
            yield found
            assert program.stop() == 0
            assert not [line for line in program.lines if re.search("Traceback|level=error", line)]


@pytest.mark.parametrize("what", ABUSES)
def test_nobody_else_notices(house: House, what: str) -> None:
    before = house.footprint()

    with house.abused(what):
        seconds = []
        during = []
        for _ in range(8):
            seconds.append(house.scrape())
            during.append(house.footprint())
            time.sleep(0.05)

    assert max(seconds) < SCRAPE_SECONDS / 2
    assert max(now.threads for now in during) <= DEFAULT_LIMITS.clients + OTHER_THREADS
    assert max(now.megabytes for now in during) < before.megabytes + MEMORY_MB
    assert eventually(lambda: house.footprint().threads <= before.threads + OTHER_THREADS)
    assert house.footprint().megabytes < before.megabytes + MEMORY_MB


def test_the_readme_says_how_many_there_are() -> None:
    words = {17: "seventeen"}

    assert f"the tests do {words[len(ABUSES)]} such things" in " ".join(readme.TEXT.split())


@pytest.mark.parametrize(
    "what",
    ["five_hundred_silent_newcomers_a_second", "a_thousand_half_open_that_reconnect_at_once"],
)
def test_a_kept_connection_stays_and_new_ones_are_served(house: House, what: str) -> None:
    with closing(house.connect()) as kept:
        house.scrape(kept)
        own = kept.sock.getsockname()
        with house.abused(what):
            seconds = []
            for _ in range(8):
                seconds.append(house.scrape(kept))
                time.sleep(0.1)
            new = [house.scrape() for _ in range(2)]

        assert kept.sock.getsockname() == own
    assert max(seconds) < 2
    assert max(new) < SCRAPE_SECONDS


def test_those_who_stay_are_left_after_a_while(house: House) -> None:
    before = house.footprint()

    with house.abused("two_hundred_in_the_middle"), house.abused("requests_a_byte_at_a_time"):
        assert eventually(
            lambda: house.footprint().threads <= before.threads + OTHER_THREADS,
            DEFAULT_LIMITS.head_seconds + PATIENCE_SECONDS,
        )
