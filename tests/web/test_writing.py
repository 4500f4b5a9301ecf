"""The waiting for devices ends so early that the answer is written in time."""

import threading
import time
from collections.abc import Collection, Generator, Iterator
from contextlib import ExitStack

import pytest
from support.programs import PATIENCE_SECONDS, get

from sma_exporter import config
from sma_exporter.devices.device import Read
from sma_exporter.devices.fleet import Fleet
from sma_exporter.devices.protocols import PROTOCOLS, Protocol
from sma_exporter.devices.snapshot import DeviceState, Snapshot
from sma_exporter.server import ListenAddress, Server
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.source import Address, Identity, Measurements
from sma_exporter.web.app import App
from sma_exporter.web.writing import LAST_ANSWERS, TooManyError, Writing


class FakeClock:
    """A clock that stands still, unless it is put forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def answered(writing: Writing, clock: FakeClock, *, waits: float, writes: float) -> float:
    """A scrape of ten devices with 10 s; return for how long it may wait."""
    scrape = writing.scrape(10, 10)
    left = scrape.deadline.left()
    clock.now += waits
    scrape.waited()
    clock.now += writes
    scrape.end()
    return left


@pytest.mark.parametrize("one_at_a_time", [False, True])
def test_the_time_that_writing_took_is_kept_from_the_second_answer_on(
    clock: FakeClock, one_at_a_time: bool
) -> None:
    writing = Writing(clock, one_at_a_time=one_at_a_time)

    found = [answered(writing, clock, waits=3, writes=1.5) for _ in range(3)]

    assert found == pytest.approx([9.995, 8.5, 8.5])


def test_what_leaving_the_devices_takes_is_a_part_of_it(clock: FakeClock) -> None:
    """They are left at the deadline; the wait for the last of them ends later."""
    writing = Writing(clock, one_at_a_time=True)

    answered(writing, clock, waits=9.995 + 0.5, writes=1)

    assert writing.scrape(10, 10).deadline.left() == pytest.approx(8.5)


def test_it_grows_with_the_number_of_devices(clock: FakeClock) -> None:
    writing = Writing(clock, one_at_a_time=True)
    answered(writing, clock, waits=1, writes=1)

    assert writing.scrape(10, 20).deadline.left() == pytest.approx(8)
    assert writing.scrape(10, 0).deadline.left() == 10


def test_at_most_half_of_the_time_is_kept(clock: FakeClock) -> None:
    writing = Writing(clock, one_at_a_time=True)

    answered(writing, clock, waits=1, writes=60)

    assert writing.scrape(10, 10).deadline.left() == 5
    assert writing.scrape(2, 10).deadline.left() == 1


def test_the_slowest_of_the_last_answers_counts_and_is_forgotten(clock: FakeClock) -> None:
    writing = Writing(clock, one_at_a_time=True)

    answered(writing, clock, waits=1, writes=3)
    found = [answered(writing, clock, waits=1, writes=1) for _ in range(LAST_ANSWERS + 1)]

    assert found == pytest.approx([*[7.0] * LAST_ANSWERS, 9.0])


def test_a_scrape_that_reads_no_device_measures_nothing(clock: FakeClock) -> None:
    writing = Writing(clock, one_at_a_time=True)
    scrape = writing.scrape(10, 10)
    clock.now += 4
    scrape.end()

    assert writing.scrape(10, 10).deadline.left() == pytest.approx(9.995)


def test_long_answers_are_written_one_after_the_other() -> None:
    writing = Writing(time.monotonic, one_at_a_time=True)
    first, second = (writing.scrape(PATIENCE_SECONDS, 1) for _ in range(2))
    first.waited()
    waiting = threading.Thread(target=second.waited)
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()

    first.end()

    waiting.join(PATIENCE_SECONDS)
    assert not waiting.is_alive()
    second.end()
    third = writing.scrape(PATIENCE_SECONDS, 1)
    third.waited()
    third.end()


def test_a_turn_that_does_not_come_in_time_is_an_error_and_takes_no_other_s() -> None:
    writing = Writing(time.monotonic, one_at_a_time=True)
    first, second = writing.scrape(PATIENCE_SECONDS, 1), writing.scrape(0.05, 1)
    first.waited()

    with pytest.raises(TooManyError):
        second.waited()
    second.end()
    with pytest.raises(TooManyError):
        writing.scrape(0.05, 1).waited()
    first.end()

    third = writing.scrape(PATIENCE_SECONDS, 1)
    third.waited()
    third.end()


# --- the application ---


class Waiting:
    """Stands for a device that does not answer: notes how long it was waited for."""

    name = "roof"

    def __init__(self, clock: FakeClock) -> None:
        self.settings = config.DeviceSettings(name=self.name)
        self.clock = clock
        self.waited: list[float] = []

    def read_at(self) -> float:
        return 0

    def begin(self) -> Read:
        return Read(self.clock())

    def finish(self, _: Read, deadline: Deadline) -> Snapshot:
        self.waited.append(deadline.left())
        self.clock.now += deadline.left()
        return Snapshot(self.name, "", None, DeviceState(), {}, 0, None)


@pytest.mark.parametrize("path", ["/metrics", "/probe"])
def test_paths_are_measured_by_themselves(clock: FakeClock, path: str) -> None:
    seconds = [0.0]

    def slowly() -> bool:
        """Asked while the answer of /metrics is written."""
        clock.now += seconds[0]
        return True

    fleet = Fleet(config.Config(()), monotonic=clock)
    app = App(fleet, web_config_usable=slowly)
    device = Waiting(clock)
    fleet.devices = (device,)  # type: ignore[assignment]
    environ = {
        "REQUEST_METHOD": "GET",
        "QUERY_STRING": "target=roof",
        "HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS": "10",
    }
    seconds[0] = 2.0
    ended = []
    for asked in ("/metrics", path, path):
        begin = clock()
        app({**environ, "PATH_INFO": asked}, lambda *_: lambda _: None)
        ended.append(clock() - begin)

    if path == "/metrics":
        assert device.waited == pytest.approx([9.4995, 7.5, 7.5])
        assert ended == pytest.approx([11.4995, 9.5, 9.5])
    else:
        assert device.waited == pytest.approx([9.4995] * 3)


# --- many devices that answer late ---

MANY = 300
FAMILIES = {f"grid_power_l{phase}": 1000 + phase for phase in (1, 2, 3)}


class Late:
    """Says something at once, and the rest later than any scrape waits."""

    url, logins = "toy://", 1

    usual_session = "scrape"

    def __init__(self, ended: threading.Event) -> None:
        self._ended = ended

    def read(
        self, _: Deadline, __: Collection[Address], *, identify: bool
    ) -> Generator[Measurements]:
        yield Measurements(dict(FAMILIES), Identity("4711", "Toy", "Toybox", "SMA"), {})
        self._ended.wait(PATIENCE_SECONDS)

    def release(self, _: Deadline) -> None:
        """Nothing to do."""

    def cancel(self) -> None:
        self._ended.set()


@pytest.fixture
def address() -> Iterator[str]:
    """An exporter of many such devices."""
    ended = threading.Event()
    toy = Protocol(
        keys=config.ProtocolKeys(standard=("url",)),
        open=lambda *_: Late(ended),
        diagnose=PROTOCOLS["webconnect"].diagnose,
        dump=PROTOCOLS["webconnect"].dump,
        history=PROTOCOLS["webconnect"].history,
    )
    devices = tuple(
        config.DeviceSettings(name=f"d{number}", protocol="toy", min_interval=0)
        for number in range(MANY)
    )
    with ExitStack() as stack:
        fleet = Fleet(config.Config(devices), protocols={"toy": toy})
        stack.callback(fleet.close)
        stack.callback(ended.set)
        server = Server(App(fleet), [ListenAddress("127.0.0.1", 0)])
        server.start()
        stack.callback(server.stop)
        yield str(server.addresses[0])


def test_many_devices_that_answer_late_are_shown_in_time(address: str) -> None:
    seconds = []
    for _ in range(3):
        begin = time.monotonic()
        shown = get(f"http://{address}/metrics", **{"X-Prometheus-Scrape-Timeout-Seconds": "3"})
        seconds.append(time.monotonic() - begin)
        assert shown.text.count('sma_up{device="d') == MANY

    assert min(seconds) > 1  # they were waited for
    assert min(seconds[1:]) < 3
