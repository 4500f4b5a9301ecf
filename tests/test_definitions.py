"""The sensor table against PySMA's, and PySMA's against SMA's own metadata."""

import copy
import csv
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from sma_exporter.simulator import Simulator
from sma_exporter.webconnect import SMA, Sensor, definitions, make_session

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
BEYOND_PYSMA = {"battery_condition", "grid_power_factor_eei", "energy_meter_in_use"}

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
}

Row = dict[str, str]


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[Row]:
    with (shared / "domain" / "pysma_vs_metadata.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_sensor_of_pysma_is_there_under_its_name(rows: list[Row]) -> None:
    assert len(rows) == 117
    assert {row["pysma_name"] for row in rows} == definitions.SENSORS.keys() - BEYOND_PYSMA


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

    assert translated - BEYOND_PYSMA == TRANSLATED


def test_a_sensor_is_named_as_its_definition() -> None:
    assert all(getattr(definitions, name) is sensor for name, sensor in definitions.SENSORS.items())
    assert [sensor.name for sensor in ALL] == list(definitions.SENSORS)


def test_no_two_sensors_are_the_same_element_of_the_same_key() -> None:
    places = {(sensor.key, sensor.key_idx) for sensor in ALL}

    assert len(places) == len(ALL)


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
