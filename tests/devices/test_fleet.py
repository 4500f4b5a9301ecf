"""Reload: what stays of a device, what it takes anew, and that no two meet on one inverter."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from support import devices
from support.devices import (
    NOON,
    TOTAL,
    Clock,
    calls,
    count,
    eventually,
    reader_threads,
    sending,
    settings,
)

from sma_exporter import config
from sma_exporter.devices.device import Device
from sma_exporter.devices.fleet import Fleet
from sma_exporter.devices.snapshot import ReadResult
from sma_exporter.simulator import PASSWORD, Simulator, faults
from sma_exporter.simulator.faults import Fault
from sma_exporter.simulator.http_simulator import INSTALLER_PASSWORD
from sma_exporter.sma.deadline import Deadline

clock, sim = devices.clock, devices.sim

READ = "getAllOnlValues"


class Reloaded:
    """A fleet whose next configuration a test may set: devices, or the problem that there is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.wanted: tuple[config.DeviceSettings, ...] | config.ConfigError = ()
        self.fleet = Fleet(
            config.Config(()),
            self._load,
            clock=lambda: NOON + clock(),
            monotonic=clock,
        )

    def _load(self) -> config.Config:
        if isinstance(self.wanted, config.ConfigError):
            raise self.wanted
        return config.Config(self.wanted)

    def reload(self, *wanted: config.DeviceSettings) -> None:
        self.wanted = wanted
        self.fleet.reload()

    @property
    def device(self) -> Device:
        (only,) = self.fleet.devices
        return only

    def read(self, within: float = 5.0) -> ReadResult:
        """Scrape the only device, past its `min_interval`."""
        self._clock.advance(5.0)
        deadline = Deadline.after(within, self._clock)
        outcome = self.device.finish(self.device.begin(), deadline).result
        eventually(lambda: not reader_threads(), within=0.2)
        assert outcome is not None
        return outcome

    def read_in_background(self) -> threading.Thread:
        thread = threading.Thread(target=self.read, daemon=True)
        thread.start()
        return thread


@pytest.fixture
def site(clock: Clock) -> Iterator[Reloaded]:
    made = Reloaded(clock)
    yield made
    made.fleet.close(seconds=5.0)


def custom(metric: str, **keys: Any) -> config.CustomSensor:
    given = {"key": TOTAL, "unit": "Wh", "type": "counter", "help": "Made up."}
    return config.CustomSensor(metric=metric, **(given | keys))


class TestWhatStays:
    def test_the_session(self, site: Reloaded, sim: Simulator) -> None:
        site.reload(settings(sim, session="keep"))
        site.read()

        site.reload(settings(sim, session="keep", min_interval=1.0, plant="home"))

        assert site.read().reason is None
        assert (sim.logins, sim.sessions) == (1, 1)
        assert site.device.last().plant == "home"

    def test_the_pause_after_a_refused_password(self, site: Reloaded, sim: Simulator) -> None:
        site.reload(settings(sim, password="wrong"))
        assert site.read().reason == "authentication"

        site.reload(settings(sim, password="wrong", min_interval=1.0))

        assert site.read().reason == "authentication"
        assert count(sim)["login"] == 1

    def test_but_a_new_password_tries_at_once(self, site: Reloaded, sim: Simulator) -> None:
        site.reload(settings(sim, password="wrong"))
        site.read()

        site.reload(settings(sim, password=PASSWORD))

        assert site.read().reason is None

    def test_and_so_does_another_group(self, site: Reloaded, sim: Simulator) -> None:
        site.reload(settings(sim, password="wrong"))
        site.read()

        site.reload(settings(sim, password="wrong", group="installer"))

        assert site.read().reason == "authentication"
        assert count(sim)["login"] == 2

    def test_the_guard_of_the_totals(self, site: Reloaded, sim: Simulator) -> None:
        site.reload(settings(sim))
        assert "total_yield" in site.read().readings
        sim.faults.add(Fault(faults.mutate(sending({TOTAL: 5})), path=READ))

        site.reload(settings(sim, plant="home"))

        assert "total_yield" not in site.read().readings
        assert site.device.last().state.withheld == 1

    def test_a_read_under_way(self, site: Reloaded, sim: Simulator) -> None:
        sim.faults.add(Fault(faults.delay(0.3), path=READ, times=1))
        site.reload(settings(sim))
        before = site.device
        scrape = site.read_in_background()
        assert eventually(lambda: READ in calls(sim))

        site.reload(settings(sim, plant="home"))

        scrape.join(5)
        assert site.device is before
        assert site.device.last().up
        assert count(sim)["login"] == 1


class TestWhatIsTakenAnew:
    def test_the_interval(self, site: Reloaded, sim: Simulator) -> None:
        site.reload(settings(sim, min_interval=60.0))
        site.read()
        site.read()
        assert count(sim)[READ] == 1

        site.reload(settings(sim, min_interval=0.0))
        site.read()

        assert count(sim)[READ] == 2

    @pytest.mark.parametrize(
        "change",
        [
            {"group": "installer", "password": config.Secret(INSTALLER_PASSWORD)},
            {"timeout": 4.0},
            {"tls": config.TlsSettings(verify=False, given=True)},
        ],
        ids=["group", "timeout", "tls"],
    )
    def test_a_kept_session_ends_when_its_connection_changes(
        self, site: Reloaded, sim: Simulator, change: dict[str, Any]
    ) -> None:
        site.reload(settings(sim, session="keep"))
        site.read()

        site.reload(replace(settings(sim, session="keep"), **change))
        site.read()

        assert calls(sim).count("logout") == 1
        assert (sim.logins, sim.sessions) == (2, 1)

    def test_the_serial_number_is_looked_at_again(self, site: Reloaded, sim: Simulator) -> None:
        site.reload(settings(sim))
        site.read()

        site.reload(settings(sim, serial="1234567890"))

        assert site.read().reason == "identity"

    def test_sensors(self, site: Reloaded, sim: Simulator) -> None:
        site.reload(settings(sim, sensors=(custom("sma_custom_one_joules_total"),)))
        assert [row.metric for row in site.read().custom] == ["sma_custom_one_joules_total"]

        site.reload(settings(sim, sensors=(custom("sma_custom_two_joules_total"),)))

        assert [row.metric for row in site.read().custom] == ["sma_custom_two_joules_total"]
        assert site.device.last().state.withheld == 0

    def test_the_delay_of_a_counters_reset(
        self, site: Reloaded, sim: Simulator, clock: Clock
    ) -> None:
        site.reload(settings(sim))
        site.read()
        site.reload(settings(sim, counter_reset_delay=3600.0))
        for raw in (50_000, 50_100):
            sim.faults.clear()
            sim.faults.add(Fault(faults.mutate(sending({TOTAL: raw})), path=READ))
            outcome = site.read()
            clock.advance(3600.0)
            outcome = site.read()

        assert outcome.readings["total_yield"] == 50_100 * 3600


class TestWhoLeaves:
    def test_logs_out(self, site: Reloaded, sim: Simulator) -> None:
        site.reload(settings(sim, session="keep"))
        site.read()
        assert sim.sessions == 1

        site.reload()

        assert site.fleet.devices == ()
        assert eventually(lambda: sim.sessions == 0)

    def test_ends_its_read_first(self, site: Reloaded, sim: Simulator) -> None:
        sim.faults.add(Fault(faults.delay(0.3), path=READ, times=1))
        site.reload(settings(sim))
        leaving = site.device
        scrape = site.read_in_background()
        assert eventually(lambda: READ in calls(sim))

        site.reload()

        scrape.join(5)
        assert leaving.last().up
        assert eventually(lambda: leaving.closed and sim.sessions == 0)
        assert leaving.begin() is None

    @pytest.mark.parametrize("change", ["name", "url"])
    def test_is_waited_for_by_its_successor(
        self, site: Reloaded, simulate: Callable[..., Simulator], clock: Clock, change: str
    ) -> None:
        sim = simulate("sb-1.5", clock=lambda: NOON, monotonic=clock)
        sim.faults.add(Fault(faults.delay(0.3), path=READ, times=1))
        before = settings(sim, session="keep")
        after = {
            "name": replace(before, name="attic"),
            "url": replace(before, url=sim.url.replace("127.0.0.1", "localhost")),
        }[change]
        site.reload(before)
        old = site.device
        scrape = site.read_in_background()
        assert eventually(lambda: READ in calls(sim))

        site.reload(after)

        assert site.device is not old
        assert site.read().reason is None
        scrape.join(5)
        asked = [call for call in calls(sim) if call in {"login", "logout"}]
        assert asked == ["login", "logout", "login"]
        assert sim.sessions == 1

    def test_does_not_hold_up_the_others(
        self, site: Reloaded, simulate: Callable[..., Simulator], sim: Simulator, clock: Clock
    ) -> None:
        hung = simulate("sb-1.5", clock=lambda: NOON, monotonic=clock)
        hung.faults.add(Fault(faults.hang(), path=READ))
        site.reload(settings(hung, url=hung.url.replace("127.0.0.1", "127.0.0.2")))
        sick = settings(hung, name="sick", timeout=2.0)
        site.reload(sick)
        site.read_in_background()
        assert eventually(lambda: READ in calls(hung))

        site.reload(settings(sim, url=sim.url.replace("127.0.0.1", "localhost")))

        assert site.read().reason is None

    def test_ends_with_the_process_at_the_latest(self, site: Reloaded, sim: Simulator) -> None:
        sim.faults.add(Fault(faults.delay(0.5), path=READ))
        site.reload(settings(sim))
        scrape = site.read_in_background()
        assert eventually(lambda: READ in calls(sim))
        site.reload()

        site.fleet.close(8)

        scrape.join(5)
        assert sim.sessions == 0


class TestABrokenConfiguration:
    def test_keeps_the_old_one_and_says_so(
        self, site: Reloaded, sim: Simulator, caplog: pytest.LogCaptureFixture
    ) -> None:
        site.reload(settings(sim))
        before, loaded_at = site.fleet.devices, site.fleet.loading.succeeded_at
        site.wanted = config.ConfigError(["devices[0].url: is missing", "the file has a tab"])

        with pytest.raises(config.ConfigError):
            site.fleet.reload()

        assert site.fleet.devices == before
        assert site.fleet.loading == (False, loaded_at)
        errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
        assert [line.partition("stays: ")[2] for line in errors] == [
            "devices[0].url: is missing",
            "the file has a tab",
        ]

    def test_is_forgotten_when_it_is_mended(
        self, site: Reloaded, sim: Simulator, clock: Clock
    ) -> None:
        site.wanted = config.ConfigError(["broken"])
        with suppress(config.ConfigError):
            site.fleet.reload()
        clock.advance(60.0)

        site.reload(settings(sim))

        assert site.fleet.loading.successful
        assert site.fleet.loading.succeeded_at == pytest.approx(NOON + clock(), abs=5)
        assert site.read().reason is None

    def test_warnings_are_logged(self, sim: Simulator, caplog: pytest.LogCaptureFixture) -> None:
        found = config.Config((settings(sim),), ("one serial under two names",))

        Fleet(found, lambda: found).reload()

        lines = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
        assert lines == ["configuration: one serial under two names"] * 2


def test_without_a_configuration_there_is_nothing_to_reload(sim: Simulator) -> None:
    fleet = Fleet(config.Config((settings(sim),)))
    before = fleet.devices

    fleet.reload()

    assert fleet.devices == before
    assert fleet.loading.successful


def test_closing_takes_all_devices_side_by_side(simulate: Callable[..., Simulator]) -> None:
    simulators = [simulate(latency=0.3) for _ in range(8)]
    wanted = [
        settings(simulator, name=f"roof {index}", session="keep")
        for index, simulator in enumerate(simulators)
    ]
    fleet = Fleet(config.Config(tuple(wanted)))
    deadline = Deadline.after(20)
    for device, read in [(device, device.begin()) for device in fleet.devices]:
        device.finish(read, deadline)
    assert [simulator.sessions for simulator in simulators] == [1] * 8

    fleet.close(seconds=8)

    assert [simulator.sessions for simulator in simulators] == [0] * 8


def logged_in(simulator: Simulator, clock: Clock) -> Fleet:
    """A fleet of one device whose session is kept."""
    fleet = Fleet(config.Config((settings(simulator, session="keep"),)), monotonic=clock)
    (device,) = fleet.devices
    assert device.finish(device.begin(), Deadline.after(20, clock)).up
    assert eventually(lambda: not reader_threads())
    return fleet


def test_a_logout_may_take_what_the_stop_has(sim: Simulator, clock: Clock) -> None:
    fleet = logged_in(sim, clock)
    sim.faults.add(Fault(faults.delay(3.0), path="logout"))

    fleet.close()

    assert sim.sessions == 0


@pytest.mark.parametrize(
    "fault", [faults.hang(), faults.delay(5.0), faults.drop()], ids=["hangs", "late", "drops"]
)
def test_a_session_that_may_stay_is_named(
    sim: Simulator, clock: Clock, caplog: pytest.LogCaptureFixture, fault: faults.Action
) -> None:
    fleet = logged_in(sim, clock)
    sim.faults.add(Fault(fault, path="logout"))

    fleet.close(seconds=1.0)

    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert {record.__dict__["device"] for record in warnings} == {"roof"}
    assert "may hold a session" in warnings[-1].getMessage()


@pytest.mark.parametrize("address", ["127.{0}.{1}.{2}", "127.0.0.1:{0}{1:02}{2:02}"])
def test_a_reload_that_changes_every_address_takes_moments(clock: Clock, address: str) -> None:
    def entries(generation: int) -> config.Config:
        urls = (f"http://{address.format(generation, *divmod(i, 100))}" for i in range(1000))
        found = (config.DeviceSettings(name=f"d{i}", url=url) for i, url in enumerate(urls))
        return config.Config(tuple(found))

    fleet = Fleet(entries(1), lambda: entries(2), monotonic=clock)
    before = fleet.devices
    begin = time.process_time()
    fleet.reload()
    took = time.process_time() - begin

    assert eventually(lambda: all(device.closed for device in before))
    assert took < 5
    assert len(threading.enumerate()) < 200
    fleet.close(seconds=5.0)
