"""A protocol is one source and one row: configuration, devices and metrics need nothing else."""

import threading
import time
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.devices import NOON, eventually, reader_threads
from support.programs import values

from sma_exporter import config
from sma_exporter.config.values import text
from sma_exporter.devices.fleet import Fleet
from sma_exporter.devices.protocols import PROTOCOL_KEYS, PROTOCOLS, Protocol
from sma_exporter.metrics.collector import DeviceCollector
from sma_exporter.metrics.exposition import exposition
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import SmaConnectionException
from sma_exporter.sma.source import Address, Identity, Measurements, Value

POWER, LEVEL = Address("P"), Address("LEVEL", 1)


class Toy:
    """Says the same at each read; keeps what it was asked."""

    usual_session = "scrape"

    def __init__(self, settings: config.DeviceSettings) -> None:
        self.slot = str(settings.options["slot"])
        self.url = f"toy://{settings.url}/{self.slot}"
        self.logins = 0
        self.asked: list[tuple[frozenset[Address], bool]] = []
        self.released = self.cancelled = 0
        self.failure: Exception | None = None
        self.rest = threading.Event()
        self.rest.set()

    def read(
        self, deadline: Deadline, custom: Collection[Address], *, identify: bool
    ) -> Generator[Measurements]:
        self.asked.append((frozenset(custom), identify))
        self.logins += 1
        if self.failure is not None:
            raise self.failure
        readings: dict[str, Value] = {"grid_power": 1200, "total_yield": 3600, "status": (307,)}
        identity = Identity("3004711471", "Toy", "Toybox 5", "SMA")
        yield Measurements(readings, identity, {POWER: 5, LEVEL: 0.25})
        self.rest.wait(5)
        more: dict[str, Value] = {**readings, "frequency": 50.0}
        yield Measurements(more, identity, {POWER: 5, LEVEL: 0.25})

    def release(self, _: Deadline) -> None:
        self.released += 1

    def cancel(self) -> None:
        self.cancelled += 1
        self.rest.set()


class Toys:
    """The row of the toys' protocol, beside the ones that there are."""

    def __init__(self) -> None:
        self.opened: list[Toy] = []
        row = Protocol(
            keys=config.ProtocolKeys(
                standard=("url", "min_interval", "session"),
                own={"slot": text},
                required=("name", "url", "slot"),
                unique=("url", "slot"),
            ),
            open=self.open,
            diagnose=PROTOCOLS["webconnect"].diagnose,
            dump=PROTOCOLS["webconnect"].dump,
            history=PROTOCOLS["webconnect"].history,
        )
        self.protocols = {**PROTOCOLS, "toy": row}

    def open(self, settings: config.DeviceSettings, *_: object) -> Toy:
        self.opened.append(Toy(settings))
        return self.opened[-1]

    def configured(self, written: str) -> config.Config:
        """What a file says."""
        keys = {name: row.keys for name, row in self.protocols.items()}
        return config.parse(written, {}, keys, folder=Path())

    def problems(self, written: str) -> list[str]:
        """What is wrong with a file."""
        with pytest.raises(config.ConfigError) as caught:
            self.configured(written)
        return [*caught.value.problems]


@pytest.fixture
def toys() -> Toys:
    return Toys()


ROOF = "devices: [{name: roof, protocol: toy, url: 192.0.2.1, slot: wago, min_interval: 0s"


@contextmanager
def serving(toys: Toys, written: str) -> Iterator[Fleet]:
    """The devices of a configuration; at the end they leave no thread."""
    fleet = Fleet(toys.configured(written), protocols=toys.protocols, clock=lambda: NOON)
    try:
        yield fleet
    finally:
        fleet.close()
        assert eventually(lambda: not reader_threads())


def scrape(fleet: Fleet, seconds: float = 5) -> dict[str, float]:
    collector = DeviceCollector(fleet.devices, Deadline.after(seconds))
    return values(exposition([collector], "").text)


# --- the way of a value ---


def test_a_row_and_a_source_are_a_device_with_metrics(toys: Toys) -> None:
    with serving(toys, f"{ROOF}}}]") as fleet:
        shown = scrape(fleet)

    assert shown['sma_up{device="roof"}'] == 1
    assert shown['sma_ac_power_watts{device="roof"}'] == 1200
    assert shown['sma_yield_joules_total{device="roof"}'] == 3600
    assert shown['sma_ac_frequency_hertz{device="roof"}'] == 50
    assert shown['sma_status{device="roof",sma_status="ok"}'] == 1
    (info,) = (line for line in shown if line.startswith("sma_device_info{"))
    assert 'model="Toybox 5"' in info
    assert 'serial="3004711471"' in info


def test_custom_sensors_are_asked_by_their_addresses(toys: Toys) -> None:
    sensors = """, sensors: [
      {key: "6100_40263F00", metric: sma_custom_x_watts, unit: W, type: gauge, help: X.},
      {key: "6400_00652700", index: 1, metric: sma_custom_y_watts, unit: W, type: gauge, help: Y.}]}]"""
    with serving(toys, ROOF + sensors) as fleet:
        scrape(fleet)

    assert toys.opened[0].asked == [
        (frozenset({Address("6100_40263F00"), Address("6400_00652700", 1)}), False)
    ]


def test_a_serial_asks_who_answers_and_refuses_another_device(toys: Toys) -> None:
    with serving(toys, f'{ROOF}, serial: "4712"}}]') as fleet:
        shown = scrape(fleet)
        (message,) = (device.last().result.message for device in fleet.devices)  # type: ignore[union-attr]

    assert toys.opened[0].asked == [(frozenset(), True)]
    assert shown['sma_scrape_failing{device="roof",reason="identity"}'] == 1
    assert 'sma_ac_power_watts{device="roof"}' not in shown
    assert "3004711471" in message


def test_what_comes_first_is_shown_to_a_scrape_that_cannot_wait(toys: Toys) -> None:
    with serving(toys, f"{ROOF}}}]") as fleet:
        (toy,) = toys.opened
        toy.rest.clear()
        early = scrape(fleet, 0.3)
        toy.rest.set()
        late = scrape(fleet)

    assert early['sma_up{device="roof"}'] == 1
    assert early['sma_ac_power_watts{device="roof"}'] == 1200
    assert 'sma_ac_frequency_hertz{device="roof"}' not in early
    assert late['sma_ac_frequency_hertz{device="roof"}'] == 50


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(SmaConnectionException("gone"), "connection"), (RuntimeError("a mistake"), "internal")],
)
def test_a_failure_is_its_reason_and_the_next_read_begins_anew(
    toys: Toys, failure: Exception, reason: str
) -> None:
    with serving(toys, f"{ROOF}}}]") as fleet:
        toys.opened[0].failure = failure
        failed = scrape(fleet)
        toys.opened[0].failure = None
        after = scrape(fleet)

    assert failed[f'sma_scrape_failing{{device="roof",reason="{reason}"}}'] == 1
    assert after['sma_up{device="roof"}'] == 1
    assert after['sma_ac_power_watts{device="roof"}'] == 1200


def test_a_mistake_outside_of_the_read_costs_one_scrape(toys: Toys) -> None:
    with serving(toys, f"{ROOF}}}]") as fleet:
        (toy,) = toys.opened
        release, toy.release = toy.release, broken  # type: ignore[method-assign, assignment]
        first = scrape(fleet)
        assert eventually(lambda: not reader_threads())
        second = scrape(fleet)
        assert eventually(lambda: not reader_threads())
        toy.release = release  # type: ignore[method-assign]

    assert first['sma_up{device="roof"}'] == second['sma_up{device="roof"}'] == 1
    assert len(toy.asked) == 2


def test_a_source_that_cannot_be_opened_anew_is_an_internal_failure(toys: Toys) -> None:
    """New settings make a new source, in the thread that reads."""
    with serving(toys, f"{ROOF}}}]") as fleet:
        scrape(fleet)
        opening = toys.open
        toys.protocols["toy"] = Protocol(**{**fields_of(toys.protocols["toy"]), "open": broken})
        (device,) = fleet.devices
        changed = toys.configured(f"{ROOF.replace('wago', 'plc')}}}]").devices[0]
        device.reconfigure(changed)
        failed = scrape(fleet)
        toys.protocols["toy"] = Protocol(**{**fields_of(toys.protocols["toy"]), "open": opening})
        after = scrape(fleet)

    assert failed['sma_scrape_failing{device="roof",reason="internal"}'] == 1
    assert after['sma_up{device="roof"}'] == 1
    assert toys.opened[-1].slot == "plc"


def broken(*_: object) -> Any:
    raise RuntimeError("a mistake of ours")


def fields_of(row: Protocol) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Protocol.__dataclass_fields__}


@pytest.mark.parametrize("session", ["scrape", "keep"])
@pytest.mark.parametrize(
    "failure", [SmaConnectionException("gone"), RuntimeError("a mistake"), None], ids=repr
)
def test_the_session_of_a_read_that_failed_is_released_before_the_next_one(
    toys: Toys, session: str, failure: Exception | None
) -> None:
    """Without a failure of its own, the device is not the configured one."""
    serial = "" if failure else ', serial: "4712"'
    with serving(toys, f"{ROOF}, session: {session}{serial}}}]") as fleet:
        (toy,) = toys.opened
        toy.failure = failure
        for number in range(1, 4):
            scrape(fleet)
            assert eventually(lambda: not reader_threads())
            assert toy.released == number


@pytest.mark.parametrize(("session", "released"), [("scrape", True), ("keep", False)])
def test_the_session_ends_as_the_configuration_says(
    toys: Toys, session: str, released: bool
) -> None:
    with serving(toys, f"{ROOF}, session: {session}}}]") as fleet:
        scrape(fleet)
        assert eventually(lambda: not reader_threads())
        before = toys.opened[0].released

    assert bool(before) == released
    assert toys.opened[0].released
    assert toys.opened[0].cancelled


def test_one_device_that_hangs_costs_the_others_nothing(toys: Toys) -> None:
    written = "devices:\n" + "".join(
        f"  - {{name: d{n}, protocol: toy, url: 192.0.2.1, slot: c{n}}}\n" for n in range(3)
    )
    with serving(toys, written) as fleet:
        hanging = toys.opened[1]
        hanging.read = lambda *_, **__: wait_for(hanging.rest)  # type: ignore[method-assign]
        hanging.rest.clear()
        begin = time.monotonic()
        shown = scrape(fleet, 0.5)

    assert time.monotonic() - begin < 3
    assert [shown[f'sma_up{{device="d{n}"}}'] for n in range(3)] == [1, 0, 1]
    assert shown['sma_scrape_failing{device="d1",reason="timeout"}'] == 1


def wait_for(event: threading.Event) -> Generator[Measurements]:
    event.wait(5)
    yield Measurements({})


# --- its keys in the configuration ---


def test_a_key_of_its_own_stands_among_the_options(toys: Toys) -> None:
    (device,) = toys.configured(f"{ROOF}}}]").devices

    assert device.protocol == "toy"
    assert device.options == {"slot": "wago"}
    assert device.min_interval == 0


def test_two_slots_of_one_url_are_two_devices(toys: Toys) -> None:
    both = "devices:\n" + "".join(
        f"  - {{name: {name}, protocol: toy, url: 192.0.2.1, slot: {name}}}\n" for name in "ab"
    )

    assert [device.name for device in toys.configured(both).devices] == ["a", "b"]
    (problem,) = toys.problems(both.replace("slot: b", "slot: a"))
    assert problem.startswith("devices[1].slot: ")
    assert "devices[0]" in problem


CASES: dict[str, tuple[str, str]] = {
    "its key is missing": (
        "devices: [{name: roof, protocol: toy, url: 192.0.2.1}]",
        "devices[0].slot: is missing",
    ),
    "a key of other protocols": (
        f"{ROOF}, group: user}}]",
        "devices[0].group: does not apply to the protocol toy; remove it",
    ),
    "a key of this protocol elsewhere": (
        "devices: [{name: roof, protocol: webconnect, url: 192.0.2.1, slot: wago}]",
        "devices[0].slot: does not apply to the protocol webconnect; remove it",
    ),
    "a key of this protocol where none is named": (
        "devices: [{name: roof, url: 192.0.2.1, slot: wago}]",
        "devices[0].slot: does not apply to every protocol; name yours with `protocol`",
    ),
    "no such protocol": (
        "devices: [{name: roof, url: 192.0.2.1, protocol: modbus}]",
        "devices[0].protocol: must be one of webconnect, ennexos, toy",
    ),
    "no text": (
        "devices: [{name: roof, url: 192.0.2.1, protocol: [toy]}]",
        "devices[0].protocol: must be",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_said_with_the_protocol(toys: Toys, case: str) -> None:
    written, sentence = CASES[case]

    problems = toys.problems(written)

    assert [problem for problem in problems if problem.startswith(sentence)]
    assert len(problems) == 1


def test_defaults_go_to_the_devices_whose_protocol_has_them(toys: Toys) -> None:
    written = """
        defaults: {group: installer, min_interval: 7s, slot: plc}
        devices:
          - {name: roof, url: 192.0.2.1}
          - {name: toy, protocol: toy, url: 192.0.2.2}
    """
    roof, toy = toys.configured(written).devices

    assert (roof.group, roof.min_interval, roof.options) == ("installer", 7, {})
    assert (toy.group, toy.min_interval, toy.options) == ("user", 7, {"slot": "plc"})


def test_every_row_has_what_every_device_needs() -> None:
    for name, row in PROTOCOLS.items():
        assert {"name", "protocol"} <= {*row.keys.keys}
        assert {*row.keys.required, *row.keys.unique} <= {*row.keys.keys}
        assert PROTOCOL_KEYS[name] is row.keys
