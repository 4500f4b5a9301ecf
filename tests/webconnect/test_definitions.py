"""The library's sensors: PySMA's, as PySMA has them, and those beyond."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.documented import Row, pysma_sensors

from sma_exporter.simulator import Simulator
from sma_exporter.webconnect import SMA, Sensor, definitions, make_session

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


@pytest.fixture(scope="module")
def rows(shared: Path) -> dict[str, Row]:
    """PySMA's sensors by name."""
    return {row["pysma_name"]: row for row in pysma_sensors(shared)}


def test_every_sensor_of_pysma_has_its_name_key_index_unit_factor_and_default(
    rows: dict[str, Row],
) -> None:
    expected = {
        name: (
            name,
            row["key"],
            int(row["index"] or 0),
            row["pysma_unit"] or None,
            int(row["pysma_factor"]) if row["pysma_factor"] else None,
            row["pysma_enabled"] == "True",
            name in TRANSLATED,
        )
        for name, row in rows.items()
    }

    found = {
        name: (s.name, s.key, s.key_idx, s.unit, s.factor, s.enabled, s.l10n_translate)
        for name in expected
        if isinstance(s := getattr(definitions, name), Sensor)
    }

    assert len(expected) == 117
    assert found == expected


def test_pysmas_users_read_what_pysma_reads_until_they_enable_more(rows: dict[str, Row]) -> None:
    beyond = definitions.SENSORS.keys() - rows.keys()

    assert len(beyond) > 100
    assert not any(definitions.SENSORS[name].enabled for name in beyond)
    assert rows.keys() > definitions.ENABLED


def test_sensors_are_listed_by_their_names_and_places() -> None:
    sensors = definitions.SENSORS
    places = {(sensor.key, sensor.key_idx) for sensor in sensors.values()}

    assert [sensor.name for sensor in sensors.values()] == list(sensors)
    assert len(places) == len(sensors) == len(list(sensors))
    assert {*sensors} <= {*dir(definitions)}


def test_states_and_choices_are_words_and_numbers_are_not() -> None:
    for sensor in definitions.SENSORS.values():
        is_tag = sensor.key[5:7] == "08"
        assert sensor.l10n_translate == is_tag, sensor.name
        assert not (is_tag and sensor.unit), sensor.name


def test_a_name_without_a_sensor_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no sensor 'grid_pover'"):
        definitions.grid_pover  # noqa: B018


# They never change


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        definitions.SENSORS["status"] = definitions.grid_power  # type: ignore[index]


def test_what_one_user_does_with_a_sensor_no_other_sees() -> None:
    for mine in (definitions.grid_power, definitions.SENSORS["grid_power"]):
        mine.factor, mine.enabled, mine.value = 1000, False, 5

    assert definitions.grid_power == Sensor("6100_40263F00", "grid_power", unit="W")
    assert definitions.SENSORS["grid_power"] == definitions.grid_power


@pytest.mark.parametrize("password", ["Sunny-1234", None], ids=["with password", "dashboard"])
def test_reading_never_changes_a_definition(
    simulate: Callable[..., Simulator], password: str | None
) -> None:
    device = simulate("stp-10-se")
    before = list(definitions.SENSORS.values())

    with make_session() as session, SMA(session, device.url, password) as client:
        sensors = client.get_sensors()
        client.read(sensors)
        client.device_info()

    assert any(sensor.value is not None for sensor in sensors)
    assert before == list(definitions.SENSORS.values())
