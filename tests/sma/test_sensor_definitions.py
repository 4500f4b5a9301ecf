"""The table of sensors, against SMA's own lists of states."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.documented import ennexos_tags

import sma_exporter
from sma_exporter.ennexos.channels import channels_of
from sma_exporter.sma.limits import ELEMENTS
from sma_exporter.sma.objects import is_parameter, keys_of
from sma_exporter.sma.sensors import DEFINITIONS, SENSORS, Kind, SensorDefinition, expanded
from sma_exporter.sma.tags import SAYS_NOTHING, TAGS, slug

STATES = {each.names[0]: each for each in DEFINITIONS if each.kind is Kind.STATES}
TOTALS = {name for name, each in SENSORS.items() if each.kind is Kind.TOTAL}

#: Tags of a row that lists several sensors together: only the WiFi connects by WPS.
OF_THE_WIFI = {3325, 3426}
LISTED_WITH_THE_WIFI = {
    *("speedwire_a_status", "speedwire_b_status", "webconnect_status"),
    "energy_meter_speedwire_status",
}

#: Sensors of which no list is known; their states are what was seen, or is plain by SMA's language file.
WITHOUT_A_LIST = {
    *("block_status", "backup_relay_status", "multifunction_relay_status", "wifi_antenna"),
    *("device_control_status", "plant_control_status", "energy_meter_modbus_status"),
    *("reactive_power_limitation", "power_factor_setpoint_excitation", "speedwire_a_duplex"),
    *("speedwire_b_duplex", "battery_temp_condition_a", "battery_management_command_a"),
    "wifi_access_point_status",
}


@pytest.fixture(scope="module")
def listed(shared: Path) -> dict[str, set[int]]:
    """The states of each status object: key -> numbers of their tags."""
    lists = json.loads((shared / "domain" / "status_tags.json").read_text("utf-8"))
    return {key: {int(number) for number in each["tags"]} for key, each in lists.items()}


@pytest.fixture(scope="module")
def further(shared: Path) -> dict[str, set[int]]:
    """The same of "Further status objects" in webconnect.md."""
    text = (shared / "domain" / "webconnect.md").read_text("utf-8")
    table = text.partition("**Further status objects")[2].partition("---\n\n## f.")[0]
    found: dict[str, set[int]] = {}
    for line in table.splitlines():
        _, objects, numbers_cell, *_ = [*line.split("|"), "", "", ""]
        keys = re.findall(r"\b6\d{3}_[0-9A-F]{8}", objects)
        if keys:
            endings = re.findall(r"/ ([0-9A-F]{4})\b", objects)  # "6180_084A9600 / 9800"
            numbers = {int(n) for n in re.findall(r"\b\d{2,}\b(?! Mbit)", numbers_cell)}
            for key in [*keys, *(keys[0][:-4] + ending for ending in endings)]:
                found[key] = numbers
    return found


# Names


def test_names_are_unique_and_in_pysmas_style() -> None:
    names = [name for each in DEFINITIONS for name in each.names]

    assert len(names) == len(SENSORS)
    assert [name for name in names if not re.fullmatch("[a-z]+(_[a-z0-9]+)*", name)] == []


@pytest.mark.parametrize(
    ("template", "names", "count"),
    [
        ("grid_power", ("grid_power",), 1),
        ("power_{phase}", ("power_l1", "power_l2", "power_l3"), 3),
        ("line_voltage_{lines}", ("line_voltage_l1_l2", "line_voltage_l2_l3"), 3),
        ("battery_charge_{pack}", ("battery_charge_a", "battery_charge_b"), 26),
        ("optimizer_power_{optimizer}", ("optimizer_power_0", "optimizer_power_1"), ELEMENTS),
    ],
)
def test_a_braced_word_stands_for_the_elements(
    template: str, names: tuple[str, ...], count: int
) -> None:
    (definition,) = (each for each in DEFINITIONS if each.template == template)

    assert definition.names == expanded(template)
    assert definition.names[: len(names)] == names
    assert len(definition.names) == count
    assert all(SENSORS[name] is definition for name in definition.names)


def test_the_definitions_cannot_be_changed() -> None:
    tables: Any = (SENSORS, SENSORS["digital_inputs"].tag_numbers)
    for table in tables:
        with pytest.raises(TypeError):
            table["status"] = None
    with pytest.raises(AttributeError):
        SENSORS["status"].unit = "watts"  # type: ignore[misc]


# Kinds


def test_only_totals_are_bounded_and_each_can_grow() -> None:
    rates = {name: each.max_rate for name, each in SENSORS.items() if each.max_rate is not None}

    assert rates.keys() <= TOTALS
    assert all(rate > 0 for rate in rates.values())


@pytest.mark.parametrize(
    ("name", "rate"),
    [("total_yield", None), ("metering_total_yield", 1e6), ("operating_time", 1)],
)
def test_what_bounds_a_total(name: str, rate: float | None) -> None:
    assert (SENSORS[name].kind, SENSORS[name].max_rate) == (Kind.TOTAL, rate)


def test_every_energy_is_a_total_or_starts_anew_or_is_what_a_battery_holds() -> None:
    energies = {name for name, each in SENSORS.items() if each.unit == "joules"}

    assert energies - TOTALS == {
        "daily_yield",
        "charging_session_energy",
        "battery_energy",
        "battery_energy_available",
        "battery_energy_free",
        "battery_nominal_capacity",
    }
    assert not any("power" in name or "soc" in name for name in TOTALS)


def test_what_is_kept_is_what_describes_the_device() -> None:
    kept = {name for name, each in SENSORS.items() if each.kept}
    parameters = {
        name
        for name in SENSORS
        if any(map(is_parameter, keys_of(name)))
        or any(channel.startswith("Parameter.") for channel in channels_of(name))
    }

    assert {"serial_number", "inverter_power_limit", "optimizer_serial_0"} <= kept
    # States of now, and a name that goes with the meter's values.
    now = {"inverter_system_init", "charging_mode", "charging_lock"}
    assert parameters - kept == {*now, "meter_serial"}
    assert kept <= parameters


# States


def test_states_are_those_of_a_status_and_nothing_else_has_any() -> None:
    assert {name for name, each in SENSORS.items() if each.states} == {
        name for each in STATES.values() for name in each.names
    }
    assert all(key[5:7] == "08" for name in STATES for key in keys_of(name))


@pytest.mark.parametrize("name", [name for name in STATES if keys_of(name)])
def test_the_states_of_a_sensor_are_those_that_are_listed(
    name: str, listed: dict[str, set[int]], further: dict[str, set[int]]
) -> None:
    key, states = keys_of(name)[0], STATES[name].states
    if key in listed:
        assert set(states) == listed[key] - SAYS_NOTHING
    elif key in further:
        others = OF_THE_WIFI if name in LISTED_WITH_THE_WIFI else set()
        assert set(states) >= further[key] - SAYS_NOTHING - others
    else:
        assert name in WITHOUT_A_LIST
    assert len(states) == len(set(states))


@pytest.mark.parametrize("definition", STATES.values(), ids=lambda each: each.template)
def test_every_state_has_words_and_shares_a_slug_only_with_what_means_the_same(
    definition: SensorDefinition,
) -> None:
    alike = [{2289, 2292}, {2290, 2293}, {1295, 2291}]
    by_slug: dict[str, set[int]] = {}

    for tag in definition.states:
        by_slug.setdefault(slug(tag), set()).add(tag)

    assert {*definition.states} <= TAGS.keys()
    assert all(len(group) == 1 or group in alike for group in by_slug.values())


def test_a_state_that_webconnect_has_not_is_one_of_ennexos(shared: Path) -> None:
    of_webconnect = {tag for name in STATES if keys_of(name) for tag in STATES[name].states}
    others = {tag for each in STATES.values() for tag in each.states} - of_webconnect

    assert len(others) > 30
    assert others <= ennexos_tags(shared).keys()


def test_tags_that_stand_for_numbers(further: dict[str, set[int]]) -> None:
    numbers = {name: each.tag_numbers for name, each in SENSORS.items() if each.tag_numbers}

    assert numbers.keys() == {"speedwire_a_speed", "speedwire_b_speed", "digital_inputs"}
    for name in ("speedwire_a_speed", "speedwire_b_speed"):
        assert 1721 in further[keys_of(name)[0]]
        assert numbers[name][1721] == 100_000_000 / 8
    assert numbers["digital_inputs"][2246] == 0
    assert sorted(numbers["digital_inputs"].values()) == [*range(16)]


# A new sensor


def test_a_row_in_each_table_is_enough_for_a_new_sensor(tmp_path: Path) -> None:
    package = tmp_path / "sma_exporter"
    original = Path(sma_exporter.__file__).parent
    package.mkdir()
    shutil.copy(original / "__init__.py", package)
    for folder in ("sma", "webconnect"):
        shutil.copytree(original / folder, package / folder)
    for module, row in (
        ("sensors", '_gauge("moon_light_{string}", "watts"),'),
        ("objects", 'Object("6100_00FFFF00", "moon_light_{string}", "W", 10),'),
    ):
        path = package / "sma" / f"{module}.py"
        before, start, after = path.read_text("utf-8").partition(", ...] = (\n")
        path.write_text(f"{before}{start}    {row}\n{after}", encoding="utf-8")
    script = """
from sma_exporter.webconnect import decode, definitions
from sma_exporter.webconnect.presence import present
body = {"6100_00FFFF00": {"1": [{"val": 15}, {"val": None}]}}
(sensor,) = present(body)
sensor.extract_value(body)
print(decode(body), sensor.name, sensor.value, sensor.unit, definitions.moon_light_b.key_idx)
"""

    run = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert run.stdout == "{'moon_light_a': 1.5} moon_light_a 1.5 W 1\n"
