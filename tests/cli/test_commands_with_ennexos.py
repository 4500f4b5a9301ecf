"""`sensors`, `dump` and the configuration's messages for devices with ennexOS, as a new user meets them."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.devices import NIGHT, NOON

from sma_exporter import config
from sma_exporter.cli.dump import dump
from sma_exporter.cli.sensors import WIDTH, Report, as_text, examine
from sma_exporter.devices.protocols import PROTOCOL_KEYS
from sma_exporter.metrics.families import ALL_FAMILIES
from sma_exporter.simulator import ENNEXOS_MODELS, EnnexosSimulator, replayed, simulated
from sma_exporter.sma.exceptions import SmaCredentialsException

Start = Callable[..., EnnexosSimulator]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start devices of a model at noon; they stop when the test is over."""
    with ExitStack() as running:

        def started(model: str, **options: Any) -> EnnexosSimulator:
            options = {"clock": lambda: NOON} | options
            simulator = running.enter_context(simulated(model, **options))
            assert isinstance(simulator, EnnexosSimulator)
            return simulator

        yield started


def settings(simulator: EnnexosSimulator, wrong: str = "", **keys: Any) -> config.DeviceSettings:
    secret = config.Secret(wrong or simulator.credentials["password"])
    return config.DeviceSettings(
        **{
            "name": "barn",
            "url": simulator.url,
            "protocol": "",
            "password": secret,
            "options": {"username": simulator.credentials["username"]},
            **keys,
        }
    )


def last(report: Report) -> tuple[str, str]:
    assert not report.ok
    return report.steps[-1].name, report.steps[-1].found


# --- sensors ---


@pytest.mark.parametrize("now", [NOON, NIGHT], ids=["noon", "night"])
@pytest.mark.parametrize("model", ENNEXOS_MODELS)
def test_every_model_is_found_out_and_shown_in_100_columns(
    start: Start, model: str, now: float
) -> None:
    simulator = start(model, clock=lambda: now)

    report = examine(settings(simulator))
    text = as_text(report)

    assert report.ok, report.steps
    assert simulator.sessions == 0
    assert [line for line in text.splitlines() if len(line) > WIDTH] == []
    shown = {line.split()[-1] for line in text.splitlines() if " sma_" in line}
    assert shown
    assert shown <= {family.name for family in ALL_FAMILIES} | {"sma_device_info"}
    assert report.unknown == []


def test_a_program_gets_numbers(start: Start) -> None:
    report = json.loads(json.dumps(examine(settings(start("stp-x-15"))).as_dict()))

    (power,) = (value for value in report["values"] if value["metric"] == "sma_ac_power_watts")
    assert power["value"] > 1000
    assert report["ok"] is True


def test_both_halves_of_a_signed_power_are_shown_as_what_they_become(start: Start) -> None:
    report = examine(settings(start("data-manager", clock=lambda: NIGHT)))

    halves = [line for line in report.values if line.sensor.startswith("metering_active_power_")]
    assert len(halves) == 6
    assert all(isinstance(line.value, int | float) and line.value >= 0 for line in halves)
    assert {line.unit for line in halves} == {"W"}
    assert any(line.value > 0 for line in halves if "draw" in line.sensor)  # type: ignore[operator]


def test_values_that_another_one_replaces_stand_apart(start: Start) -> None:
    text = as_text(examine(settings(start("stp-x-15"))))

    table, rest = text.split("Values that are no metric: another of the same meaning counts")
    assert "sma_pv_generation_joules_total" in table
    assert "\npv_gen_meter " in rest
    assert " sma_" not in rest


def test_without_a_user_name_it_is_said_what_ennexos_wants(start: Start) -> None:
    name, found = last(examine(settings(start("stp-x-15"), options={})))

    assert name == "login"
    for words in ("`username`", "`password_file`", "made on the device itself", "--sma.username"):
        assert words in found
    assert "readable" not in found


def test_a_wrong_password_names_the_user_and_not_the_rules_of_webconnect(start: Start) -> None:
    simulator = start("stp-x-15")

    report = examine(settings(simulator, "Wrong-98765"))
    name, found = last(report)

    assert name == "login"
    assert "'owner'" in found
    assert "Sunny Portal" in found
    assert "web page" in found
    assert "12 characters" not in found
    assert "group" not in found
    assert "Wrong-98765" not in str(report.as_dict())
    assert report.configuration == ""


def test_a_certificate_that_cannot_be_verified_is_offered_with_its_flag(start: Start) -> None:
    simulator = start("stp-x-15", tls=True)

    report = examine(settings(simulator))
    name, found = last(report)

    assert name == "certificate"
    assert "--sma.tls-fingerprint" in found
    assert f"fingerprint: {simulator.fingerprint}" in report.configuration
    assert simulator.requests == []


def test_an_address_read_as_webconnect_is_said_to_have_ennexos(start: Start) -> None:
    name, found = last(examine(settings(start("stp-x-15"), protocol="webconnect", options={})))

    assert name == "protocol"
    assert "protocol: ennexos" in found
    assert "https://" in found


# --- devices behind a Data Manager ---


def configured(report: Report, tmp_path: Path) -> tuple[config.DeviceSettings, ...]:
    password = tmp_path / "password"
    password.write_text("Sunny-1234", encoding="utf-8")
    text = report.configuration.replace("/path/to/a/file/with/the/password", str(password))
    return config.parse(text, {}, PROTOCOL_KEYS, folder=tmp_path).devices


def test_the_devices_behind_a_data_manager_are_listed_with_their_configuration(
    start: Start, tmp_path: Path
) -> None:
    simulator = start("data-manager", tls=True)
    assert simulator.fingerprint is not None
    pin = simulator.fingerprint.removeprefix("sha256:").replace(":", "").lower()
    tls = config.TlsSettings(fingerprints=(pin,), given=True)

    report = examine(settings(simulator, tls=tls))
    manager, *others = configured(report, tmp_path)

    assert "for this device and those behind it:" in as_text(report)
    assert "&" not in report.configuration  # no anchors of YAML: each entry stands by itself
    assert "component" not in manager.options
    assert len({device.options["component"] for device in others}) == len(others) == 3
    found = [examine(device) for device in others]
    assert all(each.ok and each.values for each in found)
    metrics = {line.metric for each in found for line in each.values}
    assert {"sma_ac_power_watts", "sma_meter_import_power_watts"} <= metrics
    assert simulator.sessions == 0


def test_a_device_behind_it_that_sleeps_is_said_to_be_off(start: Start, tmp_path: Path) -> None:
    simulator = start("data-manager", clock=lambda: NIGHT)

    found = [examine(device) for device in configured(examine(settings(simulator)), tmp_path)]

    (asleep,) = (report for report in found if not report.ok)
    name, words = last(asleep)
    assert name == "values"
    assert "SD2P:" in words
    assert "switched on" in words
    assert "without `component`" in words


# --- dump ---


@pytest.mark.parametrize("model", ENNEXOS_MODELS)
def test_a_dump_is_replayed_with_the_sensors_that_it_was_taken_from(
    start: Start, model: str
) -> None:
    simulator = start(model)
    document = json.loads(json.dumps(dump(settings(simulator))))

    with replayed(document, clock=lambda: NOON) as again:
        assert isinstance(again, EnnexosSimulator)
        shown = examine(settings(again))

    assert document["failed"] == {}
    before = examine(settings(simulator))
    assert {(line.sensor, line.metric) for line in shown.values} == {
        (line.sensor, line.metric) for line in before.values
    }


@pytest.mark.parametrize(
    "keys", [{"options": {}}, {"password": None}], ids=["no user name", "no password"]
)
def test_a_dump_without_a_login_is_none(start: Start, keys: dict[str, Any]) -> None:
    with pytest.raises(SmaCredentialsException, match="username"):
        dump(settings(start("stp-x-15"), **keys))


# --- the configuration ---

ENTRY = "devices:\n  - {name: a, url: https://192.0.2.1, "
FIRST = ENTRY + "username: x, password: abc}\n  - {name: b, url: https://192.0.2.1, "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ENTRY + "protocol: ennexos, password: abc}", "username: is missing"),
        (ENTRY + "protocol: ennexos, username: x}", "username: needs a password beside it"),
        (ENTRY + "username: x}", "username: needs a password beside it"),
        (ENTRY + 'component: "SD2P:1"}', "component: needs a password beside it"),
        (ENTRY + "protocol: webconnect, username: x}", "does not apply to the protocol webconnect"),
        (ENTRY + "protocol: webconnect, component: x}", "does not apply to the protocol webconn"),
        (
            ENTRY + "protocol: ennexos, username: x, password: abc, group: user}",
            "group: does not apply to the protocol ennexos",
        ),
        (FIRST + "username: x, password: abc}", "several are behind one address a `component`"),
        (
            (FIRST + "username: x, password: abc, component: c}").replace(
                "abc}", "abc, component: c}"
            ),
            "component: is the same as that of devices[0]; each device needs its own",
        ),
    ],
)
def test_what_is_wrong_with_a_configuration_is_said_with_what_to_do(
    text: str, message: str
) -> None:
    with pytest.raises(config.ConfigError) as error:
        config.parse(text, {}, PROTOCOL_KEYS, folder=Path.cwd())

    assert message in str(error.value)


def test_one_address_with_two_components_is_in_order() -> None:
    text = FIRST + 'username: x, password: abc, component: "SD2P:0378-3036644594"}'

    assert len(config.parse(text, {}, PROTOCOL_KEYS, folder=Path.cwd()).devices) == 2


def test_defaults_may_name_the_user_and_devices_the_password() -> None:
    text = "defaults: {username: x}\n" + ENTRY + "password: abc}"

    (device,) = config.parse(text, {}, PROTOCOL_KEYS, folder=Path.cwd()).devices
    assert device.options == {"username": "x"}
