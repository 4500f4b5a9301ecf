"""The sensor table against PySMA's, and PySMA's against SMA's own metadata."""

import copy
import csv
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from support.documented import PARAMETERS

from sma_exporter.simulator import Simulator
from sma_exporter.webconnect import SMA, Sensor, definitions, make_session
from sma_exporter.webconnect.beyond_pysma import BEYOND_PYSMA

ALL = tuple(definitions.SENSORS.values())

TRANSLATED = {
    "status",
    "operating_status_general",
    "operating_status",
    "inverter_condition",
    "inverter_system_init",
    "grid_connection_status",
    "grid_relay_status",
    "grid_power_factor_excitation",
    "battery_status_operating_mode",
    "device_type",
    "device_manufacturer",
}
BEYOND = {sensor.name: sensor for sensor in BEYOND_PYSMA}

# Numbers and states that real devices have answered, and that are no sensors all the same.
LEFT_OUT = {
    "6102_00495100": "hidden, without a name: energy of the battery, but which?",
    "6102_004B2D00": "hidden, without a name: seconds of what?",
}
TEXT = "2"

# One of a unit in the unit without prefix, PySMA's units and the metadata's alike.
UNITS = {
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
    "Wh": Fraction(1),
    "kWh": Fraction(1000),
    "°C": Fraction(1),
    "%": Fraction(1),
    "s": Fraction(1),
    "Ah": Fraction(1),
    "W/m²": Fraction(1),
    "m/s": Fraction(1),
}

Row = dict[str, str]


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[Row]:
    with (shared / "domain" / "pysma_vs_metadata.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def online_values(shared: Path) -> dict[str, Row]:
    """Every object of SMA's metadata that is no parameter, by its key."""
    with (shared / "domain" / "online_values.csv").open(encoding="utf-8", newline="") as file:
        return {row["key"]: row for row in csv.DictReader(file)}


def test_every_sensor_of_pysma_is_there_under_its_name(rows: list[Row]) -> None:
    assert len(rows) == 117
    assert {row["pysma_name"] for row in rows} == definitions.SENSORS.keys() - BEYOND.keys()


def test_every_sensor_of_pysma_has_its_key_index_unit_factor_and_default(rows: list[Row]) -> None:
    expected = {
        row["pysma_name"]: (
            row["pysma_name"],
            row["key"],
            int(row["index"] or 0),
            row["pysma_unit"] or None,
            int(row["pysma_factor"]) if row["pysma_factor"] else None,
            row["pysma_enabled"] == "True",
        )
        for row in rows
    }

    found = {
        name: (
            sensor.name,
            sensor.key,
            sensor.key_idx,
            sensor.unit,
            sensor.factor,
            sensor.enabled,
        )
        for name in expected
        if isinstance(sensor := getattr(definitions, name), Sensor)
    }

    assert found == expected


def test_unit_and_factor_say_the_same_as_the_metadatas_unit_and_scale(rows: list[Row]) -> None:
    numbers = [row for row in rows if row["metadata_scale"]]
    wrong = []

    for row in numbers:
        sensor = definitions.SENSORS[row["pysma_name"]]
        ours = Fraction(1, sensor.factor or 1) * UNITS[sensor.unit or ""]
        if ours != Fraction(row["metadata_scale"]) * UNITS[row["metadata_unit"]]:
            wrong.append(row["pysma_name"])

    assert len(numbers) > 100
    assert wrong == []


def test_states_type_and_manufacturer_are_translated_and_nothing_else_of_pysma() -> None:
    translated = {sensor.name for sensor in ALL if sensor.l10n_translate}

    assert translated - BEYOND.keys() == TRANSLATED


def test_a_sensor_of_pysma_is_named_as_its_definition() -> None:
    pysma = {n: s for n, s in definitions.SENSORS.items() if n not in BEYOND}

    assert all(getattr(definitions, name) is sensor for name, sensor in pysma.items())
    assert [sensor.name for sensor in ALL] == list(definitions.SENSORS)


def test_no_two_sensors_are_the_same_element_of_the_same_key() -> None:
    places = {(sensor.key, sensor.key_idx) for sensor in ALL}

    assert len(places) == len(ALL)


# Beyond PySMA


def test_sensors_beyond_pysma_have_names_in_its_style() -> None:
    assert [name for name in BEYOND if not re.fullmatch("[a-z]+(_[a-z0-9]+)*", name)] == []
    assert len(BEYOND) == len(BEYOND_PYSMA)


def test_pysmas_users_read_what_pysma_reads_until_they_enable_more() -> None:
    assert not any(sensor.enabled for sensor in BEYOND_PYSMA)


def test_unit_and_factor_of_the_others_say_the_same_as_the_metadata(
    online_values: dict[str, Row],
) -> None:
    wrong = []

    for name, sensor in BEYOND.items():
        unit, scale = PARAMETERS.get(sensor.key) or (
            online_values[sensor.key]["unit"],
            online_values[sensor.key]["scale"],
        )
        if sensor.l10n_translate:
            same = (unit, scale) == ("", "")
        else:
            ours = Fraction(1, sensor.factor or 1) * UNITS[sensor.unit or ""]
            same = ours == Fraction(scale) * UNITS[unit] and (sensor.unit or "").endswith(unit)
        if not same:
            wrong.append(name)

    assert wrong == []


def test_every_number_and_state_that_real_devices_answered_is_a_sensor(
    online_values: dict[str, Row],
) -> None:
    seen = {key for key, row in online_values.items() if row["seen_in_dumps"]}
    texts = {key for key in seen if online_values[key]["typ"] == TEXT}
    known = {sensor.key for sensor in ALL}

    assert len(seen) > 170
    assert seen - texts - known == LEFT_OUT.keys()
    assert not texts & known


def test_a_substitute_is_of_the_same_kind_as_what_it_stands_in_for() -> None:
    for name, substitute in definitions.SUBSTITUTES.items():
        first, second = definitions.SENSORS[name], definitions.SENSORS[substitute]
        assert (first.unit, first.factor) == (second.unit, second.factor)
        assert first.key[5:7] == "08" or not first.l10n_translate
        assert first.l10n_translate == second.l10n_translate


def test_totals_are_sensors_and_can_grow() -> None:
    for name, pace in definitions.TOTALS.items():
        assert definitions.SENSORS[name].key_idx == 0
        assert pace is None or pace > 0


@pytest.mark.parametrize(
    ("name", "pace"),
    [("total_yield", None), ("metering_total_yield", 1e6), ("operating_time", 1)],
)
def test_what_bounds_a_total(name: str, pace: float | None) -> None:
    assert definitions.TOTALS[name] == pace


def test_every_energy_in_kwh_is_a_total_or_what_a_battery_holds() -> None:
    kwh = {s.name for s in ALL if s.unit == "kWh" and s.key_idx == 0}
    substitutes = set(definitions.SUBSTITUTES.values())

    assert kwh - definitions.TOTALS.keys() - substitutes == {
        "battery_energy",
        "battery_energy_available",
        "battery_energy_free",
        "battery_nominal_capacity",
    }


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        definitions.SENSORS["status"] = definitions.grid_power  # type: ignore[index]


@pytest.mark.parametrize("password", ["Sunny-1234", None], ids=["with password", "dashboard"])
def test_reading_never_changes_a_definition(
    simulate: Callable[..., Simulator], password: str | None
) -> None:
    device = simulate("stp-10-se")
    before = copy.deepcopy(ALL)

    with make_session() as session:
        client = SMA(session, device.url, password)
        sensors = client.get_sensors()
        client.read(sensors)
        client.device_info()
        client.close_session()

    assert any(sensor.value is not None for sensor in sensors)
    assert before == ALL
