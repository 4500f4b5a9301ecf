"""What real devices sent: decoded by the library, and once more here from the raw JSON."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import responses
from responses import matchers

from sma_exporter.webconnect import (
    SMA,
    SmaAuthenticationException,
    Value,
    decode,
    definitions,
    make_session,
    version_int_to_string,
)
from sma_exporter.webconnect.presence import present
from sma_exporter.webconnect.tags import L10N

DEVICES = ("sb-1.5", "sb-3.6", "stp-10.0-se", "stp-10.0-se-energy-meter")

# One of a unit in the base unit: the metadata's, and PySMA's.
BASE = {
    "": Fraction(1),
    "W": Fraction(1),
    "var": Fraction(1),
    "VA": Fraction(1),
    "V": Fraction(1),
    "A": Fraction(1),
    "mA": Fraction(1, 1000),
    "Hz": Fraction(1),
    "Ohm": Fraction(1),
    "kOhm": Fraction(1000),
    "Wh": Fraction(3600),
    "kWh": Fraction(3_600_000),
    "°C": Fraction(1),
    "%": Fraction(1, 100),
}
SAYS_NOTHING = {302, 973, 16_777_212, 16_777_213, 16_777_214}

# Sensors beyond PySMA: key, and its scale in the metadata.
BEYOND_PYSMA = {
    "battery_condition": ("6180_08414D00", ""),
    "grid_power_factor_eei": ("6100_40665B00", "0.001"),
    "energy_meter_in_use": ("6800_008AA200", "1"),
}


@dataclass(frozen=True)
class Row:
    """What the metadata say of a sensor."""

    name: str
    key: str
    index: int
    scale: str
    unit: str
    pysma_unit: str

    def raw(self, body: Mapping[str, Any]) -> Any:
        """The `val` of the recorded value; None where there is none."""
        value = body.get(self.key)
        if isinstance(value, dict) and "val" not in value:
            (value,) = value.values()  # by class; no recorded value has two
        entries = value if isinstance(value, list) else [value or {}]
        if all("str" in entry for entry in entries):
            entries = sorted(entries, key=lambda entry: int(entry["str"]))
        return entries[self.index].get("val") if self.index < len(entries) else None

    def scaled(self, body: Mapping[str, Any], unit: str | None) -> object:
        """The recorded value in a unit, None for the base unit: number, tags, text, or None."""
        raw = self.raw(body)
        if isinstance(raw, list):
            return (
                tuple(n for n in (entry["tag"] for entry in raw) if n not in SAYS_NOTHING) or None
            )
        if raw is None or isinstance(raw, str):
            return raw
        base = Fraction(raw) * Fraction(self.scale) * BASE[self.unit]
        return float(base / (1 if unit is None else BASE[unit]))


@dataclass(frozen=True)
class Recording:
    """A device's name, and all that it sent: key -> raw value."""

    name: str
    body: dict[str, Any]


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[Row]:
    with (shared / "domain" / "pysma_vs_metadata.csv").open(encoding="utf-8", newline="") as file:
        listed = [
            Row(
                row["pysma_name"],
                row["key"],
                int(row["index"] or 0),
                row["metadata_scale"],
                row["metadata_unit"],
                row["pysma_unit"],
            )
            for row in csv.DictReader(file)
        ]
    beyond = [Row(name, key, 0, scale, "", "") for name, (key, scale) in BEYOND_PYSMA.items()]
    return listed + beyond


@pytest.fixture(scope="module", params=DEVICES)
def recording(request: pytest.FixtureRequest, shared: Path) -> Recording:
    document = json.loads((shared / "captures" / f"{request.param}.json").read_text("utf-8"))
    body: dict[str, Any] = {}
    for call in ("getAllOnlValues", "getAllParamValues"):
        (values,) = document[call]["result"].values()
        body |= values
    return Recording(request.param, body)


def is_hybrid(recording: Recording) -> bool:
    return recording.name.startswith("stp-10.0-se")


def test_every_sensor_extracts_what_the_metadata_make_of_the_recorded_value(
    rows: list[Row], recording: Recording
) -> None:
    expected = {row.name: row.scaled(recording.body, row.pysma_unit) for row in rows}
    first_tags = {n: v[0] if isinstance(v, tuple) else v for n, v in expected.items()}

    found = {}
    for row in rows:
        sensor = definitions.SENSORS[row.name].copy()
        sensor.extract_value(recording.body)
        found[row.name] = sensor.value

    assert found == first_tags
    assert sum(value is not None for value in found.values()) > 25


def test_decoding_gives_the_same_in_base_units_and_nothing_else(
    rows: list[Row], recording: Recording
) -> None:
    expected = {row.name: row.scaled(recording.body, None) for row in rows}
    expected = {name: value for name, value in expected.items() if value not in (None, "")}
    if is_hybrid(recording):
        assert expected["battery_voltage_a"] == 0
        expected = {
            name: value
            for name, value in expected.items()
            if not name.startswith("battery_") or isinstance(value, tuple)
        }

    assert decode(recording.body) == expected


def test_a_hybrid_without_a_battery_has_states_of_one_but_no_numbers(recording: Recording) -> None:
    found = {n: v for n, v in decode(recording.body).items() if n.startswith("battery_")}

    states = {"battery_status_operating_mode": (303,), "battery_condition": (303,)}
    assert found == (states if is_hybrid(recording) else {})


def test_a_device_without_battery_and_optimizers_has_no_such_sensors(recording: Recording) -> None:
    names = {sensor.name for sensor in present(recording.body)}

    assert {"status", "grid_power", "total_yield", "pv_power_a"} <= names
    assert not {name for name in names if name.startswith(("battery_", "optimizer_"))}


def test_meter_sensors_are_there_where_a_meter_is(recording: Recording) -> None:
    names = {sensor.name for sensor in present(recording.body)}
    meter = {"metering_power_supplied", "metering_power_absorbed", "metering_total_absorbed"}

    assert bool(names & meter) == recording.name.endswith("energy-meter")
    assert ("energy_meter" in names) == recording.name.endswith("energy-meter")


IDENTITIES: Mapping[str, tuple[str, str, str]] = {
    "sb-1.5": ("2.3.1.N", "Sunny Boy 1.5", "SN: 1930023194"),
    "sb-3.6": ("3.10.36.R", "Sunny Boy 3.6", "SB3.6-1AV-41 981"),
    "stp-10.0-se": ("3.0.2.R", "SUNNY TRIPOWER 10.0 SE", "SN: 3012301234"),
    "stp-10.0-se-energy-meter": ("3.1.5.R", "SUNNY TRIPOWER 10.0 SE", "SN: 3012000000"),
}


def test_version_model_and_name(recording: Recording) -> None:
    readings: dict[str, Value] = decode(recording.body)
    model = definitions.device_type.copy()
    model.extract_value(recording.body, L10N)

    version = readings["device_sw_version"]
    assert isinstance(version, int)
    found = (version_int_to_string(version), model.value, readings["device_name"])
    assert found == IDENTITIES[recording.name]


# As it went over the wire: an SB3.0-1AV-41

HOST = "https://192.0.2.30"
PASSWORD = "<SMA_API_WEB_PASSWORD>"  # what stands in the recording for the real one

Exchange = dict[str, Any]


@pytest.fixture(scope="module")
def exchanges(shared: Path) -> list[Exchange]:
    path = shared / "captures" / "sb-3.0-http-exchanges.json"
    found: list[Exchange] = json.loads(path.read_text("utf-8"))["exchanges"]
    return found


@pytest.fixture
def wire(exchanges: list[Exchange]) -> Iterator[responses.RequestsMock]:
    """The recorded device, to be given replies one by one."""
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def client() -> Iterator[SMA]:
    with make_session() as session:
        yield SMA(session, HOST, PASSWORD)


def cassette(exchanges: list[Exchange], name: str) -> list[Exchange]:
    return [exchange for exchange in exchanges if name in exchange["cassette"]]


def replay(wire: responses.RequestsMock, exchange: Exchange, **changes: Any) -> None:
    """Answer a request just like the recorded one as the device did; `changes` in what is asked."""
    path, _, query = exchange["uri"].partition("?")
    asked = json.loads(exchange["request_body"]) | changes
    headers = {name: ", ".join(values) for name, values in exchange["headers"].items()}
    wire.add(
        exchange["method"].upper(),
        path.replace("https://<SMA_API_HOST>", HOST),
        body=exchange["body"],
        status=exchange["status"]["code"],
        content_type=headers.pop("Content-Type"),
        headers=headers,
        match=[
            matchers.json_params_matcher(asked),
            matchers.query_param_matcher({"sid": query.removeprefix("sid=")} if query else {}),
        ],
    )


def test_a_recorded_login_and_values(
    wire: responses.RequestsMock, client: SMA, exchanges: list[Exchange]
) -> None:
    login, values = cassette(exchanges, "_get_values/")
    replay(wire, login)
    replay(wire, values)

    raw = client.read_keys(["6100_40263F00", "6400_00260100", "6380_40251E00_1"])

    assert client.logged_in
    assert decode(raw) == {
        "grid_power": 232,
        "total_yield": 12_992_158 * 3600,
        "pv_power_a": 227,
        "pv_power_b": 70,
    }


def test_a_recorded_refusal(
    wire: responses.RequestsMock, client: SMA, exchanges: list[Exchange]
) -> None:
    (login,) = cassette(exchanges, "invalid_password")
    replay(wire, login, **{"pass": PASSWORD})

    with pytest.raises(SmaAuthenticationException):
        client.new_session()

    assert not client.logged_in


def test_a_recorded_logout(
    wire: responses.RequestsMock, client: SMA, exchanges: list[Exchange]
) -> None:
    login, logout = cassette(exchanges, "_destroy_session/")
    replay(wire, login)
    replay(wire, logout)

    client.new_session()
    client.close_session()

    assert not client.logged_in
    assert len(wire.calls) == 2
