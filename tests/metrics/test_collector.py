"""What a scrape gets: each family once, in time, whatever the devices do and say."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample
from support import devices
from support.devices import NAME, NOON, POWER, SERIAL, STATUS, Connect, count, sending

from sma_exporter import __version__, config
from sma_exporter.config import CustomSensor
from sma_exporter.devices.device import Device
from sma_exporter.devices.fleet import Fleet
from sma_exporter.metrics.collector import (
    COUNTERS,
    SCRAPE_FAMILIES,
    DeviceCollector,
    ExporterCollector,
    ScrapeCountersCollector,
)
from sma_exporter.metrics.exposition import registry_of
from sma_exporter.simulator import MODELS, Simulator, faults
from sma_exporter.simulator.faults import Fault
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import Reason

clock, sim, connect = devices.clock, devices.sim, devices.connect

READ = "getAllOnlValues"
Simulate = Callable[..., Simulator]


def collector(*read: Device, seconds: float = 5.0, **options: Any) -> DeviceCollector:
    return DeviceCollector(read, Deadline.after(seconds), **options)


def samples(metrics: Iterable[Metric]) -> list[Sample]:
    return [sample for metric in metrics for sample in metric.samples]


def values(metrics: Iterable[Metric], name: str) -> dict[str, float]:
    """The samples of one name, by their labels less the device."""
    return {
        ",".join(value for label, value in sample.labels.items() if label != "device"): sample.value
        for sample in samples(metrics)
        if sample.name == name
    }


def labels(metrics: Iterable[Metric], name: str) -> dict[str, str]:
    """The labels of the only sample of a name."""
    (sample,) = [sample for sample in samples(metrics) if sample.name == name]
    return dict(sample.labels)


@pytest.fixture
def plant(connect: Connect, simulate: Simulate) -> list[Device]:
    """A device of each model, whose values stand still."""
    return [
        connect(simulate(model, clock=lambda: NOON), name=model, min_interval=0.0).device
        for model in MODELS
    ]


# --- families ---


def test_every_family_comes_once_whatever_the_number_of_devices(plant: list[Device]) -> None:
    exposition = generate_latest(registry_of(collector(*plant))).decode()

    types = Counter(line for line in exposition.splitlines() if line.startswith("# TYPE"))
    assert set(types.values()) == {1}
    assert exposition.count('sma_up{device="') == len(MODELS)


def test_all_series_of_a_family_have_the_same_label_names(plant: list[Device]) -> None:
    for metric in collector(*plant).collect():
        names = {frozenset(sample.labels) for sample in metric.samples}

        assert len(names) == 1, metric.name


def test_the_devices_keep_their_configured_order_whoever_answers_first(
    connect: Connect, simulate: Simulate
) -> None:
    slow, fast, gone = (simulate(clock=lambda: NOON) for _ in range(3))
    slow.faults.add(Fault(faults.delay(0.3), path=READ))
    gone.stop()
    order = ["z", "a", "m"]
    read = [
        connect(sim, name=name).device for name, sim in zip(order, (slow, fast, gone), strict=True)
    ]

    for metric in collector(*read).collect():
        shown = list(dict.fromkeys(sample.labels["device"] for sample in metric.samples))

        assert shown == [name for name in order if name in shown], metric.name


@pytest.mark.parametrize("model", MODELS)
def test_describing_names_everything_that_comes_and_touches_no_device(
    connect: Connect, simulate: Simulate, model: str
) -> None:
    sim = simulate(model, clock=lambda: NOON)
    roof = connect(sim, sensors=(CUSTOM,)).device

    described = [(metric.name, metric.type) for metric in collector(roof).describe()]
    registry = registry_of(collector(roof))
    asked = len(sim.requests)
    collected = [(metric.name, metric.type) for metric in registry.collect()]

    assert asked == 0
    assert len(collected) >= 20
    assert set(collected) <= set(described)
    assert Counter(described).most_common(1)[0][1] == 1


def test_the_counters_are_described_without_touching_a_device(
    connect: Connect, sim: Simulator
) -> None:
    read = [connect(sim).device]

    described = [metric.name for metric in ScrapeCountersCollector(read).describe()]
    collected = [metric.name for metric in ScrapeCountersCollector(read).collect()]

    assert described == collected == ["sma_scrape_errors", "sma_logins"]
    assert sim.requests == []


def test_every_help_is_a_sentence(plant: list[Device]) -> None:
    for metric in collector(*plant).describe():
        assert metric.documentation[0].isupper() or metric.documentation[0].isdigit()
        assert metric.documentation.endswith(".")


# --- about the scrape ---


def test_what_a_scrape_tells_of_a_device_that_is_well(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim, plant="home").device

    shown = list(collector(roof).collect())

    assert values(shown, "sma_up") == {"": 1}
    assert values(shown, "sma_scrape_failing") == dict.fromkeys(Reason, 0)
    assert values(shown, "sma_scrape_errors_total") == dict.fromkeys(Reason, 0)
    assert values(shown, "sma_logins_total") == {"": 1}
    assert values(shown, "sma_counters_withheld") == {"": 0}
    assert values(shown, "sma_last_successful_scrape_timestamp_seconds") == {"": NOON}
    assert values(shown, "sma_sessions_free") == {}
    assert 0 < values(shown, "sma_scrape_duration_seconds")[""] < 5
    assert labels(shown, "sma_device_info") == {
        "device": "roof",
        "plant": "home",
        "serial": str(sim.serial),
        "name": sim.name,
        "model": "Sunny Boy 3.6",
        "manufacturer": "SMA",
        "sw_version": "4.0.55.R",
    }


def test_what_a_scrape_tells_of_a_device_that_was_never_there(
    connect: Connect, sim: Simulator
) -> None:
    sim.stop()
    roof = connect(sim, plant="home").device

    shown = list(collector(roof).collect())

    one = dict.fromkeys(Reason, 0) | {"connection": 1}
    assert {sample.name for sample in samples(shown)} == {
        "sma_up",
        "sma_scrape_duration_seconds",
        "sma_scrape_failing",
        "sma_scrape_errors_total",
        "sma_logins_total",
        "sma_device_info",
        "sma_counters_withheld",
    }
    assert values(shown, "sma_up") == {"": 0}
    assert values(shown, "sma_scrape_failing") == one
    assert values(shown, "sma_scrape_errors_total") == one
    assert labels(shown, "sma_device_info") == {
        "device": "roof",
        "plant": "home",
        "serial": "",
        "name": "",
        "model": "",
        "manufacturer": "",
        "sw_version": "",
    }


def test_a_device_that_sleeps_keeps_what_does_not_age(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim, min_interval=0.0).device
    awake = list(collector(roof).collect())
    sim.stop()

    asleep = list(collector(roof).collect())

    assert labels(asleep, "sma_device_info") == labels(awake, "sma_device_info")
    assert values(asleep, "sma_rated_power_watts") == {"": 3680}
    assert values(asleep, "sma_last_successful_scrape_timestamp_seconds") == {"": NOON}
    assert values(awake, "sma_inverter_system_init")
    gone = {
        "sma_inverter_system_init",
        "sma_ac_power_watts",
        "sma_yield_joules_total",
        "sma_status",
    }
    assert not gone & {sample.name for sample in samples(asleep)}


def test_a_refused_login_is_told_during_its_pause_too(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim, password="Wrong-1234", min_interval=0.0).device

    for _ in range(2):
        shown = list(collector(roof).collect())

    assert values(shown, "sma_scrape_failing")["authentication"] == 1
    assert values(shown, "sma_scrape_errors_total")["authentication"] == 1
    assert values(shown, "sma_sessions_free") == {"": 4}
    assert sim.login_attempts == 1


def test_a_probe_has_no_counters_of_scrapes(connect: Connect, sim: Simulator) -> None:
    probe = collector(connect(sim).device, with_counters=False)

    described = {metric.name for metric in probe.describe()}
    shown = {sample.name for sample in samples(probe.collect())}

    counters = {family.name for family in COUNTERS}
    assert counters == {"sma_scrape_errors_total", "sma_logins_total"}
    assert not counters & shown
    assert not {name.removesuffix("_total") for name in counters} & described
    assert {"sma_up", "sma_yield_joules_total"} <= shown


def test_without_devices_there_are_no_samples() -> None:
    assert list(collector().collect()) == []


# --- a sick device beside the others ---


def steady(metrics: Iterable[Metric], device: str) -> list[Sample]:
    """The samples of a device, less what differs from scrape to scrape anyway."""
    moving = {"sma_scrape_duration_seconds", "sma_logins_total"}
    return [
        sample
        for sample in samples(metrics)
        if sample.labels["device"] == device and sample.name not in moving
    ]


@pytest.mark.parametrize(
    ("action", "path", "reason"),
    [
        (faults.hang(), None, "timeout"),
        (faults.hang(), "login", "timeout"),
        (faults.drip(0.05), None, "timeout"),
        (faults.drop(), "login", "connection"),
        (faults.full(), None, "session_limit"),
        (faults.body(b"<html>"), None, "unsupported"),
        (faults.body(b"[" * 100_000), READ, "protocol"),
        (faults.mutate(sending({POWER: "much", STATUS: 3, SERIAL: []})), READ, None),
    ],
    ids=["hangs", "hanging-login", "drips", "drops", "full", "html", "rubbish", "lies"],
)
def test_a_sick_device_leaves_the_others_as_they_are_and_the_answer_comes_in_time(
    connect: Connect,
    simulate: Simulate,
    action: faults.Action,
    path: str | None,
    reason: str | None,
) -> None:
    sick, well = simulate("stp-10", clock=lambda: NOON), simulate("sb-3.6", clock=lambda: NOON)
    read = [
        connect(sick, name="sick", timeout=20.0).device,
        connect(well, name="well", min_interval=0.0).device,
    ]
    alone = steady(collector(read[1]).collect(), "well")
    sick.faults.add(Fault(action, path=path))
    started = time.monotonic()

    together = list(collector(*read, seconds=1.0).collect())
    took = time.monotonic() - started
    sick.stop()

    assert steady(together, "well") == alone
    assert took < 3
    failing = {r: n for r, n in values(together, "sma_scrape_failing").items() if n}
    assert "well" not in failing
    one = [s for s in samples(together) if s.name == "sma_scrape_failing" and s.value]
    assert [(s.labels["device"], s.labels["reason"]) for s in one] == (
        [("sick", reason)] if reason else []
    )


# --- states ---


def test_a_state_that_no_table_has_gets_its_number_and_stays(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim, min_interval=0.0).device
    states = [{"tag": 307}, {"tag": 99_999}]
    sim.faults.add(Fault(faults.mutate(sending({STATUS: states})), path=READ, times=1))

    seen, gone = (values(collector(roof).collect(), "sma_status") for _ in range(2))

    assert {state for state, value in seen.items() if value} == {"ok", "tag_99999"}
    assert gone == seen | {"tag_99999": 0}


def test_a_state_that_is_not_available_gives_no_series(connect: Connect, sim: Simulator) -> None:
    sim.faults.add(Fault(faults.mutate(sending({STATUS: [{"tag": 16_777_213}]})), path=READ))

    shown = list(collector(connect(sim).device).collect())

    assert values(shown, "sma_up") == {"": 1}
    assert values(shown, "sma_status") == {}


# --- name[] ---


@pytest.mark.parametrize(
    "names",
    [
        ["sma_up"],
        ["sma_yield_joules_total"],
        ["sma_device_info"],
        ["sma_status"],
        ["sma_scrape_errors_total", "sma_ac_power_watts"],
        ["sma_custom_energy_joules_total"],
    ],
    ids=["gauge", "counter", "info", "states", "two", "custom"],
)
def test_a_restricted_registry_gives_the_named_samples(
    connect: Connect, sim: Simulator, names: list[str]
) -> None:
    registry = registry_of(collector(connect(sim, sensors=(CUSTOM,)).device))

    restricted: Any = registry.restricted_registry(names)
    found = {sample.name for sample in samples(restricted.collect())}

    assert found == set(names)


def test_a_restricted_registry_that_names_nothing_of_ours_reads_no_device(
    connect: Connect, sim: Simulator
) -> None:
    registry = registry_of(collector(connect(sim).device))

    restricted: Any = registry.restricted_registry(["python_info"])

    assert list(restricted.collect()) == []
    assert sim.requests == []


# --- custom sensors ---

CUSTOM = CustomSensor(
    key="6400_00260100",
    metric="sma_custom_energy_joules_total",
    unit="Wh",
    type="counter",
    help="Energy.",
    labels={"side": "ac"},
)


def test_custom_sensors_of_several_devices_share_a_family(
    connect: Connect, simulate: Simulate
) -> None:
    other = CustomSensor(
        key=POWER,
        metric="sma_custom_energy_joules_total",
        unit="1",
        type="counter",
        help="Energy.",
        labels={"side": "dc"},
    )
    read = [
        connect(simulate(clock=lambda: NOON), name=name, sensors=sensors).device
        for name, sensors in (("a", (CUSTOM, other)), ("b", (CUSTOM,)), ("c", ()))
    ]

    metrics = [metric for metric in collector(*read).collect() if "custom" in metric.name]

    (family,) = metrics
    shown = [(sample.labels["device"], sample.labels["side"]) for sample in family.samples]
    assert shown == [("a", "ac"), ("a", "dc"), ("b", "ac")]
    assert {sample.name for sample in family.samples} == {"sma_custom_energy_joules_total"}


def test_a_custom_sensor_of_a_failed_read_is_absent(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim, sensors=(CUSTOM,), min_interval=0.0).device
    first = values(collector(roof).collect(), "sma_custom_energy_joules_total")
    sim.stop()

    second = values(collector(roof).collect(), "sma_custom_energy_joules_total")

    assert list(first) == ["ac"]
    assert second == {}


# --- texts from devices ---


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Roof\x00\x1b[31m\r\n\x7f\x85", "Roof[31m"),
        ("Roof\ud800", "Roof"),
        ("Roof\u202e\u200b\ufeff", "Roof"),
        ("\U0001f31e Süd \u65e5", "\U0001f31e Süd \u65e5"),
        ('say "hi" \\ {a="b"} # x', 'say "hi" \\ {a="b"} # x'),
        ("N" * 300, "N" * 128),
        ("   ", ""),
    ],
    ids=["control", "surrogate", "invisible", "beyond-ascii", "syntax", "long", "blank"],
)
@pytest.mark.parametrize("openmetrics", [False, True], ids=["text", "openmetrics"])
def test_a_devices_text_never_breaks_the_exposition(
    connect: Connect, sim: Simulator, name: str, shown: str, openmetrics: bool
) -> None:
    sim.faults.add(Fault(faults.mutate(sending({NAME: name})), path="getValues"))
    registry = registry_of(collector(connect(sim).device))

    if openmetrics:
        text: str = generate_openmetrics(registry).decode()  # type: ignore[no-untyped-call]
        families = list(parse_openmetrics(text))  # type: ignore[no-untyped-call]
    else:
        families = list(parse_text(generate_latest(registry).decode()))

    assert labels(families, "sma_device_info")["name"] == shown
    assert values(families, "sma_up") == {"": 1}


@pytest.mark.parametrize(
    "val",
    ["x\n\ud800" * 200, [{"tag": 2**70}], [{"tag": -1}], 2**53, 1e300, "", {}, [[]], True],
    ids=["text", "huge-tag", "negative-tag", "number", "huge", "empty", "object", "list", "bool"],
)
def test_whatever_stands_in_the_parameters_the_values_are_shown(
    connect: Connect, sim: Simulator, val: object
) -> None:
    keys = [NAME, SERIAL, "6800_08822000", "6800_08822B00", "6800_00823400", "6800_008AA200"]
    odd = sending(dict.fromkeys(keys, val))
    sim.faults.add(Fault(faults.mutate(odd), path="getValues"))
    registry = registry_of(collector(connect(sim).device))

    families = list(parse_text(generate_latest(registry).decode()))

    assert values(families, "sma_up") == {"": 1}
    assert all(len(text) <= 128 for text in labels(families, "sma_device_info").values())


# --- the exporter itself ---


def test_the_exporter_tells_its_build_its_configuration_and_its_process() -> None:
    environ = {"SMA_EXPORTER_REVISION": "abc123", "SMA_EXPORTER_BRANCH": "main"}
    fleet = Fleet(config.Config(()), clock=lambda: 1234.5)
    exporter = ExporterCollector(fleet, environ=environ)

    shown = list(exporter.collect())

    build = labels(shown, "sma_exporter_build_info")
    assert build.pop("pythonversion").startswith("3.")
    assert build == {"version": __version__, "revision": "abc123", "branch": "main"}
    assert values(shown, "sma_exporter_config_last_reload_successful") == {"": 1}
    assert values(shown, "sma_exporter_config_last_reload_success_timestamp_seconds") == {
        "": 1234.5
    }
    names = {metric.name for metric in shown}
    assert {"python_info", "python_gc_objects_collected"} <= names
    assert names == {metric.name for metric in exporter.describe()}


def test_devices_counters_and_exporter_fit_into_one_registry(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim).device
    exporter = ExporterCollector(Fleet(config.Config(())), environ={})
    registry_of(collector(roof), exporter)

    own = generate_latest(registry_of(ScrapeCountersCollector([roof]), exporter)).decode()

    assert 'sma_scrape_errors_total{device="roof",reason="timeout"} 0.0' in own
    assert "sma_up" not in own
    assert count(sim) == {}


def test_the_families_about_scrapes_are_those_of_the_contract() -> None:
    assert {family.name for family in SCRAPE_FAMILIES} == {
        "sma_up",
        "sma_scrape_duration_seconds",
        "sma_scrape_failing",
        "sma_scrape_errors_total",
        "sma_last_successful_scrape_timestamp_seconds",
        "sma_logins_total",
        "sma_sessions_free",
        "sma_device_info",
        "sma_counters_withheld",
    }
