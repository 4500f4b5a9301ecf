"""Tag numbers into words, against SMA's own lists."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sma_exporter.sma import tags
from sma_exporter.sma.country_standards import COUNTRY_STANDARDS
from sma_exporter.sma.device_models import DEVICE_MODELS
from sma_exporter.sma.tags import L10N, NUMBERS, STATES, TAGS, slug, text
from sma_exporter.webconnect import definitions
from sma_exporter.webconnect.values import NOT_A_TAG


@pytest.fixture(scope="module")
def listed(shared: Path) -> Any:
    """The states of each status object: key -> {"tags": {number: {"text": …}}}."""
    return json.loads((shared / "domain" / "status_tags.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def further(shared: Path) -> dict[str, set[int]]:
    """The states of "Further status objects" in webconnect.md: key -> numbers of their tags."""
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


def test_every_state_sensor_is_a_status_of_the_definitions() -> None:
    translated = {s.name for s in definitions.SENSORS.values() if s.l10n_translate}
    first = {re.sub("_[bc]$", "_a", name) for name in translated}

    one_of_many = {"device_type", "device_manufacturer", "country_standard", "energy_meter_model"}
    substitutes = set(definitions.SUBSTITUTES.values())
    assert STATES.keys() == first - one_of_many - NUMBERS.keys() - substitutes
    assert all(definitions.SENSORS[name].key[5:7] == "08" for name in STATES)


@pytest.mark.parametrize("name", STATES)
def test_the_states_of_a_sensor_are_those_that_are_listed(
    name: str, listed: Any, further: dict[str, set[int]]
) -> None:
    key = definitions.SENSORS[name].key
    if key in listed:
        assert set(STATES[name]) == {int(n) for n in listed[key]["tags"]} - NOT_A_TAG
    elif key in further:
        assert set(STATES[name]) >= further[key] - NOT_A_TAG - MORE_THAN_THIS.get(name, set())
    else:
        assert name in WITHOUT_A_LIST
    assert len(STATES[name]) == len(set(STATES[name]))


#: Tags of a row that lists several sensors together: only the WiFi connects by WPS.
MORE_THAN_THIS = {
    name: {3325, 3426}
    for name in (
        "speedwire_a_status",
        "speedwire_b_status",
        "energy_meter_speedwire_status",
        "webconnect_status",
    )
}

#: Sensors of which no list is known; their states are what was seen, or is plain by SMA's language file.
WITHOUT_A_LIST = {
    "block_status",
    "backup_relay_status",
    "multifunction_relay_status",
    "device_control_status",
    "plant_control_status",
    "energy_meter_modbus_status",
    "reactive_power_limitation",
    "power_factor_setpoint_excitation",
    "speedwire_a_duplex",
    "speedwire_b_duplex",
    "battery_temp_condition_a",
    "battery_management_command_a",
    "wifi_access_point_status",
    "wifi_antenna",
}


def test_tags_that_stand_for_numbers(further: dict[str, set[int]]) -> None:
    for name in ("speedwire_a_speed", "speedwire_b_speed"):
        assert 1721 in further[definitions.SENSORS[name].key]
        assert NUMBERS[name][1721] == 100_000_000 / 8
    assert NUMBERS["digital_inputs"][2246] == 0
    assert sorted(NUMBERS["digital_inputs"].values()) == [*range(16)]


@pytest.mark.parametrize("name", STATES)
def test_every_state_has_words(name: str) -> None:
    assert set(STATES[name]) <= TAGS.keys()


@pytest.mark.parametrize("name", STATES)
def test_states_share_a_slug_only_where_they_mean_the_same(name: str) -> None:
    alike = [{2289, 2292}, {2290, 2293}]
    by_slug: dict[str, set[int]] = {}

    for tag in STATES[name]:
        by_slug.setdefault(slug(tag), set()).add(tag)

    assert all(len(group) == 1 or group in alike for group in by_slug.values())


def test_slugs_fit_into_a_label() -> None:
    slugs = [*(tag.slug for tag in TAGS.values()), *COUNTRY_STANDARDS.values()]

    assert [slug for slug in slugs if not re.fullmatch("[a-z][a-z0-9_]*", slug)] == []
    assert len(set(COUNTRY_STANDARDS.values())) == len(COUNTRY_STANDARDS)


@pytest.mark.parametrize(
    ("tag", "expected_slug", "expected_text"),
    [
        (307, "ok", "Ok"),
        (2292, "charging", "Charge battery"),
        (2289, "charging", "Charge battery"),
        (2293, "discharging", "Discharge battery"),
        (2290, "discharging", "Discharge battery"),
        (4711, "tag_4711", "4711"),
        (9402, "tag_9402", "Sunny Boy 3.6"),
    ],
)
def test_slug_and_text_of_a_tag(tag: int, expected_slug: str, expected_text: str) -> None:
    assert slug(tag) == expected_slug
    assert text(tag) == expected_text


@pytest.mark.parametrize(
    ("tag", "expected"),
    [(7510, "vde_ar_n_4105"), (9327, "SMA Energy Meter"), (307, "ok"), (4711, "tag_4711")],
)
def test_what_one_of_many_choices_is_called(tag: int, expected: str) -> None:
    assert tags.name(tag) == expected


def test_device_models_are_those_that_sma_names(shared: Path) -> None:
    names = json.loads((shared / "domain" / "device_types.json").read_text("utf-8"))

    assert {str(number): name for number, name in DEVICE_MODELS.items()} == names


def test_the_words_hold_states_and_models_and_no_number_twice() -> None:
    assert L10N["307"] == "Ok"
    assert L10N["461"] == "SMA"
    assert L10N["19051"] == "SUNNY TRIPOWER 10.0 SE"
    assert len(L10N) == len(TAGS) + len(DEVICE_MODELS) + len(COUNTRY_STANDARDS)


@pytest.mark.parametrize("table", [TAGS, STATES, L10N, NUMBERS, COUNTRY_STANDARDS])
def test_the_tables_cannot_be_changed(table: Any) -> None:
    with pytest.raises(TypeError):
        table[1] = "x"
