"""Devices with ennexOS as the exporter reads them: several behind one address, one session, who answers."""

import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from support.devices import NOON, Clock, Scraped, eventually, reader_threads
from support.ennexos_fakes import PASSWORD, PLANT, SELF, SERIAL, USER, EnnexosFake, parameter, row
from support.raw_devices import Call, reply

from sma_exporter import config
from sma_exporter.devices.device import Device
from sma_exporter.devices.snapshot import Snapshot
from sma_exporter.ennexos.source import EnnexOSSettings, EnnexOSSource
from sma_exporter.simulator import EnnexosSimulator, Simulator, Switches, faults
from sma_exporter.simulator.faults import Fault
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.sharing import Sharing

LIVE, PARAMETERS, DEVICE = (
    "measurements/live",
    "parameters/search",
    f"plants/{PLANT}/devices/{SELF}",
)

Connect = Callable[..., Scraped]


class Configured(Scraped):
    """A device of a fleet, as scrapes see it."""

    def __init__(self, settings: config.DeviceSettings, clock: Clock, sharing: Sharing) -> None:
        self.clock = clock
        self.device = Device(settings, sharing=sharing, clock=lambda: NOON, monotonic=clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake() -> Iterator[EnnexosFake]:
    with EnnexosFake(row("GridMs.TotW", 1200), row("Metering.TotWhOut", 5000)) as device:
        device.parameters[SELF] = [parameter("Inverter.WLim", "15000")]
        yield device


@pytest.fixture
def manager(clock: Clock) -> Iterator[EnnexosSimulator]:
    """A data manager with an inverter, a meter, and an old inverter behind it."""
    switches = Switches(plain_http="serve")
    with EnnexosSimulator(
        "data-manager", clock=lambda: NOON, monotonic=clock, switches=switches
    ) as simulator:
        yield simulator


@pytest.fixture
def connect(clock: Clock, fake: EnnexosFake, manager: EnnexosSimulator) -> Iterator[Connect]:
    """Configure devices of one fleet; they are closed at the end, and leave no thread."""
    made: list[Configured] = []
    sharing = Sharing()

    def start(
        device: Any, component: str = SELF, protocol: str = "ennexos", **keys: Any
    ) -> Configured:
        given: dict[str, Any] = {
            "name": component,
            "url": device.url,
            "min_interval": 0.0,
            "timeout": 2.0,
        }
        given |= {"session": "keep" if protocol else ""} | keys
        password = given.pop("password", PASSWORD)
        options = {"username": USER, "component": component} | given.pop("options", {})
        settings = config.DeviceSettings(
            **given,
            protocol=protocol,
            options=options,
            password=None if password is None else config.Secret(password),
        )
        made.append(Configured(settings, clock, sharing))
        return made[-1]

    yield start
    close(*made)
    assert eventually(lambda: not reader_threads())


def close(*devices: Scraped) -> None:
    with ThreadPoolExecutor(len(devices) or 1) as pool:
        [*pool.map(Scraped.close, devices)]


def components(simulator: EnnexosSimulator) -> list[str]:
    """The inverter, the meter and the old inverter behind a data manager."""
    listed = simulator._device.profile.devices(simulator._device.view()) or []
    return [str(each["deviceId"]) for each in listed][1:]


def at_once(devices: list[Any], clock: Clock) -> list[Snapshot]:
    """Scrape as Prometheus does: all side by side."""
    begun = [device.device.begin() for device in devices]
    within = devices[0].within(10)
    pairs = zip(devices, begun, strict=True)
    return [device.device.finish(read, within) for device, read in pairs]


def reasons(snapshots: list[Snapshot]) -> list[str | None]:
    return [
        str(each.result.reason) if each.result and each.result.reason else None
        for each in snapshots
    ]


def asked(simulator: EnnexosSimulator, path: str) -> int:
    return sum(each == f"/api/v1/{path}" for _, each in simulator.requests)


# --- several devices behind one address ---


def test_three_devices_behind_a_data_manager_are_one_session_and_one_request_a_scrape(
    connect: Connect, manager: EnnexosSimulator, clock: Clock
) -> None:
    devices = [connect(manager, component) for component in components(manager)]
    assert reasons(at_once(devices, clock)) == [None] * 3
    assert (manager.logins, manager.sessions) == (1, 1)
    manager.reset_counts()

    for _ in range(5):
        clock.advance(15)
        shown = at_once(devices, clock)
        assert reasons(shown) == [None] * 3

    assert asked(manager, LIVE) == len(manager.requests) == 5
    inverter, meter, old = (each.readings for each in shown)
    assert inverter["grid_power"] != old["grid_power"]
    assert "metering_power_absorbed" in meter
    assert "metering_power_absorbed" not in old
    assert sum(each.logins for each in shown) == 1


def test_each_device_behind_an_address_has_its_own_identity(
    connect: Connect, manager: EnnexosSimulator, clock: Clock
) -> None:
    devices = [connect(manager, component) for component in [SELF, *components(manager)]]
    shown = at_once(devices, clock)
    models = [each.state.identity.model for each in shown]
    assert models == ["EDMM-10", "STP10.0-3AV-40", "Energy Meter", "Solar Inverters"]
    assert len({each.state.identity.serial for each in shown}) == 4


@pytest.mark.parametrize("offline", ["missing", "without value", "stale"])
def test_one_device_that_sleeps_costs_the_others_nothing(
    connect: Connect, manager: EnnexosSimulator, clock: Clock, offline: Any
) -> None:
    devices = [connect(manager, component) for component in components(manager)]
    at_once(devices, clock)
    manager.switches = replace(manager.switches, offline_since=NOON - 7200, offline=offline)
    manager.reset_counts()
    clock.advance(15)

    *others, sleeping = at_once(devices, clock)

    assert reasons(others) == [None, None]
    assert "grid_power" not in sleeping.readings
    if offline != "stale":
        assert sleeping.result is not None
        assert str(sleeping.result.reason) in {"connection", "protocol"}
    assert asked(manager, LIVE) == 1
    assert len(manager.requests) == 1
    assert manager.logins == 0

    for _ in range(3):
        clock.advance(15)
        at_once(devices, clock)
    assert len(manager.requests) == 4
    manager.switches = replace(manager.switches, offline_since=None)
    clock.advance(15)
    assert reasons(at_once(devices, clock)) == [None] * 3


@pytest.mark.parametrize("unknown", ["empty", "400", "404"])
def test_a_component_that_does_not_exist_costs_the_others_nothing(
    connect: Connect, manager: EnnexosSimulator, clock: Clock, unknown: Any
) -> None:
    manager.switches = replace(manager.switches, unknown_component=unknown)
    devices = [connect(manager, each) for each in [*components(manager), "SD2P:0000-1"]]

    for _ in range(3):
        shown = at_once(devices, clock)
        assert reasons(shown) == [None, None, None, "connection"]
        clock.advance(15)

    assert "SD2P:0000-1" in str(shown[-1].result and shown[-1].result.message)
    assert (manager.logins, manager.sessions) == (1, 1)


def test_a_failure_is_shared_too(connect: Connect, manager: EnnexosSimulator, clock: Clock) -> None:
    devices = [connect(manager, component) for component in components(manager)]
    at_once(devices, clock)
    manager.reset_counts()
    manager.faults.add(Fault(faults.status(500), path=LIVE))
    clock.advance(15)

    assert reasons(at_once(devices, clock)) == ["protocol"] * 3
    assert asked(manager, LIVE) == 1


def test_a_device_that_is_read_alone_gets_no_answer_of_before(
    connect: Connect, fake: EnnexosFake, clock: Clock
) -> None:
    first, second = connect(fake), connect(fake, PLANT)
    fake.rows.append(row("Metering.PCCMs.PlntW", 5, PLANT))
    first.read()
    first.read()
    fake.rows[0] = row("GridMs.TotW", 1300)
    assert first.read().readings["grid_power"] == 1300
    clock.advance(1.5)
    second.read()
    assert fake.count(LIVE) == 4


def test_a_device_waits_no_longer_for_another_than_its_own_deadline(
    connect: Connect, fake: EnnexosFake, clock: Clock
) -> None:
    fake.rows.append(row("Metering.PCCMs.PlntW", 5, PLANT))
    slow, other = connect(fake), connect(fake, PLANT, timeout=0.2)
    at_once([slow], clock)
    gate = threading.Event()

    def late(call: Call) -> bytes | None:
        gate.wait(5)
        return fake.usual(call)

    fake.answers[LIVE] = late
    begun = slow.device.begin()
    assert eventually(lambda: fake.count(LIVE) == 2)
    # A connection with another time-out is another one; so the one of the same settings is tried.
    same = connect(fake, PLANT, name="same")
    found = same.device.finish(same.device.begin(), same.within(0.3))
    assert reasons([found]) == ["timeout"]
    gate.set()
    assert reasons([slow.device.finish(begun, slow.within(5))]) == [None]
    assert other.device.last().result is None


# --- tokens and passwords ---


def test_tokens_that_expire_under_sixty_scrapes_are_renewed_once(
    connect: Connect, manager: EnnexosSimulator, clock: Clock
) -> None:
    devices = [connect(manager, component) for component in components(manager)]
    at_once(devices, clock)
    manager.reset_counts()
    clock.advance(3700)

    with ThreadPoolExecutor(60) as pool:
        shown = list(pool.map(lambda n: devices[n % 3].scrape(10), range(60)))

    assert reasons(shown) == [None] * 60
    assert (manager.refreshes, manager.logins, manager.token_requests) == (1, 0, 1)


def test_sessions_that_are_forgotten_under_sixty_scrapes_are_one_login(
    connect: Connect, manager: EnnexosSimulator, clock: Clock
) -> None:
    devices = [connect(manager, component) for component in components(manager)]
    at_once(devices, clock)
    manager.expire_sessions()
    manager.reset_counts()

    with ThreadPoolExecutor(60) as pool:
        shown = list(pool.map(lambda n: devices[n % 3].scrape(10), range(60)))

    assert reasons(shown) == [None] * 60
    assert (manager.logins, manager.sessions) == (1, 1)


def test_an_hour_of_scrapes_over_the_end_of_the_token_is_up_throughout(
    connect: Connect, manager: EnnexosSimulator, clock: Clock
) -> None:
    device = connect(manager, components(manager)[0])
    for _ in range(4 * 75):
        assert device.read().reason is None
        clock.advance(15)
    assert manager.logins == 1
    assert 1 <= manager.refreshes <= 2


def test_a_wrong_password_is_tried_once_a_minute_at_most_by_all_together(
    connect: Connect, manager: EnnexosSimulator, clock: Clock
) -> None:
    devices = [connect(manager, each, password="Wrong-1234") for each in components(manager)]
    tries: list[float] = []
    for second in range(0, 3600, 5):
        before = manager.login_attempts
        assert reasons(at_once(devices, clock)) == ["authentication"] * 3
        tries += [second] * (manager.login_attempts - before)
        clock.advance(5)

    pauses = [later - sooner for sooner, later in itertools.pairwise(tries)]
    assert min(pauses) >= 60
    assert 4 <= len(tries) <= 9
    message = devices[0].scrape().result
    assert message is not None
    assert "Sunny Portal" in message.message
    assert USER in message.message


def test_a_new_password_is_tried_at_once(
    connect: Connect, manager: EnnexosSimulator, clock: Clock, tmp_path: Any
) -> None:
    file = tmp_path / "password"
    file.write_text("Wrong-1234", encoding="utf-8")
    devices = [
        connect(manager, each, password=None, password_file=file) for each in components(manager)
    ]
    assert reasons(at_once(devices, clock)) == ["authentication"] * 3
    clock.advance(15)
    file.write_text(PASSWORD, encoding="utf-8")
    assert reasons(at_once(devices, clock)) == [None] * 3
    assert (manager.login_attempts, manager.logins) == (2, 1)


def test_a_login_that_was_lost_is_waited_for_by_all(
    connect: Connect, manager: EnnexosSimulator, clock: Clock
) -> None:
    devices = [connect(manager, component) for component in components(manager)]
    manager.faults.add(Fault(faults.drop_after(), path="token", times=1))
    assert reasons(at_once(devices, clock)) == ["connection"] * 3
    clock.advance(5)
    assert reasons(at_once(devices, clock)) == ["connection"] * 3
    assert manager.token_requests == 1
    clock.advance(6)
    assert reasons(at_once(devices, clock)) == [None] * 3
    assert manager.token_requests == 2


# --- the end of a session ---


def test_stopping_leaves_no_session(
    connect: Connect, manager: EnnexosSimulator, clock: Clock
) -> None:
    devices = [connect(manager, component) for component in components(manager)]
    at_once(devices, clock)
    assert manager.sessions == 1
    close(*devices)
    assert (manager.sessions, manager.logouts) == (0, 1)


def test_stopping_within_a_read_leaves_no_session(
    connect: Connect, manager: EnnexosSimulator, clock: Clock
) -> None:
    devices = [connect(manager, component) for component in components(manager)]
    at_once(devices, clock)
    manager.faults.add(Fault(faults.delay(0.5), path=LIVE))
    for device in devices:
        device.device.begin()
    close(*devices)
    assert (manager.sessions, manager.logouts) == (0, 1)


def test_one_device_that_leaves_lets_the_others_have_the_session(
    connect: Connect, manager: EnnexosSimulator, clock: Clock
) -> None:
    devices = [connect(manager, component) for component in components(manager)]
    at_once(devices, clock)
    devices[0].device.leave(devices[0].within(5))
    assert manager.sessions == 1
    clock.advance(15)
    assert reasons(at_once(devices[1:], clock)) == [None, None]
    assert manager.logins == 1


def test_one_device_that_is_cancelled_ends_no_read_of_another(
    connect: Connect, fake: EnnexosFake, clock: Clock
) -> None:
    fake.rows.append(row("Metering.PCCMs.PlntW", 5, PLANT))
    devices = [connect(fake), connect(fake, PLANT)]
    at_once(devices, clock)
    devices[1].close()
    clock.advance(15)
    assert devices[0].read().reason is None
    assert fake.logins == 1


def test_with_session_scrape_the_last_one_logs_out(
    connect: Connect, manager: EnnexosSimulator, clock: Clock
) -> None:
    devices = [connect(manager, each, session="scrape") for each in components(manager)]
    for _ in range(3):
        assert reasons(at_once(devices, clock)) == [None] * 3
        assert eventually(lambda: manager.sessions == 0)
        clock.advance(15)
    assert manager.logins == manager.logouts
    assert manager.most_sessions_in_use == 1


def test_a_logout_that_was_lost_is_made_up_for_after_the_next_read(
    connect: Connect, manager: EnnexosSimulator, clock: Clock
) -> None:
    device = connect(manager, components(manager)[0], session="scrape")
    manager.faults.add(Fault(faults.drop(), path="refreshtoken", times=1))
    assert device.read().reason is None
    assert eventually(lambda: asked(manager, "refreshtoken") == 1 and not reader_threads())
    assert manager.sessions == 1
    clock.advance(15)
    assert device.read().reason is None
    assert eventually(lambda: manager.sessions == 0)
    assert (manager.logins, manager.logouts) == (1, 1)


# --- who answers ---


def test_another_serial_number_is_refused(connect: Connect, fake: EnnexosFake) -> None:
    fake.rows[0] = row("GridMs.TotW", 1200)
    device = connect(fake, serial="3010000002")
    found = device.read()
    assert (found.reason, found.readings) == ("identity", {})
    assert SERIAL in found.message


def test_the_serial_number_is_asked_for_with_each_session(
    connect: Connect, fake: EnnexosFake
) -> None:
    device = connect(fake, serial=SERIAL)
    assert device.read().reason is None
    assert fake.count(DEVICE) == 1
    device.read_later(15)
    assert fake.count(DEVICE) == 1
    fake.restart()
    fake.devices[SELF]["serial"] = "3010000002"
    found = device.read_later(15)
    assert (found.reason, found.readings) == ("identity", {})


@pytest.mark.parametrize("parameters", [[], [parameter("Nameplate.SerNum", "3010000002")]])
def test_without_a_description_nothing_is_shown_before_the_parameters_tell_who_it_is(
    connect: Connect, fake: EnnexosFake, parameters: Any
) -> None:
    fake.devices[SELF] = None
    fake.answers["plants/Plant:1/devices"] = lambda _: reply([])
    fake.parameters[SELF] = parameters
    device = connect(fake, serial=SERIAL)
    assert (device.read().reason, device.read().readings) == ("identity", {})
    fake.parameters[SELF] = [parameter("Nameplate.SerNum", SERIAL)]
    assert device.read_later(1).reason is None


@pytest.mark.parametrize(("identify", "known"), [(True, [True]), (False, [False, True])])
def test_values_wait_for_the_parameters_only_where_they_must_tell_who_it_is(
    fake: EnnexosFake, *, identify: bool, known: list[bool]
) -> None:
    fake.answers[DEVICE] = lambda _: reply(b"", 404)
    fake.parameters[SELF] = [parameter("Nameplate.SerNum", SERIAL)]
    settings = EnnexOSSettings(name="roof", url=fake.url, username=USER, password=lambda: PASSWORD)
    source = EnnexOSSource(settings)
    found = source.read(Deadline.after(5), (), identify=identify)
    assert [each.identity is not None for each in found] == known


def test_a_login_that_fails_for_what_changes_seldom_fails_the_read(
    connect: Connect, fake: EnnexosFake
) -> None:
    """Its values would be shown through the whole pause."""
    device = connect(fake)

    def forgetting(call: Call) -> bytes | None:
        answer = fake.usual(call)
        fake.restart()
        fake.password = "Moony-1234"
        return answer

    fake.answers["plants/Plant:1/devices"] = forgetting
    assert device.read().reason == "authentication"


def test_an_old_serial_number_of_the_parameters_is_no_proof(
    connect: Connect, fake: EnnexosFake
) -> None:
    fake.answers[DEVICE] = lambda _: reply(b"", 404)
    fake.parameters[SELF] = [parameter("Nameplate.SerNum", SERIAL)]
    device = connect(fake, serial=SERIAL)
    assert device.read().reason is None
    fake.restart()
    fake.parameters[SELF] = [parameter("Nameplate.SerNum", "3010000002")]
    assert device.read_later(15).reason == "identity"


@pytest.mark.parametrize("status", [403, 404, 500])
@pytest.mark.parametrize("path", [DEVICE, "plants/Plant:1/devices", PARAMETERS])
def test_what_changes_seldom_costs_no_values(
    connect: Connect, fake: EnnexosFake, path: str, status: int
) -> None:
    fake.answers[path] = lambda _: reply(b"", status)
    device = connect(fake)
    for _ in range(3):
        found = device.read_later(15)
        assert found.reason is None
        assert found.readings["grid_power"] == 1200
    assert fake.logins == 1


def test_a_plant_with_many_slow_devices_costs_no_values(
    connect: Connect, fake: EnnexosFake
) -> None:
    others = [f"SD2P:0001-{n}" for n in range(40)]
    fake.devices |= {name: {"deviceId": name, "productTagId": 9397} for name in others}

    def slow(call: Call) -> bytes | None:
        threading.Event().wait(0.3)
        return fake.usual(call)

    fake.answers |= {f"plants/Plant:1/devices/{name}": slow for name in others}
    device = connect(fake, timeout=0.4)  # 1.2 s for a read
    assert device.read().reason is None


def test_parameters_are_read_hourly_and_again_after_a_failure(
    connect: Connect, fake: EnnexosFake
) -> None:
    device = connect(fake)
    for _ in range(60):
        assert device.read().reason is None
        device.clock.advance(60)
    assert fake.count(PARAMETERS) == 1
    device.clock.advance(60)
    device.read()
    assert fake.count(PARAMETERS) == 2
    fake.answers[LIVE] = lambda _: reply(b"", 500)
    device.read_later(5)
    fake.answers.clear()
    device.read_later(5)
    assert fake.count(PARAMETERS) == 3


def test_what_is_asked_of_a_device_reads_only(connect: Connect, fake: EnnexosFake) -> None:
    device = connect(fake)
    device.read()
    device.close()
    said = {(call.method, path) for call, path in zip(fake.calls, fake.paths(), strict=True)}
    assert said == {
        ("GET", "system/info"),
        ("POST", "login"),
        ("GET", DEVICE),
        ("GET", "plants/Plant:1/devices"),
        ("POST", LIVE),
        ("POST", PARAMETERS),
        ("DELETE", "refreshtoken"),
    }


# --- the values of a plant ---


def test_a_total_stays_where_it_was_found_first(connect: Connect, fake: EnnexosFake) -> None:
    """The totals of a device and of its plant have different starts: one is no substitute for the other."""
    fake.rows.append(row("Metering.TotWhOut", 9000, PLANT))
    device = connect(fake)
    assert device.read().readings["total_yield"] == 5000 * 3600
    own = fake.rows.pop(1)
    assert "total_yield" not in device.read_later(15).readings
    fake.rows.append(own)
    assert device.read_later(15).readings["total_yield"] == 5000 * 3600


def test_a_total_of_the_plant_stays_the_plants(connect: Connect, fake: EnnexosFake) -> None:
    own = fake.rows.pop(1)
    fake.rows.append(row("Metering.TotWhOut", 9000, PLANT))
    device = connect(fake)
    assert device.read().readings["total_yield"] == 9000 * 3600
    fake.rows.append(own)
    assert device.read_later(15).readings["total_yield"] == 9000 * 3600


def test_what_was_taken_of_one_device_does_not_hold_for_another(
    connect: Connect, fake: EnnexosFake
) -> None:
    fake.rows += [row("PvGen.PvWh", 100), row("Metering.TotWhOut.Pv", 200)]
    device = connect(fake)
    assert device.read().readings["pv_gen_meter"] == 100 * 3600
    del fake.rows[2]
    assert "pv_gen_meter" not in device.read_later(15).readings
    fake.devices[SELF]["serial"] = "3010000002"
    device.clock.advance(3600)
    assert device.read().readings["pv_gen_meter"] == 200 * 3600


def test_another_serial_number_is_asked_for_again_and_believed_when_it_is_told_twice(
    connect: Connect, fake: EnnexosFake
) -> None:
    roof = connect(fake)
    other = "3010000002"

    first = roof.scrape().state.identity.serial
    roof.clock.advance(3601)
    fake.devices[SELF]["serial"] = other
    once = roof.scrape().state.identity.serial
    roof.clock.advance(15)
    twice = roof.scrape().state.identity.serial
    asked = fake.count(DEVICE)
    roof.clock.advance(15)
    roof.scrape()

    assert (first, once, twice) == (SERIAL, SERIAL, other)
    assert fake.count(DEVICE) == asked  # then hourly, as always


@pytest.mark.parametrize(
    ("others", "is_shown"),
    [
        ([], True),
        ([{"deviceId": "SD2P:1-1", "productTagId": 9307, "productGroupTagId": 8064}], True),
        ([{"deviceId": "SD2P:1-1", "productGroupTagId": 8001}], False),
        ([{"deviceId": "SD2P:1-1"}], False),
    ],
    ids=["alone", "a meter", "an inverter", "unknown"],
)
def test_sums_of_the_plant_are_those_of_a_device_only_when_it_is_alone(
    connect: Connect, fake: EnnexosFake, others: list[Any], is_shown: bool
) -> None:
    fake.devices |= {each["deviceId"]: each for each in others}
    fake.rows += [
        row("Metering.DyWhOut", 700, PLANT),
        row("Metering.PCCMs.PlntW", 5, PLANT),
    ]
    found = connect(fake).read().readings
    assert ("daily_yield" in found) == is_shown
    assert found["metering_power_supplied"] == 5


# --- a device that changes its protocol ---


def test_a_device_that_gets_ennexos_goes_on_under_its_name(
    connect: Connect, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    webconnect = Simulator("stp-10", clock=lambda: NOON, monotonic=clock)
    webconnect.start()
    host, port = webconnect.url.removeprefix("http://").split(":")
    device = connect(webconnect, protocol="", name="roof", options={"username": ""})
    before = device.scrape()
    webconnect.stop()
    ennexos = EnnexosSimulator(
        "stp-x-15",
        serial=webconnect.serial,
        port=int(port),
        clock=lambda: NOON,
        monotonic=clock,
        switches=Switches(plain_http="serve"),
    )
    gone = device.read_later(15)
    with ennexos:
        unready = device.read_later(15)
        with_user = replace(device.device.settings, options={"username": USER, "component": SELF})
        device.device.reconfigure(with_user)
        clock.advance(15)
        after = device.scrape()
        assert ennexos.logins == 1
    assert host == "127.0.0.1"
    assert (gone.reason, unready.reason) == ("connection", "authentication")
    assert "username" in unready.message
    assert "made on the device itself" in unready.message
    assert before.up
    assert after.up
    assert (before.name, after.name) == ("roof", "roof")
    assert after.state.identity.model == "Sunny Tripower X 15"
    assert after.logins == before.logins + 1
    assert "speaks another protocol now" in caplog.text

    clock.advance(15)
    with Simulator("stp-10", port=int(port), clock=lambda: NOON, monotonic=clock):
        device.read_later(15)
        back = device.read_later(15)
        assert back.reason is None
        device.close()


def test_nothing_secret_is_sent_while_the_protocol_is_looked_for(
    connect: Connect, fake: EnnexosFake
) -> None:
    fake.answers["system/info"] = lambda _: reply(b"<html></html>")
    connect(fake, protocol="").read()
    sent = b"".join(call.head + call.body for call in fake.calls[:1])
    assert fake.paths()[0] == "system/info"
    assert PASSWORD.encode() not in sent
    assert b"Authorization" not in sent
    assert "login" not in fake.paths()


def test_a_session_that_stays_is_logged_by_no_line_with_a_secret(
    connect: Connect, fake: EnnexosFake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    device = connect(fake)
    device.read()
    fake.answers[LIVE] = lambda _: None
    device.read_later(3000)
    device.close()
    secrets = [PASSWORD, "access/", "refresh/", "access%2F", "refresh%2F"]
    assert [secret for secret in secrets if secret in caplog.text] == []
