"""What real devices sent: decoded by the library, and once more here from the raw JSON."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import responses
from responses import matchers
from support.documented import BASE, units_and_scales

from sma_exporter.metrics.families import ALL_FAMILIES, DeviceReadings, families
from sma_exporter.sma.limits import ELEMENTS
from sma_exporter.sma.objects import BY_KEY, OBJECTS
from sma_exporter.sma.sensors import IDENTITY, SENSORS, expanded
from sma_exporter.sma.tags import L10N
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

DEVICES = ("sb-1.5", "sb-3.6", "stp-10.0-se", "stp-10.0-se-energy-meter")

SAYS_NOTHING = {302, 973, 16_777_212, 16_777_213, 16_777_214}

# Sensors whose elements are counted from 0, and those that stand in for another one.
COUNTED = ("optimizer_", "gateway_")
STANDS_IN = {each.name: each.sensor for each in OBJECTS if each.name}


@dataclass(frozen=True)
class Row:
    """What the metadata say of a sensor."""

    name: str
    key: str
    index: int
    scale: str
    unit: str
    own_unit: str

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
    """A device's name, all that it sent (key -> raw value), and what of it are online values."""

    name: str
    body: dict[str, Any]
    online: dict[str, Any]


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[Row]:
    documented = units_and_scales(shared)
    return [
        Row(name, sensor.key, sensor.key_idx, scale, unit, sensor.unit or "")
        for name, sensor in definitions.SENSORS.items()
        for unit, scale in (documented[sensor.key],)
    ]


@pytest.fixture(scope="module", params=DEVICES)
def recording(request: pytest.FixtureRequest, shared: Path) -> Recording:
    document = json.loads((shared / "captures" / f"{request.param}.json").read_text("utf-8"))
    (online,) = document["getAllOnlValues"]["result"].values()
    (parameters,) = document["getAllParamValues"]["result"].values()
    return Recording(request.param, online | parameters, online)


def elements_of(row: Row) -> list[Row]:
    """The elements of an array that is counted; any other row as it is."""
    if not row.name.startswith(COUNTED):
        return [row]
    return [replace(row, name=f"{row.name}_{n}", index=n) for n in range(ELEMENTS)]


def is_hybrid(recording: Recording) -> bool:
    return recording.name.startswith("stp-10.0-se")


def test_every_sensor_extracts_what_the_metadata_make_of_the_recorded_value(
    rows: list[Row], recording: Recording
) -> None:
    expected = {row.name: row.scaled(recording.body, row.own_unit) for row in rows}
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
    counted = [each for row in rows for each in elements_of(row)]
    scaled = {row.name: row.scaled(recording.body, None) for row in counted}
    expected = {name: value for name, value in scaled.items() if value not in (None, "")}
    for name, sensor in SENSORS.items():
        if sensor.tag_numbers and isinstance(tags := expected.get(name), tuple):
            expected[name] = sensor.tag_numbers[tags[0]]
    for substitute, name in STANDS_IN.items():
        if substitute in expected:
            expected.setdefault(name, expected.pop(substitute))

    assert decode(recording.body) == judged(expected, recording)


def judged(readings: dict[str, object], recording: Recording) -> dict[str, object]:
    """What of readings counts, by what is known of the recorded devices."""
    slots = {n for n, value in readings.items() if n.startswith(COUNTED) and value == (303,)}
    assert len(slots) == (64 if recording.name == "sb-3.6" else 0)  # there is no optimizer in any
    counting = {
        name: value
        for name, value in readings.items()
        if name not in slots
        and not (is_hybrid(recording) and name.startswith("battery_") and type(value) is float)
    }
    if is_hybrid(recording):
        assert readings["battery_voltage_a"] == readings["grid_power_factor"] == 0
        counting["grid_power_factor"] = abs(float(str(readings["grid_power_factor_eei"])))
    if any(name.startswith("metering_power") for name in readings):
        counting["meter_serial"] = f"{readings['energy_meter']:.0f}"
    return counting


def test_a_hybrid_without_a_battery_has_states_of_one_but_no_numbers(recording: Recording) -> None:
    found = {n: v for n, v in decode(recording.body).items() if n.startswith("battery_")}

    off = ("battery_status_operating_mode", "battery_condition_a", "battery_temp_condition_a")
    states = dict.fromkeys(off, (303,))
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


# How much of what devices say becomes a metric

IN_TABLE = {sensor for family in ALL_FAMILIES for sensor in family.sensors}


def numbers_and_states(values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Key and index of each element that is a number, or a state that says something."""
    for key, raw in values.items():
        by_class = isinstance(raw, dict) and "val" not in raw
        entries = next(iter(raw.values()), []) if by_class else raw
        for index, entry in enumerate(entries if isinstance(entries, list) else [entries]):
            val = entry["val"]
            says = isinstance(val, list) and {tag["tag"] for tag in val} - SAYS_NOTHING
            if isinstance(val, int | float) or says:
                yield key, index


def is_covered(key: str, index: int) -> bool:
    names = expanded(BY_KEY[key].sensor) if key in BY_KEY else ()
    return bool({*names[index : index + 1]} & IN_TABLE)


def test_at_least_95_of_100_numbers_and_states_have_a_metric(recording: Recording) -> None:
    found = [*numbers_and_states(recording.online)]
    covered = [place for place in found if is_covered(*place)]

    assert len(found) > 40
    assert len(covered) >= 0.95 * len(found)


def test_every_number_and_state_of_the_recordings_has_a_metric(recording: Recording) -> None:
    """More than is asked for. A new recording may bring what nobody knows: then the 95 % hold."""
    missing = {
        key for key, index in numbers_and_states(recording.online) if not is_covered(key, index)
    }

    assert missing == set()


def test_every_reading_but_the_identity_is_shown(recording: Recording) -> None:
    readings = decode(recording.body)

    not_shown = {
        n for n, v in readings.items() if not [*families([DeviceReadings("roof", {n: v}, {})])]
    }

    assert not_shown <= {*IDENTITY, *SENSORS["meter_serial"].made_of}


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
