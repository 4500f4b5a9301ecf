"""Tag numbers into words, against SMA's own lists."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sma_exporter.webconnect import definitions
from sma_exporter.webconnect.device_models import DEVICE_MODELS
from sma_exporter.webconnect.sensor import NOT_A_TAG
from sma_exporter.webconnect.tags import L10N, STATES, TAGS, slug, text


@pytest.fixture(scope="module")
def listed(shared: Path) -> Any:
    """The states of each status object: key -> {"tags": {number: {"text": …}}}."""
    return json.loads((shared / "domain" / "status_tags.json").read_text("utf-8"))


def test_every_state_sensor_is_a_status_of_the_definitions() -> None:
    translated = {s.name for s in definitions.SENSORS.values() if s.l10n_translate}

    assert STATES.keys() == translated - {"device_type", "device_manufacturer"}
    assert all(definitions.SENSORS[name].key[5:7] == "08" for name in STATES)


@pytest.mark.parametrize("name", STATES)
def test_the_states_of_a_sensor_are_those_that_are_listed(name: str, listed: Any) -> None:
    known = {int(number) for number in listed[definitions.SENSORS[name].key]["tags"]}

    assert set(STATES[name]) == known - NOT_A_TAG
    assert len(STATES[name]) == len(set(STATES[name]))


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
    assert [t.slug for t in TAGS.values() if not re.fullmatch("[a-z][a-z0-9_]*", t.slug)] == []


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


def test_device_models_are_those_that_sma_names(shared: Path) -> None:
    names = json.loads((shared / "domain" / "device_types.json").read_text("utf-8"))

    assert {str(number): name for number, name in DEVICE_MODELS.items()} == names


def test_the_words_hold_states_and_models_and_no_number_twice() -> None:
    assert L10N["307"] == "Ok"
    assert L10N["461"] == "SMA"
    assert L10N["19051"] == "SUNNY TRIPOWER 10.0 SE"
    assert len(L10N) == len(TAGS) + len(DEVICE_MODELS)


@pytest.mark.parametrize("table", [TAGS, STATES, L10N], ids=["tags", "states", "words"])
def test_the_tables_cannot_be_changed(table: Any) -> None:
    with pytest.raises(TypeError):
        table[1] = "x"
