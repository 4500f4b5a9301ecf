"""SMA's object table against SMA's own metadata."""

from fractions import Fraction
from pathlib import Path

import pytest
from support.documented import BASE, online_values, units_and_scales

from sma_exporter.ennexos.channels import channels_of
from sma_exporter.sma.objects import BY_KEY, OBJECTS, UNITS, is_parameter, keys_of
from sma_exporter.sma.sensors import SENSORS, Kind, expanded

# Numbers and states that real devices have answered, and that are no sensors all the same.
LEFT_OUT = {
    "6102_00495100": "hidden, without a name: energy of the battery, but which?",
    "6102_004B2D00": "hidden, without a name: seconds of what?",
}
TEXT = "2"

BASE_UNITS = {
    "W": "watts",
    "var": "vars",
    "VA": "voltamperes",
    "V": "volts",
    "A": "amperes",
    "mA": "amperes",
    "Hz": "hertz",
    "kOhm": "ohms",
    "Wh": "joules",
    "kWh": "joules",
    "°C": "celsius",
    "%": "ratio",
    "s": "seconds",
    "Ah": "coulombs",
    "W/m²": "watts_per_square_meter",
    "m/s": "meters_per_second",
}


def test_no_object_is_there_twice() -> None:
    assert len(BY_KEY) == len(OBJECTS)


def test_unit_and_factor_say_the_same_as_the_metadata(shared: Path) -> None:
    documented = units_and_scales(shared)
    wrong, numbers = [], 0

    for each in OBJECTS:
        unit, scale = documented.get(each.key, ("", ""))
        if scale:
            numbers += 1
            if Fraction(1, each.factor) * BASE[each.unit] != Fraction(scale) * BASE[unit]:
                wrong.append(each.key)
        elif (each.unit, each.factor) != ("", 1):
            wrong.append(each.key)

    assert numbers > 150
    assert wrong == []


def test_what_one_of_a_unit_is_in_the_base_unit() -> None:
    assert {unit: Fraction(*fraction) for unit, fraction in UNITS.items()} == {
        unit: base for unit, base in BASE.items() if unit in UNITS
    }


def test_the_unit_of_an_object_leads_to_the_base_unit_of_its_sensor() -> None:
    numbers = {Kind.GAUGE, Kind.TOTAL}

    for each in OBJECTS:
        sensor = SENSORS[expanded(each.sensor)[0]]
        if each.unit:
            assert sensor.unit == BASE_UNITS[each.unit], each.key
        else:  # a number without a unit, a ratio, or what is none
            assert sensor.unit in {"", "ratio"} or sensor.tag_numbers is not None, each.key
        assert sensor.kind in numbers or not sensor.unit, each.key


def test_every_sensor_has_an_object_or_a_channel_or_is_made_of_some() -> None:
    of_objects = {sensor for each in OBJECTS for sensor in expanded(each.sensor)}

    assert of_objects <= SENSORS.keys()
    assert [name for name in SENSORS if not keys_of(name) and not channels_of(name)] == []


def test_every_number_and_state_that_real_devices_answered_is_an_object(shared: Path) -> None:
    metadata = online_values(shared)
    seen = {key for key, row in metadata.items() if row["seen_in_dumps"]}
    texts = {key for key in seen if metadata[key]["typ"] == TEXT}

    assert len(seen) > 170
    assert seen - texts - BY_KEY.keys() == LEFT_OUT.keys()
    assert not texts & BY_KEY.keys()


def test_what_stands_in_is_of_the_same_kind_as_the_first_object() -> None:
    others = [each for each in OBJECTS if each.name]

    assert len(others) == 5
    for each in others:
        first, second = (BY_KEY[key] for key in keys_of(each.sensor))
        assert (first.name, second) == ("", each)
        assert (first.unit, first.factor) == (second.unit, second.factor)
        assert (first.key[5:7] == "08") == (second.key[5:7] == "08")


@pytest.mark.parametrize(
    ("sensor", "keys"),
    [
        ("grid_power", ("6100_40263F00",)),
        ("grid_reactive_power", ("6100_40265F00", "6100_40665F00")),
        ("pv_power_f", ("6380_40251E00",)),
        ("meter_serial", ("6800_008AA200", "6800_008AA300")),
        ("nonsense", ()),
    ],
)
def test_the_objects_behind_a_sensor(sensor: str, keys: tuple[str, ...]) -> None:
    assert keys_of(sensor) == keys


@pytest.mark.parametrize(
    ("key", "parameter", "installer"),
    [
        ("6100_40263F00", False, False),
        ("6380_40251E00", False, False),
        ("6800_00A21E00", True, False),
        ("6322_00851E00", True, True),
        ("6182_08412B00", False, True),
    ],
)
def test_the_group_of_a_key_says_what_it_is(key: str, parameter: bool, installer: bool) -> None:
    assert is_parameter(key) == BY_KEY[key].is_parameter == parameter
    assert BY_KEY[key].is_for_installer == installer
