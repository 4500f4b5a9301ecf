"""`sma_exporter sensors`: the way to a device, what it answers, and its configuration."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.devices import NOON

from sma_exporter import config
from sma_exporter.cli.sensors import WIDTH, Report, as_text, examine
from sma_exporter.devices.protocols import PROTOCOL_KEYS
from sma_exporter.metrics.families import ALL_FAMILIES
from sma_exporter.simulator import MODELS, PASSWORD, Simulator, faults

Simulate = Callable[..., Simulator]


def settings(
    simulator: Simulator, password: str | None = PASSWORD, **keys: object
) -> config.DeviceSettings:
    secret = None if password is None else config.Secret(password)
    return config.DeviceSettings(name="roof", url=simulator.url, password=secret, **keys)  # type: ignore[arg-type]


def step(report: Report, name: str) -> str:
    return next(found.found for found in report.steps if found.name == name)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_shown_and_left_without_a_session(simulate: Simulate, model: str) -> None:
    simulator = simulate(model)

    report = examine(settings(simulator))

    assert report.ok, report.steps
    assert report.values
    assert simulator.sessions == 0


@pytest.mark.parametrize("model", MODELS)
def test_a_line_a_value_in_100_columns_and_no_metric_cut(simulate: Simulate, model: str) -> None:
    text = as_text(examine(settings(simulate(model))))
    metrics = {family.name for family in ALL_FAMILIES} | {"sma_device_info"}

    assert [line for line in text.splitlines() if len(line) > WIDTH and "sha256" not in line] == []
    shown = {line.split()[-1] for line in text.splitlines() if " sma_" in line}
    assert shown
    assert shown <= metrics


def test_values_stand_with_their_unit_and_metric(simulate: Simulate) -> None:
    simulator = simulate("sb-3.6", clock=lambda: 1750503600.0)
    result: Any = simulator.online_values()["result"]
    (raw,) = result.values()

    report = examine(settings(simulator))

    (total,) = (line for line in report.values if line.sensor == "total_yield")
    assert float(total.value) == raw["6400_00260100"]["1"][0]["val"] / 1000
    assert (total.unit, total.metric) == ("kWh", "sma_yield_joules_total")


POWER_OUTAGE, ARRAY, STATE, ADDRESS = (
    "6400_00463100",
    "6100_00512600",
    "6180_08412A00",
    "6180_104A9A00",
)


def sending_more(reply: Any) -> Any:
    """The reply with values that no definition knows."""
    (values,) = reply["result"].values()
    values[POWER_OUTAGE] = {"1": [{"val": 17}]}
    values[ARRAY] = {"1": [{"val": None}, {"val": 4}, {"val": 5}]}
    values[STATE] = {"1": [{"val": [{"tag": 4570}]}]}
    return reply


def examine_with_more(simulate: Simulate) -> tuple[config.DeviceSettings, Report]:
    simulator = simulate("stp-10")
    simulator.faults.add(faults.Fault(faults.mutate(sending_more), path="getAllOnlValues"))
    return settings(simulator), examine(settings(simulator))


def test_keys_that_no_definition_knows_are_listed(simulate: Simulate) -> None:
    _, report = examine_with_more(simulate)

    unknown = {line.sensor: line.value for line in report.unknown}
    assert unknown[POWER_OUTAGE] == "17"
    assert unknown[ARRAY] == "4, 5"
    assert unknown[STATE] == "4570"
    assert not unknown.keys() & {"6100_40263F00", "6400_00260100"}


def test_all_numbers_and_states_of_every_model_are_known(simulate: Simulate) -> None:
    for model in MODELS:
        report = examine(settings(simulate(model), "Sunny-9876", group="installer"))

        assert {line.configuration for line in report.unknown} <= {"a text: no metric"}


def test_an_unknown_number_comes_with_the_line_that_makes_a_metric_of_it(
    simulate: Simulate,
) -> None:
    _, report = examine_with_more(simulate)
    lines = {line.sensor: line.configuration for line in report.unknown}
    shown = [line for line in as_text(report).splitlines() if line.startswith("  - {")]
    assert [line.strip() for line in shown] == [lines[POWER_OUTAGE], lines[ARRAY]]
    assert all(len(line) <= WIDTH for line in shown)

    text = report.configuration.replace("/path/to/a/file/with/the/password", __file__)
    text += "    sensors:\n" + "".join(f"      {line.strip()}\n" for line in shown)
    (device,) = config.parse(text, {}, PROTOCOL_KEYS, folder=Path.cwd()).devices

    assert [(sensor.key, sensor.index) for sensor in device.sensors] == [
        (POWER_OUTAGE, 0),
        (ARRAY, 1),
    ]
    assert all(sensor.metric.startswith("sma_custom_") for sensor in device.sensors)


def test_what_can_be_no_metric_says_why(simulate: Simulate) -> None:
    _, report = examine_with_more(simulate)
    lines = {line.sensor: line.configuration for line in report.unknown}

    assert lines[STATE].startswith("a state: please report it")
    assert lines[ADDRESS] == "a text: no metric"


def test_empty_slots_are_not_listed(simulate: Simulate) -> None:
    report = examine(settings(simulate("stp-10")))

    optimizers = [line for line in report.values if line.sensor.startswith("optimizer_condition_")]
    gateways = [line for line in report.values if line.sensor.startswith("gateway_condition_")]
    assert (len(optimizers), len(gateways)) == (12, 1)


def test_zeros_of_a_battery_that_is_not_there_are_no_metric(simulate: Simulate) -> None:
    report = examine(settings(simulate("stp-10-se", battery=False)))

    (soc,) = (line for line in report.values if line.sensor == "battery_soc_total")
    assert (soc.value, soc.metric) == (0, "")


def test_the_object_that_has_the_value_names_the_metric(simulate: Simulate) -> None:
    """PV inverters fill one of two objects for the reactive power; meter readings are there twice."""
    report = examine(settings(simulate("sb-3.6", clock=lambda: NOON)))
    metric_of = {line.sensor: line.metric for line in report.values}

    assert metric_of["grid_reactive_power_pv"] == "sma_ac_reactive_power_vars"
    assert metric_of["metering_total_yield"] == "sma_meter_export_joules_total"
    assert metric_of["metering_total_yield_absolute"] == ""


def test_a_user_is_told_how_many_sensors_need_the_installer(simulate: Simulate) -> None:
    simulator = simulate("sbs-3.7")

    as_user = examine(settings(simulator))
    as_installer = examine(settings(simulator, "Sunny-9876", group="installer"))

    assert as_user.needs_installer > 0
    assert as_installer.needs_installer == 0


def test_the_way_to_a_device_over_https(simulate: Simulate) -> None:
    simulator = simulate("sb-3.6", tls=True)
    assert simulator.fingerprint is not None
    pin = simulator.fingerprint.removeprefix("sha256:").replace(":", "").lower()

    report = examine(settings(simulator, tls=config.TlsSettings(fingerprints=(pin,), given=True)))

    assert [found.name for found in report.steps] == [
        "reached",
        "protocol",
        "certificate",
        "sessions",
        "login",
        "device",
    ]
    assert simulator.fingerprint in step(report, "certificate")
    assert "4 free" in step(report, "sessions")
    assert "user" in step(report, "login")
    assert "Sunny Boy 3.6" in step(report, "device")
    assert f"fingerprint: {simulator.fingerprint}" in report.configuration


@pytest.mark.parametrize(
    ("action", "path", "name", "words"),
    [
        (faults.body(b"<html>", content_type="text/html"), None, "protocol", "ennexOS"),
        (faults.full(), None, "sessions", "web page"),
        (faults.body(b'{"result":'), "getAllOnlValues", "values", "report it"),
        (faults.drop(), None, "protocol", "WebBox"),
        (faults.drop(), "login", "login", "switched on"),
    ],
    ids=["not WebConnect", "full", "a read that fails", "dropped", "a dropped login"],
)
def test_the_first_failure_says_what_to_do(
    simulate: Simulate, action: faults.Action, path: str | None, name: str, words: str
) -> None:
    simulator = simulate("sb-3.6")
    simulator.faults.add(faults.Fault(action, path=path))

    report = examine(settings(simulator, timeout=2.0))

    assert not report.ok
    assert report.steps[-1].name == name
    assert words in report.steps[-1].found
    assert simulator.sessions == 0


def test_without_a_password_a_page_that_is_switched_off_asks_for_one(simulate: Simulate) -> None:
    simulator = simulate("sb-3.6")
    simulator.faults.add(faults.Fault(faults.error(401), path="getDashValues"))

    report = examine(settings(simulator, None))

    assert report.steps[-1].name == "login"
    assert "configure its password" in report.steps[-1].found
    assert "readable" not in report.steps[-1].found


@pytest.mark.parametrize(
    ("group", "words"), [("user", "12 characters"), ("installer", "group: user")]
)
def test_a_refused_password(simulate: Simulate, group: str, words: str) -> None:
    simulator = simulate("sb-3.6")

    report = examine(settings(simulator, "Wrong-98765", group=group))

    assert report.steps[-1].name == "login"
    assert group in report.steps[-1].found
    assert words in report.steps[-1].found
    assert "Wrong-98765" not in str(report.as_dict())


def test_a_certificate_that_cannot_be_verified_is_offered_by_its_fingerprint(
    simulate: Simulate,
) -> None:
    simulator = simulate("sb-3.6", tls=True)

    report = examine(settings(simulator))

    assert report.steps[-1].name == "certificate"
    assert f"fingerprint: {simulator.fingerprint}" in report.configuration


def test_the_configuration_never_holds_the_password(simulate: Simulate) -> None:
    simulator = simulate("sb-3.6")

    report = examine(settings(simulator))

    assert PASSWORD not in as_text(report)
    assert "password_file:" in report.configuration


@pytest.mark.parametrize("name", ["Roof #2", "yes", "1e3", "a: b", "Dächer", "- x"])
def test_the_configuration_is_read_back_whatever_the_device_is_called(
    simulate: Simulate, name: str
) -> None:
    found = replace(settings(simulate("sb-1.5"), None), name=name)

    (device,) = config.parse(
        examine(found).configuration, {}, PROTOCOL_KEYS, folder=Path.cwd()
    ).devices

    assert (device.name, device.url) == (name, found.url)


def test_without_a_password_the_dashboard_is_shown(simulate: Simulate) -> None:
    simulator = simulate("sb-3.6")

    report = examine(settings(simulator, None))

    assert report.ok
    assert "none" in step(report, "login")
    assert "password" not in report.configuration
    assert simulator.logins == 0


def test_a_wrong_pin_is_no_occasion_to_offer_anything(simulate: Simulate) -> None:
    simulator = simulate("sb-3.6", tls=True)
    tls = config.TlsSettings(fingerprints=("ab" * 32,), given=True)

    report = examine(settings(simulator, tls=tls))

    assert report.steps[-1].name == "certificate"
    assert report.configuration == ""
    assert simulator.requests == []


def test_an_unverified_certificate_is_to_be_compared(simulate: Simulate) -> None:
    simulator = simulate("sb-3.6", tls=True)

    report = examine(settings(simulator, tls=config.TlsSettings(verify=False, given=True)))

    assert report.ok
    assert f"fingerprint: {simulator.fingerprint}" in report.configuration
    assert "compare it" in step(report, "certificate")


def test_a_hybrids_power_factor_of_0_is_not_claimed_to_be_the_metric(simulate: Simulate) -> None:
    report = examine(settings(simulate("stp-10-se", clock=lambda: NOON)))

    made, sent = (line for line in report.values if line.sensor == "grid_power_factor")
    assert (sent.value, sent.metric) == (0, "")
    assert (made.value > 0.9, made.metric) == (True, "sma_ac_power_factor_ratio")  # type: ignore[operator]


def test_elements_of_an_unknown_key_share_a_line(simulate: Simulate) -> None:
    report = examine(settings(simulate("stp-10")))

    keys = [line.sensor for line in report.unknown]
    assert len(keys) == len(set(keys))
